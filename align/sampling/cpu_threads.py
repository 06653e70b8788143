"""Work of one batch done in parts, side by side: on a CPU parts need not wait for one another.

Threads that share one layer meet at its end, and every one waits for the slowest, all the more
where other programs use the cores as well. Threads that each draw images of their own meet once.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

LEAST = 4
"""Fewer images to a part are slower than all of them at once."""
T = TypeVar("T")
R = TypeVar("R")


def parts_of(count: int, device: torch.device) -> list[slice]:
    """Split `count` images into equal runs, one where they are few or the device is no CPU."""
    most = torch.get_num_threads() if device.type == "cpu" else 1
    parts = max(1, min(most, count // LEAST))
    ends = [round(count * part / parts) for part in range(parts + 1)]
    return [slice(start, end) for start, end in itertools.pairwise(ends)]


def side_by_side(work: Callable[[T], R], parts: Sequence[T]) -> list[R]:
    """Return `work` of every part, in order; each worker computes on its share of the threads.

    For a CPU: elsewhere let there be one part, which is done on the spot.

    What a part raises is raised once the parts under way have ended.
    """
    threads = torch.get_num_threads()
    workers = min(threads, len(parts))
    if workers < 2:
        return [work(part) for part in parts]
    # torch counts threads for each thread that calls it.
    share = threads // workers
    with ThreadPoolExecutor(workers, "part", torch.set_num_threads, (share,)) as pool:
        return list(pool.map(work, parts))
