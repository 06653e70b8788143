"""Assign pairs to annotators, take their votes, and take them back."""
