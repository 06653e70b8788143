"""Backups of a whole studio, and the union of two studios of one model."""
