"""Runs that know the look of the images: text around the prompts, and LoRAs under the base."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file
from torch.testing import assert_close

from align.adapters.lora import add_lora, save_adapter
from align.client.run_folder import RunFolder
from align.client.trainer import TrainerProcess
from align.data.snapshot import read_snapshot
from align.errors import BrokenModel, InvalidSettings, ModelNotFound
from align.sampling.adapter_switcher import AdapterSwitcher
from align.sampling.image_sampler import ImageSampler, render_settings
from align.training.session import train_folder
from align.weights.export_facts import read_source
from align.weights.pipeline import load_pipeline

pytestmark = pytest.mark.slow

SMALL = {
    "steps": 2,
    "train_batch_size": 2,
    "micro_batch_size": 2,
    "rank": 2,
    "check_prompts": 0,
    "gradient_checkpointing": "none",
}


@pytest.fixture(scope="module")
def lora(model, compute, tmp_path_factory) -> str:
    """A LoRA that changes something, where a studio keeps it."""
    pipeline = load_pipeline(model, compute)
    with torch.no_grad():
        for parameter in add_lora(pipeline.unet, 2, 0):
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=torch.manual_seed(2)))
    path = tmp_path_factory.mktemp("loras") / "0123456789abcdef" / "style.safetensors"
    save_adapter(pipeline.unet, path)
    return str(path)


def test_loras_under_the_base_are_in_every_version_alike(model, compute, lora):
    switched = load_pipeline(model, compute)
    adapters = AdapterSwitcher(switched)
    merged = load_pipeline(model, compute, [(lora, 0.5)])
    base = load_pipeline(model, compute)
    given = {
        "sample": torch.randn(1, 8, 8, 8, generator=torch.manual_seed(1)),
        "timestep": torch.tensor([500]),
        "encoder_hidden_states": torch.ones(1, 24, base.unet.config.cross_attention_dim),
        "added_cond_kwargs": {
            "text_embeds": torch.ones(1, 96),
            "time_ids": torch.tensor([[64.0, 64, 0, 0, 64, 64]]),
        },
    }

    def predicted(pipeline):
        with torch.no_grad():
            return pipeline.unet(**given).sample

    adapters.use([], [(lora, 0.5)])
    assert_close(predicted(switched), predicted(merged), atol=1e-5, rtol=1e-4)
    assert (predicted(switched) - predicted(base)).abs().max() > 1e-3
    # A version on top, and off again where images are scored against the base.
    adapters.use([(lora, 1.0)], [])
    version = predicted(switched)
    with adapters.as_reference():
        assert_close(predicted(switched), predicted(base), atol=0, rtol=0)
    assert_close(predicted(switched), version, atol=0, rtol=0)
    adapters.use([])
    assert_close(predicted(switched), predicted(base), atol=0, rtol=0)


def test_a_lora_that_is_gone_or_damaged_is_named(model, compute, lora, tmp_path):
    with pytest.raises(ModelNotFound, match=r"The LoRA nothing.safetensors under the base is gone"):
        load_pipeline(model, compute, [(str(tmp_path / "nothing.safetensors"), 1.0)])
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"no weights")
    with pytest.raises(BrokenModel, match=r"The LoRA broken.safetensors under the base is damaged"):
        load_pipeline(model, compute, [(str(broken), 1.0)])


def test_a_run_trains_and_is_checked_in_the_look_of_its_images(
    model, lora, make_snapshot, tmp_path
):
    look = replace(
        render_settings(model), steps=2, prompt_prefix="best quality", loras=((lora, 0.5),)
    )
    snapshot = make_snapshot(4)
    runs = {}
    for name, given in (("plain", None), ("changed", look)):
        settings = SMALL | ({"check_prompts": 1} if given else {})
        TrainerProcess().prepare(tmp_path / name, snapshot, model, settings, look=given)
        train_folder(tmp_path / name)
        runs[name] = RunFolder(tmp_path / name)

    assert "look" not in json.loads(runs["plain"].config_path.read_text())
    kept = runs["changed"].stored_look()
    assert kept.loras == ((str(runs["changed"].loras / "0123456789abcdef/style.safetensors"), 0.5),)
    assert replace(kept, loras=look.loras) == look
    told = runs["changed"].status().result["look"]
    assert (told["prompt_prefix"], told["loras"]) == (
        "best quality",
        [{"file": "style.safetensors", "weight": 0.5}],
    )
    assert runs["plain"].status().result["look"]["loras"] == []

    # So do commands that take the run.
    assert read_source(runs["changed"].path).look == kept
    assert read_source(runs["plain"].path).look is None

    # The same votes on another base are another lesson.
    first, second = (load_file(run.adapter) for run in runs.values())
    assert not all(weight.equal(second[name]) for name, weight in first.items())
    checked = [check["name"] for check in runs["changed"].status().result["checks"]]
    assert "images" in checked


def test_only_an_adapter_can_be_trained_on_loras(model, lora, make_snapshot, tmp_path):
    look = replace(render_settings(model), loras=((lora, 1.0),))
    snapshot = make_snapshot(2)
    with pytest.raises(InvalidSettings, match="only the adapter lora can be trained, not dora"):
        TrainerProcess().prepare(
            tmp_path / "run", snapshot, model, SMALL | {"adapter": "dora"}, look=look
        )
    gone = replace(look, loras=((str(tmp_path / "gone" / "gone.safetensors"), 1.0),))
    with pytest.raises(InvalidSettings, match=r"The LoRA gone.safetensors under the base is gone"):
        TrainerProcess().prepare(tmp_path / "run", snapshot, model, SMALL, look=gone)


def test_votes_are_learned_with_the_text_that_their_images_were_rendered_with(make_snapshot):
    snapshot = make_snapshot(2)
    rows = [json.loads(line) for line in (snapshot / "pairs.jsonl").read_text().splitlines()]
    rows[0]["rendered_prompt"] = f"best quality, {rows[0]['prompt']}"
    (snapshot / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (snapshot / "manifest.json").write_text("{}")
    first, second = read_snapshot(snapshot).pairs
    assert (first.text, first.prompt) == ("best quality, a cat number 0", "a cat number 0")
    assert second.text == second.prompt


def test_a_sampler_of_the_library_renders_in_a_look(model, compute, lora):
    sampler = ImageSampler(model, compute)
    plain, styled = (
        sampler.render(["a cat"], [1], settings=settings)[0]
        for settings in (
            replace(sampler.settings, steps=2),
            replace(sampler.settings, steps=2, loras=((lora, 1.0),)),
        )
    )
    assert plain.tobytes() != styled.tobytes()
