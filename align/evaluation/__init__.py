"""Compare a version with its base: renders, image checks and win rates."""
