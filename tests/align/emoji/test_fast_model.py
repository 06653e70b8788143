"""The embedded model with a few-step adapter: a base of its own, as any distilled model is."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from align.adapters.lora import add_lora, save_adapter
from align.client import models
from align.client.models import FEW_STEP_ADAPTER, describe_model
from align.contracts import models as contracts
from align.contracts.models import FAST, embedded_folder
from align.contracts.rendering import RenderItem
from align.emoji.emoji_images import BACKGROUNDS
from align.emoji.measure import MAX_COLOR_DISTANCE, nearest_background
from align.errors import BrokenModel
from align.sampling.image_sampler import render_settings
from align.sampling.render import render
from align.weights.export import export
from align.weights.pipeline import load_pipeline

pytestmark = pytest.mark.slow

ITEMS = [RenderItem("a cat face", 1)]


@pytest.fixture(scope="session")
def model(emoji):
    return emoji


@pytest.fixture(scope="session")
def pipeline(emoji_pipeline):
    return emoji_pipeline


def save_random_adapter(info, compute, path, seed):
    """An adapter that changes what is rendered."""
    unet = load_pipeline(info, compute).unet
    add_lora(unet, 2, seed)
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in unet.named_parameters():
            if "lora_B" in name:
                weight.copy_(0.1 * torch.randn(weight.shape, generator=random))
    save_adapter(unet, path)


@pytest.fixture
def fast(tmp_path, monkeypatch, compute):
    """What "emoji-fast" describes, with an adapter of random numbers."""
    folder = shutil.copytree(embedded_folder(), tmp_path / "model")
    save_random_adapter(describe_model(str(folder)), compute, folder / FEW_STEP_ADAPTER, 0)
    for module in (models, contracts):
        monkeypatch.setattr(module, "embedded_folder", lambda: folder)
    return describe_model(FAST)


def test_it_is_rendered_in_four_steps_without_guidance_by_weights_that_hold_the_adapter(
    fast, model, pipeline, compute
):
    assert (fast.name, fast.steps, fast.guidance) == ("emoji-fast", 4, 1.0)
    assert fast.identity not in (model.identity, describe_model().identity)
    loaded = load_pipeline(fast, compute)
    assert type(loaded.scheduler).__name__ == fast.scheduler == "LCMScheduler"
    named, plain = dict(loaded.unet.named_parameters()), dict(pipeline.unet.named_parameters())
    assert named.keys() == plain.keys()
    assert any(not torch.equal(named[name], plain[name]) for name in plain)
    (image,) = render(loaded, compute, ITEMS, render_settings(fast))
    assert np.asarray(image).std() > 0


def test_the_adapter_that_comes_along_renders_what_is_asked(compute):
    shipped = describe_model(FAST)
    items = [RenderItem(f"flat red apple on a {name} background", 3) for name in BACKGROUNDS]
    drawn = render(load_pipeline(shipped, compute), compute, items, render_settings(shipped))
    for name, image in zip(BACKGROUNDS, drawn, strict=True):
        background, distance = nearest_background(image)
        assert (background, distance < MAX_COLOR_DISTANCE) == (name, True)
        off = np.asarray(image, dtype=float) - np.array(BACKGROUNDS[name])
        assert 0.1 < (np.linalg.norm(off, axis=-1) > 60).mean() < 0.9


def test_the_same_seed_gives_the_same_image(fast, compute):
    loaded = load_pipeline(fast, compute)
    once, again = (render(loaded, compute, ITEMS, render_settings(fast))[0] for _ in range(2))
    assert once.tobytes() == again.tobytes()


def test_a_version_of_it_is_exported_as_a_model_that_renders_the_same(fast, compute, tmp_path):
    save_random_adapter(fast, compute, tmp_path / "version.safetensors", 1)
    target = tmp_path / "merged"
    export(tmp_path / "version.safetensors", target, "merged", precision="fp32", model=fast)
    merged = describe_model(str(target))
    assert (merged.steps, merged.guidance, merged.scheduler) == (4, 1.0, "LCMScheduler")
    expected = load_pipeline(fast, compute)
    expected.load_lora_weights(tmp_path, weight_name="version.safetensors")
    (before,) = render(expected, compute, ITEMS, render_settings(fast))
    (after,) = render(load_pipeline(merged, compute), compute, ITEMS, render_settings(merged))
    off = np.abs(np.asarray(before, dtype=int) - np.asarray(after, dtype=int))
    assert off.max() <= 2


def test_an_adapter_of_another_model_is_refused(fast, compute, tmp_path):
    file = tmp_path / "model" / FEW_STEP_ADAPTER
    weights = load_file(file)
    some = next(iter(weights))
    save_file(weights | {some.replace("unet.", "unet.other."): weights[some].clone()}, file)
    with pytest.raises(BrokenModel, match="emoji-fast could not be loaded"):
        load_pipeline(describe_model(FAST), compute)


def test_without_its_adapter_it_is_refused(fast, tmp_path):
    (tmp_path / "model" / FEW_STEP_ADAPTER).unlink()
    with pytest.raises(BrokenModel, match=r"few_steps\.safetensors is missing"):
        describe_model(FAST)
