"""Aggregates: running counts of the votes, and votes as statistics read them."""
