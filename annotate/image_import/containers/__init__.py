"""Read texts and their encodings from image files, one module per container format."""
