"""Queue fine-tuning runs, start them on a trigger, and report their status."""
