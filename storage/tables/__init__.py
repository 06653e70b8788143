"""Read and write the studio's tables, one module per table."""
