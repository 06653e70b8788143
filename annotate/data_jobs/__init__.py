"""Long work on data, one at a time, with progress and a stop: import, export, backup, merge."""
