"""Score images: CLIP scorers, the implicit reward and a learned taste."""
