"""Import folders of images with their prompts, and make pairs of them."""
