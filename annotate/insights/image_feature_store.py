"""Image features of a studio: each file is measured once, and its attributes are kept."""

import logging
import threading
from collections.abc import Iterable, Sequence

import numpy as np

from annotate.clock import Monotonic
from annotate.errors import BrokenImage
from annotate.insights.attributes import NAMES, attributes
from storage.store import Store

FEATURES_VERSION = 1
"""Raise it when `attributes` measures otherwise: every image is then measured again."""
BATCH_SIZE = 64
"""Images between two writes to the database."""
INITIAL_ROWS = 1024

logger = logging.getLogger(__name__)


class ImageFeatureStore:
    """The attributes of images by SHA-256, a row each, in memory and in the studio.

    Safe from any thread.
    """

    def __init__(self, store: Store, clock: Monotonic) -> None:
        self._store, self._clock = store, clock
        self._rows: dict[bytes, int] = {}
        self._keys: list[bytes] = []
        self._features = np.full((0, len(NAMES)), np.nan)
        self._unreadable: set[int] = set()
        self._guard, self._measuring = threading.Lock(), threading.Lock()

    def rows_of(self, files: Sequence[str]) -> np.ndarray:
        """Return the row of each image, whether it is measured or not."""
        keys = [bytes.fromhex(sha256) for sha256 in files]
        with self._guard:
            if unknown := [key for key in dict.fromkeys(keys) if key not in self._rows]:
                self._add_rows(unknown)
            return np.array([self._rows[key] for key in keys], np.int32)

    def features(self) -> np.ndarray:
        """Return every row; NaN where an image is not measured, or cannot be."""
        return self._features[: len(self._rows)]

    def measure(self, rows: np.ndarray, within_s: float) -> int:
        """Measure images that nobody measured before, and return the number of those left.

        An image that cannot be read is passed over.

        Args:
            rows: the rows of the images.
            within_s: seconds after which the rest is left for the next call; 0 only counts.
        """
        until = self._clock() + within_s
        wanted = np.unique(rows)
        new = wanted[np.isnan(self._features[wanted, 0])].tolist() if len(wanted) else []
        new = [row for row in new if row not in self._unreadable]
        if not new or within_s <= 0:
            return len(new)

        with self._measuring:
            # Somebody else may have measured them while this call waited.
            new, done = [row for row in new if self._is_new(row)], 0
            while done < len(new) and self._clock() < until:
                done += self._measure(new[done : done + BATCH_SIZE], until)
        return len(new) - done

    def features_of(
        self, files: Iterable[str], within_s: float
    ) -> tuple[dict[str, np.ndarray], int]:
        """Return the features of these images, and the number of those left to measure.

        Those that nobody measured before are measured, for so many seconds at most. An image that
        cannot be read is not among the answers.
        """
        wanted = list(dict.fromkeys(files))
        rows = self.rows_of(wanted)
        left = self.measure(rows, within_s)
        found = self._features[rows]
        known = ~np.isnan(found[:, 0])
        return {wanted[n]: found[n] for n in np.flatnonzero(known)}, left

    def _is_new(self, row: int) -> bool:
        return bool(np.isnan(self._features[row, 0])) and row not in self._unreadable

    def _add_rows(self, unknown: Sequence[bytes]) -> None:
        """Give images a row each, filled with the features that the studio keeps of them."""
        kept = self._store.quality.image_features(FEATURES_VERSION, [key.hex() for key in unknown])

        # Grown by doubling, so that adding images one by one copies each row a few times only.
        size = len(self._rows) + len(unknown)
        if size > len(self._features):
            rows = max(size, 2 * len(self._features), INITIAL_ROWS)
            grown = np.full((rows, len(NAMES)), np.nan)
            grown[: len(self._features)] = self._features
            self._features = grown

        for key in unknown:
            row = self._rows[key] = len(self._keys)
            self._keys.append(key)
            features = kept.get(key.hex())
            if features is not None and len(features) == len(NAMES):
                self._features[row] = features

    def _measure(self, rows: Sequence[int], until: float) -> int:
        """Measure some images as long as there is time, and return the number that were tried."""
        found: dict[int, np.ndarray] = {}
        tried = 0
        for row in rows:
            features = self._attributes_of(row)
            if features is not None:
                found[row] = features
            tried += 1
            if self._clock() > until:
                break

        kept = {self._keys[row].hex(): features.tolist() for row, features in found.items()}
        self._store.quality.add_image_features(FEATURES_VERSION, kept)
        with self._guard:
            for row, features in found.items():
                self._features[row] = features
        return tried

    def _attributes_of(self, row: int) -> np.ndarray | None:
        """Return an image's attributes; None for one that cannot be measured, now or later."""
        sha256 = self._keys[row].hex()
        try:
            return attributes(self._store.image_path(sha256))
        except BrokenImage:
            self._unreadable.add(row)
        except MemoryError:
            # Says nothing of this image; the caller tries again later.
            raise
        except Exception:
            # Tried again it would fail again, and nothing could be learned from any vote.
            self._unreadable.add(row)
            logger.exception("the image %s cannot be measured and is left out", sha256)
        return None
