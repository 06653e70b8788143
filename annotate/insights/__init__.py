"""Summarize what the votes say, and choose the most informative pair next."""
