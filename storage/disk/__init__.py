"""Disk usage and clean-up of the studio folder."""
