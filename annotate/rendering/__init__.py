"""Render pairs ahead of the labelers, from prompts and recipes."""
