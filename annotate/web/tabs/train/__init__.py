"""Sections of the Train tab that other tabs show too."""
