"""An adapter in the LoRA folder of another program: right at strength 1.0, with notes beside it."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from peft import LoraConfig
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch.testing import assert_close

from align.adapters.kohya import DOWN, UP, ExportError, read_adapter
from align.adapters.lora import ATTENTION, save_adapter
from align.contracts.solvers import name_of_class
from align.errors import UnusableFolder
from align.sampling.image_sampler import render_settings
from align.weights.full import WEIGHTS_KEY, WHOLE_UNET
from align.weights.import_lora import import_file
from align.weights.pipeline import load_pipeline
from align.weights.send import send

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def make_adapter(model, compute, tmp_path_factory):
    """Writes an adapter whose every weight does something."""

    def make(seed: int = 0, **lora):
        unet = load_pipeline(model, compute).unet
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(seed)
            unet.add_adapter(LoraConfig(target_modules=ATTENTION, r=2, lora_alpha=3, **lora))
            for parameter in unet.parameters():
                if parameter.requires_grad:
                    parameter.copy_(0.1 * torch.randn(parameter.shape).half())
        file = tmp_path_factory.mktemp("run") / "adapter.safetensors"
        save_adapter(unet, file)
        return file

    return make


@pytest.fixture(scope="module")
def adapter(make_adapter):
    return make_adapter()


@pytest.fixture
def folder(tmp_path):
    """The LoRA folder of a ComfyUI."""
    (tmp_path / "ComfyUI/models/loras").mkdir(parents=True)
    return tmp_path / "ComfyUI/models/loras"


def change(file, strength=1.0):
    """Return the weight change of each layer of a kohya file, as its readers compute it."""
    weights = load_file(file)
    stems = {name.split(".")[0] for name in weights}
    return {
        stem: strength
        * weights[f"{stem}.alpha"]
        / weights[f"{stem}.lora_down.weight"].shape[0]
        * weights[f"{stem}.lora_up.weight"].float().flatten(1)
        @ weights[f"{stem}.lora_down.weight"].float().flatten(1)
        for stem in stems
    }


def delta(file):
    """Return the weight change of each layer of a file in diffusers' form."""
    read = read_adapter(file)
    return {
        module: alpha
        / read.ranks[module]
        * read.weights[module + UP].float().flatten(1)
        @ read.weights[module + DOWN].float().flatten(1)
        for module, alpha in read.alphas.items()
    }


def metadata(file):
    with safe_open(file, framework="pt") as opened:
        return opened.metadata()


def test_a_version_that_is_liked_at_half_strength_is_right_at_one(adapter, folder, model):
    whole = send(adapter, folder, "whole", model=model)
    half = send(adapter, folder, "half", strength=0.5, model=model)
    assert (whole["form"], half["strength"]) == ("kohya", 0.5)
    assert_close(change(half["file"]), change(whole["file"], 0.5))
    assert metadata(half["file"])["ss_network_alpha"] == "1.5"


def test_a_sent_file_does_in_palate_what_the_adapter_does(adapter, folder, model, tmp_path):
    sent = send(adapter, folder.parents[1], "cats", strength=0.5, model=model)["file"]
    import_file(folder / "cats.safetensors", model, tmp_path / "back.safetensors")
    assert sent == str(folder.resolve() / "cats.safetensors")
    back, own = delta(tmp_path / "back.safetensors"), delta(adapter)
    assert_close(back, {name: 0.5 * change for name, change in own.items()}, rtol=1e-3, atol=1e-4)


def test_notes_say_what_it_is_used_with(adapter, folder, model):
    settings = replace(
        render_settings(model),
        steps=7,
        guidance=4.5,
        negative_prompt="blurry",
        loras=(("/home/ada/detail.safetensors", 0.6),),
        clip_skip=2,
    )
    sent = send(adapter, folder, "cats", settings=settings, model=model)
    assert sent["notes"] == ["cats.txt", "cats.json"]
    text = (folder / "cats.txt").read_text("utf-8")
    for told in ("strength 1.0", model.name, "detail.safetensors at 0.6", "Steps: 7", "(CFG): 4.5"):
        assert told in text
    assert (
        f"Sampler: {name_of_class(settings.scheduler)}" in text
        and "blurry" in text
        and "Clip skip: 2" in text
    )

    card = json.loads((folder / "cats.json").read_text("utf-8"))
    assert (card["preferred weight"], card["sd version"]) == (1.0, "SDXL")
    assert (card["negative text"], card["palate"]["steps"]) == ("blurry", 7)
    facts = metadata(sent["file"])
    assert json.loads(facts["palate.usage"]) == card["palate"]
    assert "Steps: 7" in facts["modelspec.usage_hint"]
    # A1111 calls a LoRA by this name rather than by its file's.
    assert facts["ss_output_name"] == "cats"
    # Nothing says where it lies on this machine.
    assert "/home/ada" not in text + json.dumps(card) + json.dumps(facts)


def test_files_of_others_are_left_alone_and_the_same_version_is_replaced(
    adapter, make_adapter, folder, model
):
    (folder / "cats.safetensors").write_bytes(b"theirs")
    (folder / "cats-2.json").write_text("theirs")
    first = send(adapter, folder, "cats", model=model)
    assert (first["file"], first["replaced"]) == (str(folder / "cats-3.safetensors"), False)
    again = send(adapter, folder, "cats", strength=0.5, model=model)
    assert (again["file"], again["replaced"]) == (first["file"], True)
    other = send(make_adapter(1), folder, "cats", model=model)
    assert other["file"] == str(folder / "cats-4.safetensors")
    assert (folder / "cats.safetensors").read_bytes() == b"theirs"
    assert (folder / "cats-2.json").read_text() == "theirs"
    # Nothing half-written stays.
    assert len(list(folder.iterdir())) == 2 + 2 * 3


def test_a_note_that_somebody_edited_stays(adapter, folder, model):
    send(adapter, folder, "cats", model=model)
    card = json.loads((folder / "cats.json").read_text("utf-8")) | {"notes": "with the red dress"}
    (folder / "cats.json").write_text(json.dumps(card), "utf-8")
    for strength in (0.5, 0.7):
        settings = replace(render_settings(model), steps=9)
        sent = send(adapter, folder, "cats", strength=strength, settings=settings, model=model)
        assert sent["notes"] == ["cats.txt"]
    assert json.loads((folder / "cats.json").read_text("utf-8")) == card
    assert "Steps: 9" in (folder / "cats.txt").read_text("utf-8")


def test_a_file_that_was_deleted_comes_back_under_its_name_with_notes_of_now(
    adapter, make_adapter, folder, model
):
    Path(send(adapter, folder, "cats", model=model)["file"]).unlink()
    other = send(make_adapter(1), folder, "cats", model=model)
    assert other["file"] == str(folder / "cats-2.safetensors")
    settings = replace(render_settings(model), steps=9)
    again = send(adapter, folder, "cats", settings=settings, model=model)
    assert (again["file"], again["replaced"]) == (str(folder / "cats.safetensors"), False)
    assert again["notes"] == ["cats.txt", "cats.json"]
    assert "Steps: 9" in (folder / "cats.txt").read_text("utf-8")

    Path(again["file"]).unlink()
    card = json.loads((folder / "cats.json").read_text("utf-8")) | {"notes": "with the red dress"}
    (folder / "cats.json").write_text(json.dumps(card), "utf-8")
    assert send(adapter, folder, "cats", model=model)["notes"] == []
    assert json.loads((folder / "cats.json").read_text("utf-8")) == card


def test_what_others_call_as_an_unfinished_file_would_be_stays(adapter, folder, model):
    (folder / ".cats.part").write_text("theirs")
    (folder / ".dogs.part").mkdir()
    for name in ("cats", "dogs"):
        assert send(adapter, folder, name, model=model)["file"] == str(
            folder / f"{name}.safetensors"
        )
    assert (folder / ".cats.part").read_text() == "theirs" and (folder / ".dogs.part").is_dir()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no umask.")
def test_a_program_of_another_user_may_read_what_was_sent(adapter, folder, model):
    before = os.umask(0o022)
    try:
        send(adapter, folder, "cats", model=model)
    finally:
        os.umask(before)
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o644}


def test_a_dora_is_sent_for_the_programs_that_read_it_and_does_not_scale(
    make_adapter, folder, model
):
    dora = make_adapter(use_dora=True)
    sent = send(dora, folder, "d", model=model)
    assert sent["form"] == "dora"
    assert any(name.endswith(".dora_scale") for name in load_file(sent["file"]))
    with pytest.raises(ExportError, match="does not scale"):
        send(dora, folder, "d", strength=0.5, model=model)


def test_what_is_no_lora_and_no_strength_is_refused(adapter, folder, model, tmp_path):
    whole = tmp_path / "whole.safetensors"
    save_file({"a": torch.zeros(1)}, whole, {WEIGHTS_KEY: WHOLE_UNET})
    with pytest.raises(ExportError, match="checkpoint form"):
        send(whole, folder, model=model)
    for strength in (0, -1, 2.5, float("nan")):
        with pytest.raises(ExportError, match="no strength"):
            send(adapter, folder, strength=strength, model=model)
    with pytest.raises(UnusableFolder):
        send(adapter, folder / "nowhere", model=model)
    assert list(folder.iterdir()) == []
