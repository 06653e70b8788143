"""The sampler of the library."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
import torch
from peft import LoraConfig

from align.adapters.lora import save_adapter
from align.client.run_folder import RunFolder
from align.contracts.rendering import RenderItem, RenderSettings
from align.contracts.run_files import RunState, RunStatus
from align.errors import AlignError, InvalidSettings, ModelNotFound, SamplerFailed
from align.sampling.image_sampler import ImageSampler
from align.sampling.render import render
from align.weights.pipeline import load_pipeline

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def model(emoji):
    return emoji


@pytest.fixture(scope="module")
def sampler(compute):
    return ImageSampler(compute=compute)


@pytest.fixture(scope="module")
def adapter(model, compute, tmp_path_factory):
    """The file of an adapter that changes every image."""
    unet = load_pipeline(model, compute).unet
    unet.add_adapter(LoraConfig(r=2, target_modules=["to_q", "to_k"]))
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in unet.parameters():
            if parameter.requires_grad:
                parameter.copy_(0.1 * torch.randn(parameter.shape, generator=generator))
    path = tmp_path_factory.mktemp("adapter") / "adapter.safetensors"
    save_adapter(unet, path)
    return path


def pixels(images) -> np.ndarray:
    return np.stack([np.asarray(image, dtype=np.int16) for image in images])


def test_images_come_prompt_by_prompt_and_depend_on_prompt_and_seed_alone(sampler):
    images = pixels(sampler.render(["a cat face", "a red car"], [1, 2]))
    alone = pixels(sampler.render(["a red car"], [1]))
    assert images.shape == (4, sampler.settings.height, sampler.settings.width, 3)
    # A batch of another size rounds differently, by a level at most.
    assert abs(images[2] - alone[0]).max() <= 1
    assert all(abs(images[0] - other).max() > 50 for other in images[1:])


def test_an_adapter_changes_images_and_leaves_the_base_as_it_was(sampler, adapter, make_run):
    before = pixels(sampler.render(["a cat face"], [1]))
    full, half, none = (
        pixels(sampler.render(["a cat face"], [1], adapter=adapter, weight=weight))
        for weight in (1.0, 0.5, 0.0)
    )
    change = [float(abs(after - before).mean()) for after in (full, half, none)]
    assert change[0] > change[1] > change[2]
    assert abs(none - before).max() <= 1
    assert (pixels(sampler.render(["a cat face"], [1])) == before).all()

    run = RunFolder(make_run())
    run.adapter.write_bytes(adapter.read_bytes())
    run.write_status(RunStatus(RunState.DONE))
    for source in (run, run.path, str(run.path)):
        assert (pixels(sampler.render(["a cat face"], [1], adapter=source)) == full).all()


def test_settings_stand_for_the_models_own(sampler):
    small = replace(sampler.settings, steps=2, width=64, height=64)
    (image,) = sampler.render(["a cat face"], [1], settings=small)
    assert image.size == (64, 64)


@pytest.mark.parametrize("solver", ["Euler a", "DPM++ 2M SDE", "LCM"])
def test_noise_that_a_solver_adds_comes_from_the_seed_as_well(sampler, solver):
    quick = replace(sampler.settings, steps=3, scheduler=solver)
    first, again = (pixels(sampler.render(["a cat face"], [1], settings=quick)) for _ in range(2))
    assert (first == again).all()


def test_images_come_in_batches_with_their_places(sampler):
    quick = replace(sampler.settings, steps=1)
    parts = list(sampler.render_in_batches(["a cat face"], range(7), settings=quick))
    assert [list(indices) for indices, _ in parts] == [[0, 1], [2, 3, 4, 5], [6]]
    assert [len(images) for _, images in parts] == [2, 4, 1]


def test_what_cannot_be_rendered_is_refused_in_a_sentence(sampler, make_run, tmp_path):
    with pytest.raises(InvalidSettings, match="at least one prompt and one seed"):
        sampler.render(["a cat face"], [])
    with pytest.raises(ModelNotFound, match=r"There is no file nope\. Name an adapter's file"):
        sampler.render(["a cat face"], [1], adapter="nope")
    with pytest.raises(ModelNotFound, match="There is no file"):
        sampler.render(["a cat face"], [1], adapter=tmp_path / "gone.safetensors")
    with pytest.raises(AlignError, match="has no adapter: its run is queued"):
        sampler.render(["a cat face"], [1], adapter=make_run())


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"prompts": "a lion"}, r"prompts must be a list, got 'a lion'. Write \['a lion'\]"),
        ({"seeds": 1}, r"seeds must be a list, got 1. Write \[1\]"),
        ({"prompts": [None]}, "A prompt must be a text, got None"),
        ({"seeds": [-1]}, "A seed must be a whole number from 0 to 4294967295: -1"),
        ({"seeds": [0.5]}, "A seed must be a whole number"),
        ({"weight": -0.5}, r"weight must be from 0 to 2, got -0\.5"),
        ({"weight": 3}, "weight must be from 0 to 2, got 3"),
        ({"weight": float("nan")}, "weight must be from 0 to 2"),
    ],
)
def test_prompts_seeds_and_weights_that_are_none_are_refused(sampler, change, sentence):
    with pytest.raises(InvalidSettings, match=sentence):
        sampler.render(**{"prompts": ["a cat face"], "seeds": [1]} | change)


def test_an_image_of_no_numbers_is_refused_and_its_prompt_named(compute, monkeypatch):
    latents_BCHW = torch.tensor([0.0, torch.nan]).reshape(2, 1, 1, 1)
    monkeypatch.setattr("align.sampling.render.render_latents", lambda *_: latents_BCHW)
    items = [RenderItem("a dog", 1), RenderItem("a cat face", 2)]
    settings = RenderSettings(64, 64, 1, 4.0, "", "")
    with pytest.raises(SamplerFailed, match="'a cat face' with seed 2 came out as no numbers"):
        render(cast(Any, None), compute, items, settings)


def test_the_largest_weights_still_give_an_image(sampler):
    quick = replace(sampler.settings, steps=1)
    assert len(sampler.render(["(cat:" + "9" * 400 + ")"], [1], settings=quick)) == 1


def test_seeds_may_be_numbers_of_numpy(sampler):
    quick = replace(sampler.settings, steps=1)
    assert len(sampler.render(["a cat face"], np.arange(2), settings=quick)) == 2
