"""Exports: votes and their images in the forms that other programs read."""
