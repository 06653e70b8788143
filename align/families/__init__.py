"""Families of models: what each architecture supplies to every other room."""
