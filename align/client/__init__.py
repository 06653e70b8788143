"""Everything of align that the app process may import; nothing here imports torch."""
