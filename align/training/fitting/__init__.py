"""What fits onto the device: the format of the base, pairs at once, blocks that are recomputed."""
