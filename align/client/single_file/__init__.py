"""Single-file checkpoints under the names of the published code, without torch."""
