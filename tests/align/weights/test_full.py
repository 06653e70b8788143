"""Full fine-tuning: from a run to a version that draws, and back to the base."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file
from torch.testing import assert_close

from align.adapters.kohya import ExportError
from align.adapters.lora import add_lora, save_adapter
from align.client.run_folder import RunFolder
from align.contracts.rendering import RenderItem, RenderSettings
from align.errors import BrokenModel, InvalidSettings
from align.sampling.adapter_switcher import AdapterSwitcher
from align.sampling.render import render
from align.scoring.implicit_reward import load_implicit
from align.training.session import train_folder
from align.weights.export import export
from align.weights.full import WeightSwapper, holds_full_weights
from align.weights.pipeline import load_pipeline

pytestmark = pytest.mark.slow

SETTINGS = RenderSettings(64, 64, 4, 4.0, "", "UniPCMultistepScheduler")


@pytest.fixture
def tuned(make_run) -> RunFolder:
    """A finished run of all weights."""
    run = RunFolder(make_run(adapter="full", learning_rate=1e-3, warmup_steps=0, precision="fp32"))
    train_folder(run.path)
    return run


def pixels(pipeline, compute) -> bytes:
    return render(pipeline, compute, [RenderItem("a cat face", 1)], SETTINGS)[0].tobytes()


def test_a_run_of_all_weights_draws_merges_and_leaves_the_base_as_it_was(
    tuned, model, compute, tmp_path
):
    assert holds_full_weights(tuned.adapter)
    assert tuned.status().result["reference_draws"]["asked"] > 0
    pipeline = load_pipeline(model, compute)
    adapters, base = AdapterSwitcher(pipeline), pixels(pipeline, compute)
    adapters.use([(str(tuned.adapter), 1.0)])
    changed = pixels(pipeline, compute)
    assert changed != base
    adapters.use([])
    assert pixels(pipeline, compute) == base

    merged = export(tuned.path, tmp_path / "merged", "merged", precision="fp32")
    written = load_file(merged / "unet" / "diffusion_pytorch_model.safetensors")
    for name, weight in load_file(tuned.adapter).items():
        assert torch.equal(written[name], weight.float())
    with pytest.raises(ExportError, match="--form merged"):
        export(tuned.path, tmp_path / "lora.safetensors", "kohya")
    with pytest.raises(InvalidSettings, match="all weights"):
        load_implicit(tuned.path, compute)

    # Whole weights and adapters take turns.
    adapters.use([])
    other = load_pipeline(model, compute)
    with torch.no_grad():
        for parameter in add_lora(other.unet, rank=2, seed=0):
            parameter.add_(0.05 * torch.randn(parameter.shape))
    save_adapter(other.unet, tmp_path / "adapter.safetensors")
    files = [str(tmp_path / "adapter.safetensors"), str(tuned.adapter)]
    drawn = {}
    for file in [None, *files, None, *files[::-1], None]:
        adapters.use([(file, 1.0)] if file else [])
        assert drawn.setdefault(file, image := pixels(pipeline, compute)) == image
    assert len(set(drawn.values())) == 3


def test_a_killed_run_of_all_weights_goes_on_to_the_same_weights(make_run):
    exact = {"steps": 2, "adapter": "full", "learning_rate": 1e-4, "precision": "fp32"}
    whole, parts = (
        RunFolder(make_run("whole", **exact, checkpoint_every=9)),
        RunFolder(make_run("parts", **exact, checkpoint_every=1)),
    )
    train_folder(whole.path)
    for steps in (1, 2):
        config = parts.read_config()
        parts.write_config(replace(config, train=replace(config.train, steps=steps)))
        train_folder(parts.path)
    first, second = load_file(whole.adapter), load_file(parts.adapter)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_an_adapter_is_no_whole_unet(model, compute, tmp_path):
    pipeline = load_pipeline(model, compute)
    add_lora(pipeline.unet, rank=2, seed=0)
    save_adapter(pipeline.unet, tmp_path / "adapter.safetensors")
    before = [weight.clone() for weight in pipeline.unet.parameters()]
    with pytest.raises(BrokenModel, match="does not hold all weights"):
        WeightSwapper(pipeline.unet).use(tmp_path / "adapter.safetensors")
    assert_close(list(pipeline.unet.parameters()), before, rtol=0, atol=0)
    assert not holds_full_weights(tmp_path / "adapter.safetensors")
    assert not holds_full_weights(tmp_path / "nothing.safetensors")
