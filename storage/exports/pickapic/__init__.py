"""Palate's own Parquet: votes in the columns of Pick-a-Pic, with our columns beside them."""
