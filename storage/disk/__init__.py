"""Measure and clean up the studio folder."""
