"""Prompts of a project: which there are, how often each comes, and those asked for next."""
