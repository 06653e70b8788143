"""A batch drawn in parts, side by side on a CPU, is what it would be at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch

from align.contracts.rendering import RenderItem
from align.sampling.cpu_threads import MIN_IMAGES_PER_PART, map_in_threads, split_batch
from align.sampling.image_sampler import render_settings
from align.sampling.render import render, render_latents

pytestmark = pytest.mark.slow

CPU = torch.device("cpu")
PROMPTS = ("a cat face", "a pizza", "a red car")


class Halted(Exception):
    pass


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def items() -> list[RenderItem]:
    return [RenderItem(PROMPTS[n % len(PROMPTS)], n) for n in range(2 * MIN_IMAGES_PER_PART + 1)]


def test_parts_are_equal_and_not_small(two_threads):
    assert split_batch(2 * MIN_IMAGES_PER_PART - 1, CPU) == [slice(0, 2 * MIN_IMAGES_PER_PART - 1)]
    assert [part.stop - part.start for part in split_batch(13, CPU)] == [6, 7]
    assert split_batch(0, CPU) == [slice(0, 0)]
    assert split_batch(16, torch.device("cuda")) == [slice(0, 16)]


def test_each_worker_has_its_share_of_the_threads(two_threads):
    def look(_: int) -> tuple[str, int]:
        return threading.current_thread().name, torch.get_num_threads()

    threads = map_in_threads(look, range(6))
    assert all(name.startswith("part") and share == 1 for name, share in threads)
    assert torch.get_num_threads() == 2
    assert map_in_threads(look, [0]) == [(threading.current_thread().name, 2)]


def test_a_batch_in_parts_is_the_batch_at_once(pipeline, model, compute, items, two_threads):
    settings = replace(render_settings(model), steps=3)
    parts = render_latents(pipeline, compute, items, settings)
    images = render(pipeline, compute, items, settings)
    torch.set_num_threads(1)
    whole = render_latents(pipeline, compute, items, settings)
    torch.testing.assert_close(parts, whole, rtol=1e-3, atol=1e-3)
    assert len(images) == len(items)


def test_what_ends_one_part_ends_the_batch(pipeline, model, compute, items, two_threads):
    steps: list[str] = []

    def between(step) -> None:
        steps.append(threading.current_thread().name)
        if len(steps) > 2:
            raise Halted

    with pytest.raises(Halted):
        render_latents(pipeline, compute, items, render_settings(model), between)
    assert len(steps) <= 5
    assert not [one for one in threading.enumerate() if one.name.startswith("part")]
