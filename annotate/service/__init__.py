"""The one facade that pages and programs call: the studio and what labelers see of it."""
