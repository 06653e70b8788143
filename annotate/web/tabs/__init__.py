"""Lay out the tabs of the page and wire their events."""
