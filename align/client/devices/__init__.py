"""Devices as the app sees them, from outside: cards, drivers, torch's build; no torch here."""
