"""Merging: the votes, versions and people of two studios of one model in one."""
