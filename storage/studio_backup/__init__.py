"""Backups of a whole studio: written while it runs, each file once, and put back whole."""
