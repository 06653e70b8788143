"""Runs on a base in few bits: they learn the same, and their adapter is for the whole base."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from toy_runs import Stopped, prepare_run, stop_after, write_snapshot

from align.client.config import TrainConfig, configure
from align.client.run_folder import RunFolder
from align.errors import InvalidSettings
from align.sampling.image_sampler import ImageSampler
from align.training.fitting import base_format
from align.training.fitting.auto_batch import USABLE_FRACTION
from align.training.fitting.base_format import bytes_needed, choose_base_format, format_of_before
from align.training.session import train_folder
from align.weights import quantized

pytestmark = pytest.mark.long

HAS_BITSANDBYTES = importlib.util.find_spec("bitsandbytes") is not None
FORMATS = ["int8", pytest.param("nf4", marks=pytest.mark.skipif(not HAS_BITSANDBYTES, reason="-"))]
MAX_LOSS_DIFFERENCE = 0.05
MAX_PIXEL_DIFFERENCE = 2.0
"""Of 255, in the mean."""


@pytest.fixture(scope="module")
def runs(emoji, tmp_path_factory) -> dict[str, RunFolder]:
    """Ten steps of the embedded model on a base of each format, from the same seed."""
    folder = tmp_path_factory.mktemp("formats")
    snapshot = write_snapshot(folder / "snapshot", preferences=8)
    settings = {"steps": 10, "rank": 16, "train_batch_size": 4, "warmup_steps": 0}
    names = quantized.FORMATS if HAS_BITSANDBYTES else ("model", "int8")
    for name in names:
        run = prepare_run(folder / name, snapshot, emoji, **settings, base_format=name)
        train_folder(run, cache=folder / "cache")
    return {
        path.name: RunFolder(path) for path in folder.iterdir() if path.name in quantized.FORMATS
    }


@pytest.mark.parametrize("base_format", FORMATS)
def test_ten_steps_lose_what_they_lose_on_the_whole_base(runs, base_format):
    whole, few = ([row["loss"] for row in runs[name].metrics()] for name in ("model", base_format))
    apart = max(abs(ours / theirs - 1) for ours, theirs in zip(few, whole, strict=True))
    print(f"{base_format}: loss within {apart:.2%} of the whole base's in ten steps")
    assert 0 < apart < MAX_LOSS_DIFFERENCE, (whole, few)
    assert runs[base_format].status().result["base_format"] == base_format


@pytest.fixture(scope="module")
def rendered(emoji, runs) -> dict[str, torch.Tensor]:
    """The same images on the whole base: by it alone, and with the adapter of each run."""
    sampler, prompts = (
        ImageSampler(emoji),
        ["a red apple", "a cat", "a blue house", "a yellow star"],
    )
    adapters = {"base": None, **runs}
    return {
        name: torch.stack(
            [
                torch.from_numpy(np.array(image, dtype=np.float32))
                for image in sampler.render(prompts, [1, 2], adapter=adapter)
            ]
        )
        for name, adapter in adapters.items()
    }


@pytest.mark.parametrize("base_format", FORMATS)
def test_its_adapter_changes_images_of_the_whole_base_alike(rendered, base_format):
    change = float((rendered["model"] - rendered["base"]).abs().mean())
    apart = float((rendered[base_format] - rendered["model"]).abs().mean())
    print(f"{base_format}: images {apart:.2f}/255 apart, which the adapter changes by {change:.2f}")
    assert apart < MAX_PIXEL_DIFFERENCE, change
    assert apart < change / 2


@pytest.mark.parametrize("base_format", FORMATS)
def test_its_adapter_has_the_layers_of_one_on_the_whole_base(runs, base_format):
    whole, few = (load_file(runs[name].adapter) for name in ("model", base_format))
    shapes = [{name: weight.shape for name, weight in file.items()} for file in (whole, few)]
    assert shapes[0] == shapes[1]


def test_errors_of_the_reference_belong_to_the_format_of_the_base(runs):
    """All runs share a cache, and each asked its own base."""
    for run in runs.values():
        assert run.status().result["reference_draws"]["known"] == 0


def test_a_run_on_int8_goes_on_to_the_very_same_adapter(make_run):
    undisturbed, stopped = (
        make_run(name, steps=5, base_format="int8") for name in ("undisturbed", "stopped")
    )
    train_folder(undisturbed)
    with pytest.raises(Stopped):
        train_folder(stopped, on_step=stop_after(3))
    train_folder(stopped)
    first, second = (load_file(path / "adapter.safetensors") for path in (undisturbed, stopped))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_the_first_format_that_fits_is_chosen(emoji_pipeline, compute, monkeypatch):
    monkeypatch.setattr(base_format, "missing_format", lambda name: None)

    def chosen(free: float, **settings) -> str:
        config = configure("sdxl", {"rank": 4, **settings})
        unet = emoji_pipeline.unet
        return choose_base_format(config, unet, (128, 128), compute, int(free)).base_format

    config = configure("sdxl", {"rank": 4})
    whole, int8, nf4 = (
        bytes_needed(config, emoji_pipeline.unet, (128, 128), compute, name) / USABLE_FRACTION
        for name in quantized.FORMATS
    )
    assert whole > int8 > nf4
    assert chosen(whole + 9) == "model"
    assert chosen((whole + int8) / 2) == "int8"
    assert chosen((int8 + nf4) / 2) == "nf4"
    assert chosen(nf4 / 2) == "nf4"
    assert chosen(nf4, base_format="int8") == "int8"
    assert chosen(nf4, adapter="full") == "model"


def test_without_its_library_nf4_is_not_chosen(emoji_pipeline, compute, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    config = configure("sdxl", {})
    chosen = choose_base_format(config, emoji_pipeline.unet, (128, 128), compute, 1)
    assert chosen.base_format == "int8"


def test_a_run_that_began_before_there_were_formats_keeps_its_base(tmp_path):
    run, config = RunFolder(tmp_path), TrainConfig()
    assert format_of_before(run, config).base_format == "auto"
    run.checkpoint.parent.mkdir()
    run.checkpoint.touch()
    assert format_of_before(run, config).base_format == "model"
    run.settle({"base_format": "int8"})
    assert format_of_before(run, config).base_format == "auto"


@pytest.mark.parametrize("adapter", ["dora", "full"])
def test_what_needs_whole_weights_is_refused_on_few_bits(adapter):
    with pytest.raises(InvalidSettings, match=f"{adapter} trains a whole base"):
        configure("sdxl", {"base_format": "int8", "adapter": adapter})
