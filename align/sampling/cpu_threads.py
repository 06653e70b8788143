"""Split a batch over threads on a CPU, so that its parts do not wait for one another.

Threads that share one layer synchronize at its end, where every one waits for the slowest, and more
so where other programs use the cores too. Threads that each render images of their own synchronize
once a batch.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

MIN_IMAGES_PER_PART = 4
"""Parts of fewer images are slower than the whole batch at once."""
T = TypeVar("T")
R = TypeVar("R")


def split_batch(count: int, device: torch.device) -> list[slice]:
    """Split `count` images into slices of equal length; one slice where the device is no CPU."""
    most = torch.get_num_threads() if device.type == "cpu" else 1
    parts = max(1, min(most, count // MIN_IMAGES_PER_PART))
    ends = [round(count * part / parts) for part in range(parts + 1)]
    return [slice(start, end) for start, end in itertools.pairwise(ends)]


def map_in_threads(work: Callable[[T], R], parts: Sequence[T]) -> list[R]:
    """Return `work` of every part, in order, each worker with its share of torch's threads.

    A single part runs in the calling thread. An exception of one part is raised once the parts that
    have begun are done.
    """
    threads = torch.get_num_threads()
    workers = min(threads, len(parts))
    if workers < 2:
        return [work(part) for part in parts]
    # torch counts threads for each thread that calls it.
    share = threads // workers
    with ThreadPoolExecutor(workers, "part", torch.set_num_threads, (share,)) as pool:
        return list(pool.map(work, parts))
