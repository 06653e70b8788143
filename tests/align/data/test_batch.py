"""What the UNet is given of a draw."""

from __future__ import annotations

import pytest
import torch

from align.data.batch import Batcher, NoiseSample
from align.data.encode import encode_pairs, ignore_progress
from align.data.latent_cache import TensorCache
from align.data.snapshot import read_snapshot
from align.diffusion.noise import training_scheduler
from align.families.sdxl import SDXL


@pytest.fixture
def batcher(make_snapshot, pipeline, compute, tmp_path):
    pairs = read_snapshot(make_snapshot(4)).pairs
    data = encode_pairs(
        pipeline, compute, pairs, (128, 128), TensorCache(tmp_path / "kept"), ignore_progress
    )
    return Batcher(data, training_scheduler(pipeline.scheduler), compute, seed=3, floor=0.5)


DRAWS = [NoiseSample(row, index) for row in range(4) for index in range(500)]


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_prompts_are_dropped_from_a_share_of_the_draws_and_always_from_the_same(batcher, share):
    dropped = batcher.assign_roles(DRAWS, share, 0.5)
    assert sum(d.bare for d in dropped) / len(DRAWS) == pytest.approx(share, abs=0.03)
    assert sum(d.anchor for d in dropped if d.bare) == pytest.approx(len(DRAWS) * share / 2, abs=60)
    assert batcher.assign_roles(DRAWS[7:9], share, 0.5) == dropped[7:9]
    more = batcher.assign_roles(DRAWS, min(1.0, share + 0.1), 0.0)
    assert all(b.bare for a, b in zip(dropped, more, strict=True) if a.bare)


def test_a_draw_without_its_prompt_differs_in_nothing_else(batcher, pipeline):
    plain, bare = batcher.build([NoiseSample(1, 5)]), batcher.build([NoiseSample(1, 5, bare=True)])
    empty = SDXL.encode_no_prompt(pipeline)
    assert torch.equal(bare.conditioning["text"], empty["text"].expand(2, -1, -1))
    assert torch.equal(bare.conditioning["pooled"], empty["pooled"].expand(2, -1))
    assert not torch.equal(plain.conditioning["text"], bare.conditioning["text"])
    for name in ("noisy_BCHW", "target_BCHW", "timesteps_B"):
        assert torch.equal(getattr(plain, name), getattr(bare, name))


def test_what_is_remembered_of_a_draw_is_not_mistaken_for_the_one_without_its_prompt(batcher):
    plain, bare = batcher.keys([NoiseSample(1, 5), NoiseSample(1, 5, bare=True)])
    assert plain != bare


def test_no_prompt_is_zeros_only_where_the_pipeline_was_trained_so(pipeline):
    assert not any(tensor.any() for tensor in SDXL.encode_no_prompt(pipeline).tensors.values())
    trained_so = pipeline.config.force_zeros_for_empty_prompt
    pipeline.register_to_config(force_zeros_for_empty_prompt=False)
    try:
        assert all(tensor.any() for tensor in SDXL.encode_no_prompt(pipeline).tensors.values())
    finally:
        pipeline.register_to_config(force_zeros_for_empty_prompt=trained_so)
