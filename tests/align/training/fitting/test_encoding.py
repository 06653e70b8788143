"""Encoding in tiles: less memory, and other latents under keys of their own."""

from __future__ import annotations

import pytest
from accelerate import Accelerator
from toy_runs import write_snapshot

from align.client.run_folder import RunFolder
from align.data.buckets import SizedImage
from align.data.encode import keys_of_images
from align.families.lookup import family_of
from align.training.fitting.encoding import encoding_bytes, tile_where_short
from align.weights.pipeline import load_pipeline

pytestmark = pytest.mark.slow


def test_four_tiles_take_less_than_an_image_as_a_whole(pipeline):
    whole = encoding_bytes(pipeline, (1024, 1024))
    assert encoding_bytes(pipeline, (1024, 1024), tiled=True) < whole / 2
    assert encoding_bytes(pipeline, (512, 512), tiled=True) < whole / 2


def test_latents_of_tiles_have_keys_of_their_own(model, compute, tmp_path):
    loaded = load_pipeline(model, compute)
    folder = write_snapshot(tmp_path / "snapshot", 1)
    images = [SizedImage((64, 64), folder / "images" / "0-0.png")]
    whole = keys_of_images(loaded, compute, images)
    family_of(loaded).tile_autoencoder(loaded, True)
    assert keys_of_images(loaded, compute, images) != whole


def test_nothing_is_tiled_in_main_memory(pipeline, compute, tmp_path):
    run = RunFolder(tmp_path)
    tile_where_short(run, Accelerator(cpu=True), pipeline, compute, (1024, 1024))
    assert not pipeline.vae.use_tiling
    assert run.settled() == {}
