"""Render the same prompts and seeds with several versions, mixes or many samples."""
