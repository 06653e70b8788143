"""Keep the registry of model versions, and release only those that pass their checks."""
