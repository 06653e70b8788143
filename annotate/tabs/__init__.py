"""The three tabs of the page."""
