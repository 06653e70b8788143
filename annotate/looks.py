"""What many pictures look like: each file is measured once, and what was found is kept."""

import threading
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from annotate.attributes import NAMES, attributes
from annotate.errors import BrokenPicture
from annotate.timing import Monotonic
from storage.store import Store

MEASURE = 1
"""A number for how `attributes` measures; a new one measures every picture anew."""
BATCH = 64


class Looks:
    """The attributes of pictures by their SHA-256, in memory and in the studio."""

    def __init__(self, store: Store, clock: Monotonic) -> None:
        self._store, self._clock = store, clock
        self._known: dict[str, np.ndarray] | None = None
        self._broken: set[str] = set()
        self._guard = threading.Lock()

    def of(self, files: Iterable[str], within_s: float) -> tuple[dict[str, np.ndarray], int]:
        """Return what is known of these pictures, and how many are left to measure.

        Measures those that nobody measured before, for so many seconds at most; a picture that
        cannot be read is passed over.
        """
        with self._guard:
            known = self._load()
            until = self._clock() + within_s
            wanted = list(dict.fromkeys(files))
            new = [sha for sha in wanted if sha not in known and sha not in self._broken]
            while new and self._clock() < until:
                self._measure(new[:BATCH], known, until)
                new = [sha for sha in new if sha not in known and sha not in self._broken]
            return {sha: known[sha] for sha in wanted if sha in known}, len(new)

    def _load(self) -> dict[str, np.ndarray]:
        if self._known is None:
            kept = self._store.quality.looks(MEASURE)
            fitting = {sha: np.array(row) for sha, row in kept.items() if len(row) == len(NAMES)}
            self._known = fitting
        return self._known

    def _measure(self, batch: list[str], known: dict[str, np.ndarray], until: float) -> None:
        found: dict[str, np.ndarray] = {}
        for sha256 in batch:
            path: Path = self._store.image_path(sha256)
            try:
                found[sha256] = attributes(path)
            except BrokenPicture:
                self._broken.add(sha256)
            if self._clock() > until:
                break
        self._store.quality.keep_looks(MEASURE, {sha: row.tolist() for sha, row in found.items()})
        known |= found
