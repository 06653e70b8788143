"""What is known before a run starts: its device, and what earlier runs have measured."""
