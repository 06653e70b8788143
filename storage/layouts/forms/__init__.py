"""The forms in which rows say which image is better, each with what makes votes of them."""
