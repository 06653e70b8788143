"""Sections of the Train tab: the form of a run, runs, versions, and what a run changed."""
