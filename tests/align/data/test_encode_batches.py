"""How many images and prompts are encoded at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from align.data.buckets import SizedImage
from align.data.encode import encode_batches

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("side", "sizes"), [(128, [16, 4]), (256, [8, 8, 4]), (1024, [1] * 20)])
def test_large_images_are_encoded_few_at_a_time(side, sizes):
    images = [SizedImage((side, side), Path(f"{n}.png")) for n in range(20)]
    assert [len(batch) for batch in encode_batches(images)] == sizes


def test_images_of_one_batch_are_of_one_size():
    sides = [128] * 3 + [256] * 2
    images = [SizedImage((side, side), Path(f"{n}.png")) for n, side in enumerate(sides)]
    assert [len(batch) for batch in encode_batches(images)] == [3, 2]


def test_prompts_are_encoded_sixteen_at_a_time():
    assert [len(batch) for batch in encode_batches(["a cat"] * 20)] == [16, 4]
