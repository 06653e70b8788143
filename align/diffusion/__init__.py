"""Preference objectives and counter-based noise: pure functions of tensors."""
