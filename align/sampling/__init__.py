"""Render images: batched rendering, the sampler process, and rendering into a folder."""
