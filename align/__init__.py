"""Preference tuning for Stable Diffusion XL: train, sample and score, from folders alone."""
