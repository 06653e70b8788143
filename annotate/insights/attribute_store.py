"""What many images look like: each file is measured once, and what was found is kept."""

import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from annotate.clock import Monotonic
from annotate.errors import BrokenImage
from annotate.insights.attributes import NAMES, attributes
from storage.store import Store

MEASURE = 1
"""A number for how `attributes` measures; a new one measures every image anew."""
BATCH = 64
ROOM = 1024


class ImageFeatureStore:
    """The attributes of images by their SHA-256, in memory and in the studio: a row for each."""

    def __init__(self, store: Store, clock: Monotonic) -> None:
        self._store, self._clock = store, clock
        self._places: dict[bytes, int] = {}
        self._keys: list[bytes] = []
        self._numbers = np.full((0, len(NAMES)), np.nan)
        self._broken: set[int] = set()
        self._guard, self._measuring = threading.Lock(), threading.Lock()

    def places(self, files: Sequence[str]) -> np.ndarray:
        """Return the row of each image, whether it is measured or not."""
        keys = [bytes.fromhex(sha256) for sha256 in files]
        with self._guard:
            if unknown := [key for key in dict.fromkeys(keys) if key not in self._places]:
                self._take(unknown)
            return np.array([self._places[key] for key in keys], np.int32)

    def numbers(self) -> np.ndarray:
        """Return every row; NaN where an image is not measured, or cannot be."""
        return self._numbers[: len(self._places)]

    def measure(self, places: np.ndarray, within_s: float) -> int:
        """Measure what nobody measured before, for so many seconds, and return how many are left.

        An image that cannot be read is passed over.
        """
        until = self._clock() + within_s
        wanted = np.unique(places)
        new = wanted[np.isnan(self._numbers[wanted, 0])].tolist() if len(wanted) else []
        new = [place for place in new if place not in self._broken]
        if not new or within_s <= 0:
            return len(new)
        with self._measuring:
            # Somebody else may have measured them while this call waited.
            new, done = [place for place in new if self._is_new(place)], 0
            while done < len(new) and self._clock() < until:
                done += self._measure(new[done : done + BATCH], until)
        return len(new) - done

    def of(self, files: Iterable[str], within_s: float) -> tuple[dict[str, np.ndarray], int]:
        """Return what is known of these images, and how many are left to measure.

        Measures those that nobody measured before, for so many seconds at most; an image that
        cannot be read is passed over.
        """
        wanted = list(dict.fromkeys(files))
        places = self.places(wanted)
        left = self.measure(places, within_s)
        rows = self._numbers[places]
        known = ~np.isnan(rows[:, 0])
        return {wanted[n]: rows[n] for n in np.flatnonzero(known)}, left

    def _is_new(self, place: int) -> bool:
        return bool(np.isnan(self._numbers[place, 0])) and place not in self._broken

    def _take(self, unknown: Sequence[bytes]) -> None:
        """Give images a row each, with what the studio keeps of them."""
        kept = self._store.quality.image_features(MEASURE, [key.hex() for key in unknown])
        size = len(self._places) + len(unknown)
        if size > len(self._numbers):
            room = np.full((max(size, 2 * len(self._numbers), ROOM), len(NAMES)), np.nan)
            room[: len(self._numbers)] = self._numbers
            self._numbers = room
        for key in unknown:
            place = self._places[key] = len(self._keys)
            self._keys.append(key)
            row = kept.get(key.hex())
            if row is not None and len(row) == len(NAMES):
                self._numbers[place] = row

    def _measure(self, places: Sequence[int], until: float) -> int:
        """Measure some images as long as there is time, and return how many were looked at."""
        found: dict[int, np.ndarray] = {}
        looked_at = 0
        for place in places:
            path: Path = self._store.image_path(self._keys[place].hex())
            try:
                found[place] = attributes(path)
            except BrokenImage:
                self._broken.add(place)
            looked_at += 1
            if self._clock() > until:
                break
        kept = {self._keys[place].hex(): row.tolist() for place, row in found.items()}
        self._store.quality.add_image_features(MEASURE, kept)
        with self._guard:
            for place, row in found.items():
                self._numbers[place] = row
        return looked_at
