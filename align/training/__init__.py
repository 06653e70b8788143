"""Train on preference pairs: the loop, its state, checkpoints and memory."""
