"""The embedded emoji model: its pipeline folder, and the commands that train it again."""
