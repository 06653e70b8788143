"""Keep running aggregates of the votes in memory."""
