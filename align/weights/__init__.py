"""Load pipelines, merge adapters into weights, and export them."""
