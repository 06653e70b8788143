"""Render the page's HTML fragments from plain values."""
