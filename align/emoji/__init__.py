"""The embedded model: its pipeline folder, and how anyone makes it again."""
