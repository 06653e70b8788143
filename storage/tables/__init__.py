"""Tables of the database, one module each: rows are appended, and the newest one counts."""
