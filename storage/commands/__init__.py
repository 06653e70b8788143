"""The commands of `palate data` and `python -m storage`, a module each."""
