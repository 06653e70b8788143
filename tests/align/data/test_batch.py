"""What the UNet is given of a noise sample."""

from __future__ import annotations

import pytest
import torch

from align.data.batch import Batcher, NoiseSample
from align.data.encode import encode_pairs, ignore_progress
from align.data.latent_cache import TensorCache
from align.data.snapshot import read_snapshot
from align.diffusion.schedules import training_scheduler
from align.families.sdxl import SDXL

pytestmark = pytest.mark.slow


@pytest.fixture
def batcher(make_snapshot, pipeline, compute, tmp_path):
    pairs = read_snapshot(make_snapshot(4)).pairs
    data = encode_pairs(
        pipeline, compute, pairs, (128, 128), TensorCache(tmp_path / "kept"), ignore_progress
    )
    return Batcher(
        data, training_scheduler(pipeline.scheduler), compute, seed=3, min_timestep_fraction=0.5
    )


SAMPLES = [NoiseSample(row, index) for row in range(4) for index in range(500)]


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_prompts_are_dropped_from_a_share_of_the_noise_samples_and_always_from_the_same(
    batcher, share
):
    dropped = batcher.assign_roles(SAMPLES, share, 0.5)
    assert sum(d.unconditional for d in dropped) / len(SAMPLES) == pytest.approx(share, abs=0.03)
    assert sum(d.anchor for d in dropped if d.unconditional) == pytest.approx(
        len(SAMPLES) * share / 2, abs=60
    )
    assert batcher.assign_roles(SAMPLES[7:9], share, 0.5) == dropped[7:9]
    more = batcher.assign_roles(SAMPLES, min(1.0, share + 0.1), 0.0)
    assert all(b.unconditional for a, b in zip(dropped, more, strict=True) if a.unconditional)


def test_a_noise_sample_without_its_prompt_differs_in_nothing_else(batcher, pipeline):
    plain, bare = (
        batcher.build([NoiseSample(1, 5)]),
        batcher.build([NoiseSample(1, 5, unconditional=True)]),
    )
    empty = SDXL.encode_no_prompt(pipeline)
    assert torch.equal(bare.conditioning["text"], empty["text"].expand(2, -1, -1))
    assert torch.equal(bare.conditioning["pooled"], empty["pooled"].expand(2, -1))
    assert not torch.equal(plain.conditioning["text"], bare.conditioning["text"])
    for name in ("noisy_BCHW", "target_BCHW", "timesteps_B"):
        assert torch.equal(getattr(plain, name), getattr(bare, name))


def test_what_is_cached_of_a_noise_sample_is_not_mistaken_for_the_one_without_its_prompt(
    batcher,
):
    plain, bare = batcher.keys([NoiseSample(1, 5), NoiseSample(1, 5, unconditional=True)])
    assert plain != bare


def test_no_prompt_is_zeros_only_where_the_pipeline_was_trained_so(pipeline):
    assert not any(tensor.any() for tensor in SDXL.encode_no_prompt(pipeline).tensors.values())
    trained_so = pipeline.config.force_zeros_for_empty_prompt
    pipeline.register_to_config(force_zeros_for_empty_prompt=False)
    try:
        assert all(tensor.any() for tensor in SDXL.encode_no_prompt(pipeline).tensors.values())
    finally:
        pipeline.register_to_config(force_zeros_for_empty_prompt=trained_so)
