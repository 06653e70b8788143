"""The layouts in which others keep preferences: recognised, mapped, and read row by row."""
