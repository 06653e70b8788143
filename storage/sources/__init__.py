"""Sources: votes that came in from files, kept apart from those given here."""
