"""Samples of a run: when they are rendered, and that training does not notice them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image, ImageChops
from safetensors.torch import load_file
from toy_runs import Stopped, prepare_run, stop_after

from align.client.run_folder import RunFolder
from align.contracts.models import ModelInfo
from align.contracts.run_samples import RunSamples, SamplePrompt
from align.files import read_json
from align.training import sample_inputs, samples
from align.training.session import train_folder

pytestmark = pytest.mark.slow

PROMPTS: list[SamplePrompt] = [
    {"prompt": "a cat number 1", "seed": 5, "voted": True},
    {"prompt": "a (red:1.2) lighthouse", "seed": 6, "voted": False},
]
MakeRun = Callable[..., Path]


def with_samples(run_dir: Path, prompts: list[SamplePrompt] = PROMPTS) -> Path:
    """Let a run that is prepared render these samples."""
    config = read_json(run_dir / "config.json")
    (run_dir / "config.json").write_text(json.dumps(config | {"samples": prompts}))
    return run_dir


@pytest.fixture
def unhurried(monkeypatch):
    """Time for every stage, in runs that take a second."""
    monkeypatch.setattr(samples, "SHARE", 1000.0)


def kept(run_dir: Path) -> RunSamples:
    """What samples.json holds."""
    return read_json(run_dir / "samples.json")


def read(path: Path) -> Image.Image:
    """An image that is read as a whole."""
    with Image.open(path) as image:
        return image.convert("RGB")


def same_adapters(first: Path, second: Path) -> bool:
    """Whether two runs came to the same weights, to the bit."""
    ours, theirs = (load_file(run / "adapter.safetensors") for run in (first, second))
    return ours.keys() == theirs.keys() and all(torch.equal(ours[n], theirs[n]) for n in ours)


@pytest.mark.parametrize("adapter", ["lora", "dora", "full"])
def test_samples_change_no_bit_of_what_is_trained(make_run, unhurried, adapter):
    settings = {"steps": 8, "adapter": adapter, "holdout_fraction": 0.34, "learning_rate": 1e-3}
    settings |= {"prompt_dropout": 0.2}
    without, sampled = make_run("without", **settings), make_run("sampled", **settings)
    random = torch.get_rng_state()
    train_folder(without)
    between = torch.get_rng_state()
    train_folder(with_samples(sampled))
    assert torch.equal(random, between) and torch.equal(between, torch.get_rng_state())
    assert [stage["share"] for stage in kept(sampled)["stages"]] == [0, 0.25, 0.5, 0.75, 1]
    assert same_adapters(without, sampled)
    assert not (without / "samples.json").exists()


def test_every_stage_shows_each_prompt_and_the_steps_that_it_took(make_run, unhurried):
    run_dir = with_samples(make_run(steps=8, learning_rate=0.05))
    train_folder(run_dir)
    stages = kept(run_dir)["stages"]
    assert kept(run_dir)["prompts"] == PROMPTS
    assert [stage["step"] for stage in stages[:4]] == [0, 2, 4, 6]
    assert all(len(stage["images"]) == 2 for stage in stages)
    first, last = (read(run_dir / stages[at]["images"][0]) for at in (0, -1))
    assert ImageChops.difference(first, last).getbbox(), "it was trained, and looks the same"


def test_the_base_is_rendered_once_for_all_runs(make_run, tmp_path, monkeypatch):
    shared, rendered = tmp_path / "shared", []
    render = samples.render_sample

    def counted(*given):
        rendered.append(given[3])
        return render(*given)

    monkeypatch.setattr(samples, "render_sample", counted)
    for name in ("first", "second"):
        train_folder(with_samples(make_run(name, steps=1)), cache=shared)
    # Of the first run its base and its end, of the second its end alone.
    assert rendered == [0, 1, 0, 1, 0, 1]
    first, second = (RunFolder(tmp_path / name).path for name in ("first", "second"))
    base = kept(second)["stages"][0]["images"][0]
    assert (first / base).read_bytes() == (second / base).read_bytes()


def test_stages_without_time_for_them_are_left_out(make_run, monkeypatch):
    monkeypatch.setattr(samples, "SHARE", 0.0)
    run_dir = with_samples(make_run(steps=8))
    train_folder(run_dir)
    assert [stage["share"] for stage in kept(run_dir)["stages"]] == [0, 1]


def test_a_run_that_is_resumed_keeps_what_is_rendered(make_run, unhurried):
    run_dir = with_samples(make_run(steps=8, checkpoint_every=1))
    with pytest.raises(Stopped):
        train_folder(run_dir, on_step=stop_after(5))
    before = {path: path.stat().st_mtime_ns for path in (run_dir / "samples").iterdir()}
    assert [stage["share"] for stage in kept(run_dir)["stages"]] == [0, 0.25, 0.5]
    train_folder(run_dir)
    assert [stage["share"] for stage in kept(run_dir)["stages"]] == [0, 0.25, 0.5, 0.75, 1]
    assert all(path.stat().st_mtime_ns == changed for path, changed in before.items())


@pytest.mark.parametrize(
    "trouble", [torch.OutOfMemoryError("CUDA out of memory"), ValueError("no such thing")]
)
def test_nothing_that_goes_wrong_with_samples_ends_a_run(make_run, monkeypatch, caplog, trouble):
    def fail(*_: object) -> None:
        raise trouble

    monkeypatch.setattr(samples, "render_sample", fail)
    run_dir = with_samples(make_run(steps=2))
    train_folder(run_dir)
    assert RunFolder(run_dir).status().state == "done"
    assert not (run_dir / "samples.json").exists()
    assert str(trouble) in caplog.text


def test_an_image_that_does_not_fit_is_decoded_in_tiles(make_run, monkeypatch):
    decode, calls = sample_inputs.decode, []

    def short_of_memory(pipeline, *given):
        calls.append(pipeline.vae.use_tiling)
        if not pipeline.vae.use_tiling:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return decode(pipeline, *given)

    monkeypatch.setattr(sample_inputs, "decode", short_of_memory)
    run_dir = with_samples(make_run(steps=1), PROMPTS[:1])
    train_folder(run_dir)
    assert calls[:2] == [False, True]
    assert len(kept(run_dir)["stages"]) == 2


def test_a_cancel_does_not_wait_for_samples(make_run, monkeypatch):
    run_dir = with_samples(make_run(steps=4))
    run, render = RunFolder(run_dir), samples.render_sample

    def cancel_first(*given):
        run.request_cancel()
        return render(*given)

    monkeypatch.setattr(samples, "render_sample", cancel_first)
    train_folder(run_dir)
    assert run.status().state == "cancelled"
    assert run.status().step == 0
    assert not (run_dir / "samples.json").exists()


def test_samples_are_in_the_look_of_the_run(make_snapshot, tmp_path, model: ModelInfo):
    from align.client.run_config import look_fields  # noqa: PLC0415
    from align.sampling.image_sampler import render_settings  # noqa: PLC0415  imports diffusers

    snapshot = make_snapshot(6)
    run_dir = with_samples(prepare_run(tmp_path / "run", snapshot, model, steps=1))
    wide = look_fields(render_settings(model), run_dir) | {"width": 96, "height": 64}
    config = read_json(run_dir / "config.json")
    (run_dir / "config.json").write_text(json.dumps(config | {"look": wide}))
    train_folder(run_dir)
    assert [read(run_dir / stage["images"][0]).size for stage in kept(run_dir)["stages"]] == [
        (96, 64)
    ] * 2


def test_a_pause_that_is_asked_for_with_the_last_step_leaves_out_no_image(make_run, unhurried):
    run_dir = with_samples(make_run(steps=2))
    run = RunFolder(run_dir)
    train_folder(run_dir, on_step=lambda row: run.request_pause() if row["step"] == 2 else None)
    assert run.status().state == "done"
    assert [stage["share"] for stage in kept(run_dir)["stages"]][-1] == 1


def test_a_run_whose_samples_cannot_be_noted_goes_on(make_run, caplog):
    run_dir = with_samples(make_run(steps=2))
    # A full disk, as far as this file is concerned.
    (run_dir / "samples.json").mkdir()
    train_folder(run_dir)
    assert RunFolder(run_dir).status().state == "done"
    assert "samples could not be rendered" in caplog.text


def test_a_run_whose_sample_prompts_cannot_be_encoded_goes_on(make_run, monkeypatch, caplog):
    def fail(*_: object) -> None:
        raise ValueError("no such weight")

    monkeypatch.setattr(sample_inputs, "encoded", fail)
    run_dir = with_samples(make_run(steps=2))
    train_folder(run_dir)
    assert RunFolder(run_dir).status().state == "done"
    assert "no samples are rendered: no such weight" in caplog.text
