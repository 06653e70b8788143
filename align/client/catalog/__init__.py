"""What a person can open: the folder of models, and downloads from a hub."""
