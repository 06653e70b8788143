"""Freeze settled votes into the folder that a trainer reads."""
