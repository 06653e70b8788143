"""A version as one file with the original names: what renders from it is what renders here."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from test_export_peft import KINDS, tuned_unet

from align.adapters.kohya import ExportError
from align.adapters.lora import save_adapter
from align.client.models import describe_model
from align.contracts.rendering import RenderItem
from align.sampling.image_sampler import render_settings
from align.sampling.render import render
from align.weights.export import export
from align.weights.full import FullTrainable
from align.weights.pipeline import load_pipeline

pytestmark = pytest.mark.slow


def rendered(model, compute):
    """One image of a model, as numbers."""
    pipeline = load_pipeline(model, compute)
    image = render(pipeline, compute, [RenderItem("a red apple", 1)], render_settings(model))[0]
    return np.asarray(image)


@pytest.fixture(scope="module")
def adapter(model, compute, tmp_path_factory):
    file = tmp_path_factory.mktemp("adapter") / "adapter.safetensors"
    save_adapter(tuned_unet(model, compute, **KINDS["all, with convolutions"]), file)
    return file


@pytest.fixture(scope="module")
def full(model, compute, tmp_path_factory):
    """All weights of a tuned UNet."""
    unet = load_pipeline(model, compute).unet
    with torch.no_grad():
        for number, weight in enumerate(unet.parameters()):
            weight.add_(0.01 * torch.randn(weight.shape, generator=generator(number)))
    file = tmp_path_factory.mktemp("full") / "full.safetensors"
    FullTrainable(unet).save(file)
    return file


def generator(seed):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("kind", ["adapter", "full"])
def test_one_file_renders_what_the_merged_folder_renders(kind, request, model, compute, tmp_path):
    source = request.getfixturevalue(kind)
    file, folder = (
        export(source, tmp_path / name, form, precision="fp32", model=model)
        for name, form in (("one.safetensors", "checkpoint"), ("folder", "merged"))
    )
    opened, merged = describe_model(str(file)), describe_model(str(folder))
    assert opened.identity == merged.identity != model.identity
    assert (opened.steps, opened.guidance, opened.width) == (
        merged.steps,
        merged.guidance,
        merged.width,
    )
    image = rendered(opened, compute)
    assert np.array_equal(image, rendered(merged, compute))
    assert not np.array_equal(image, rendered(model, compute))


def test_half_precision_halves_the_file_and_says_what_it_is(adapter, model, tmp_path):
    file = export(adapter, tmp_path / "cats.safetensors", "checkpoint", model=model)
    weights = load_file(file)
    assert {w.dtype for w in weights.values() if w.numel()} == {torch.float16}
    assert {name.split(".")[0] for name in weights} >= {
        "model",
        "conditioner",
        "first_stage_model",
    }
    with safe_open(file, framework="pt") as opened:
        facts = opened.metadata()
    assert facts["modelspec.title"] == "cats"


def test_a_checkpoint_is_one_file_and_lora_forms_have_no_place_for_all_weights(
    full, model, tmp_path
):
    with pytest.raises(ExportError, match=r"end it in \.safetensors"):
        export(full, tmp_path / "folder", "checkpoint", model=model)
    with pytest.raises(ExportError, match="--form checkpoint"):
        export(full, tmp_path / "a.safetensors", "kohya", model=model)


def test_in_half_precision_sums_are_of_the_stored_weights_and_rounded_once(
    adapter, model, tmp_path
):
    whole, half = (
        load_file(
            export(adapter, tmp_path / f"{p}.safetensors", "checkpoint", precision=p, model=model)
        )
        for p in ("fp32", "fp16")
    )
    assert all(torch.equal(weight.half(), half[name]) for name, weight in whole.items())
