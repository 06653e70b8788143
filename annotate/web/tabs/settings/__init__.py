"""Sections of the Settings tab."""
