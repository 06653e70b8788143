"""What a run will take, before it starts and while it settles: pixels, steps, minutes."""
