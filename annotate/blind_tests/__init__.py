"""Run blind tests of two versions and report their verdicts."""
