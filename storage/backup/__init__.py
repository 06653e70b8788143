"""Copy the database, check it, and recover it."""
