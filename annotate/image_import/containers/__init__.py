"""Where image files keep texts, and in which encodings: one module a container."""
