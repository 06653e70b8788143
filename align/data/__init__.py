"""Read snapshots, encode images and prompts, and assemble training batches."""
