"""Images that are cells of Parquet files: checked and encoded in one pass over the files.

They are encoded in the batches that the same images as files would be, as far as `WINDOW_BYTES`
reach: how many are encoded at once changes the last bits of each.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

import torch
from torch import Tensor

from align.contracts.image_references import FrameHead
from align.contracts.image_sizes import Size
from align.data.buckets import SizedImage, images_of_pairs
from align.data.encode import OnProgress, images_at_once, keys_of_images, pixels_of
from align.data.image_files import decode_rgb
from align.data.image_stream import Frame, image_frames, reader_command
from align.data.latent_cache import TensorCache
from align.data.references import References
from align.data.snapshot import TrainingSnapshot, without_images
from align.device import Compute
from align.families.family import Pipeline
from align.families.lookup import family_of

WINDOW_BYTES = 2**28
"""Bytes of images that are put in order before they are encoded: a quarter of a gigabyte."""
UNREADABLE = "unreadable image"


def encode_references(
    pipeline: Pipeline,
    compute: Compute,
    snapshot: TrainingSnapshot,
    size: Size,
    cache: TensorCache,
    on_progress: OnProgress,
    resolution: int = 0,
) -> TrainingSnapshot:
    """Encode the images of Parquet files that the cache does not hold, in one pass over the files.

    Returns:
        The snapshot without pairs whose images cannot be had, counted by reason.

    Raises:
        SnapshotError: no decisive pair is left, or the process that reads them ends before.
    """
    references = snapshot.references
    known = references.sizes
    if references.index is None or not known:
        return snapshot

    pairs = [pair for pair in snapshot.pairs if {pair.chosen, pair.rejected} & known.keys()]
    shown = images_of_pairs(pairs, size[0] * size[1], resolution, known)
    images = [image for image in shown.every if image.path in known]
    keys = keys_of_images(pipeline, compute, images, known)
    # Those that are encoded need their file no more: a run goes on when it has moved away.
    missing = [image for image in images if cache.get(keys[image]) is None]
    if not missing:
        return snapshot

    encoder = WindowEncoder(pipeline, compute, cache, keys, missing, snapshot.references)
    frames = image_frames(reader_command(references.index), encoder.names)
    on_progress(0, len(missing))
    for done in encoder.encode(frames):
        on_progress(done, len(missing))
    return without_images(snapshot, encoder.faults)


class WindowEncoder:
    """Encodes images as they come out of their files, a window of them at a time."""

    def __init__(
        self,
        pipeline: Pipeline,
        compute: Compute,
        cache: TensorCache,
        keys: Mapping[SizedImage, str],
        missing: Sequence[SizedImage],
        references: References,
    ) -> None:
        self._pipeline, self._compute = pipeline, compute
        self._cache, self._keys = cache, keys
        self._sizes = references.sizes
        self._missing: defaultdict[Path, list[SizedImage]] = defaultdict(list)
        for image in missing:
            self._missing[image.path].append(image)
        self.names = {name_of(path): path for path in self._missing}
        """The paths of the images, by the names that they are asked for."""
        self.faults: dict[Path, str] = {}
        """Why images cannot be used, by path."""
        self._done = 0

    def encode(self, frames: Iterable[Frame]) -> Iterator[int]:
        """Encode every image of the frames, and yield after each batch how many there are."""
        window: dict[Path, bytes] = {}
        unsent, held = set(self._missing), 0
        for head, content in frames:
            path = self.names.get(head.get("image", ""))
            if head["kind"] == "fault" and path in unsent:
                self._leave_out(path, head.get("reason", UNREADABLE))
                print_sentence(head)
            elif head["kind"] == "image" and path in unsent:
                window[path] = content
            unsent.discard(path or Path())
            held += len(content)
            if held > WINDOW_BYTES:
                yield from self._encode_window(window)
                window, held = {}, 0

        yield from self._encode_window(window)
        for path in unsent:
            self._leave_out(path, UNREADABLE)

    def _encode_window(self, window: Mapping[Path, bytes]) -> Iterator[int]:
        """Encode images in the order and the batches that images of a folder have."""
        images = sorted(image for path in window for image in self._missing[path])
        for size, group in groupby(images, lambda image: image.size):
            batch: dict[SizedImage, Tensor] = {}
            for image in group:
                decoded = decode_rgb(window[image.path], self._sizes[image.path])
                if decoded is None:
                    self._leave_out(image.path, UNREADABLE)
                    continue
                batch[image] = pixels_of(decoded, size)
                if len(batch) == images_at_once(size):
                    yield self._encode_batch(batch)
                    batch = {}
            if batch:
                yield self._encode_batch(batch)

    def _encode_batch(self, batch: Mapping[SizedImage, Tensor]) -> int:
        """Encode images of one size and store them; return how many are done."""
        pixels_BCHW = torch.stack(list(batch.values()))
        family = family_of(self._pipeline)
        latents_BCHW = family.encode_images(self._pipeline, self._compute, pixels_BCHW)
        for image, latent in zip(batch, latents_BCHW, strict=True):
            self._cache.put(self._keys[image], {"latent": latent.contiguous()})
        self._done += len(batch)
        return self._done

    def _leave_out(self, path: Path, reason: str) -> None:
        self.faults[path] = reason


def name_of(path: Path) -> str:
    """Return the name of an image in the rows of its snapshot."""
    return f"{path.parent.name}/{path.name}"


def print_sentence(head: FrameHead) -> None:
    """Print what is wrong with a file where a person reads it: in the log of the run."""
    if sentence := head.get("sentence"):
        print(sentence, file=sys.stderr, flush=True)
