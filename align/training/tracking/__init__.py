"""Metrics of a run for trackers of experiments, which are told of each step."""
