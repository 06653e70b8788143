"""Contracts: what crosses the walls between app, trainer, sampler, converter and storage.

Written once, and imported by every side: `align`, `annotate` and `storage`. Standard library only.
A TypedDict is a JSON document, a dataclass a value in memory (some are files with their fields).
"""
