"""Samples that a run renders while it trains, and what they say that it changed."""
