"""Compute statistics of votes from plain numbers; nothing here knows a page or a store."""
