"""One reader for each image program that writes prompts into files."""
