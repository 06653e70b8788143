"""From an adapter to a verdict on its images, kept in a folder."""

from __future__ import annotations

import json

import pytest
import torch
from contract_checks import departures
from safetensors.torch import load_file, save_file

from align.__main__ import main
from align.adapters.lora import add_lora, save_adapter
from align.contracts.evaluation_files import EvaluationFile
from align.errors import InvalidSettings
from align.evaluation.evaluate import evaluate, version_names
from align.training.session import train_folder
from align.weights.pipeline import load_pipeline

pytestmark = pytest.mark.slow

PROMPTS = ["a cat face", "a rocket", "a red apple", "a castle"]
AS_MANY_AS_A_RUN = [*PROMPTS, "a penguin", "a hamburger", "a sunflower", "a fish"]
"""Of eight images of noise, five may be named right by chance."""


@pytest.fixture(scope="session")
def model(emoji):
    return emoji


@pytest.fixture(scope="module")
def adapters(tmp_path_factory, model, compute):
    """An adapter that changes nothing yet, and one of noise."""
    folder = tmp_path_factory.mktemp("adapters")
    unet = load_pipeline(model, compute).unet
    add_lora(unet, 4, seed=0)
    for name, scale in (("fresh", 0.0), ("noise", 2.0)):
        for key, parameter in unet.named_parameters():
            if "lora_B" in key:
                noise = torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1))
                parameter.data = scale * noise
        save_adapter(unet, folder / f"{name}.safetensors")
    return folder


def test_an_adapter_of_noise_fails_and_one_that_changes_nothing_passes(tmp_path, adapters, compute):
    versions = [adapters / "fresh.safetensors", adapters / "noise.safetensors"]
    result = evaluate(tmp_path, AS_MANY_AS_A_RUN, [1, 2], versions, compute=compute)
    assert json.loads((tmp_path / "evaluation.json").read_text("utf-8")) == result
    passed = {(c["version"], c["name"]): c["passed"] for c in result["checks"]}
    assert all(passed["fresh", name] for name in ("images", "variety", "prompt"))
    assert not passed["noise", "images"] and not passed["noise", "prompt"]
    assert not result["passed"]
    assert len(result["images"]) == 3 * len(AS_MANY_AS_A_RUN) * 2
    assert all((tmp_path / image["file"]).is_file() for image in result["images"])
    assert (tmp_path / result["grids"][0]).is_file()
    assert departures(result, EvaluationFile) == []


def test_versions_of_one_name_are_told_apart(tmp_path):
    paths = [tmp_path / "a" / "adapter.safetensors", tmp_path / "b" / "adapter.safetensors"]
    assert version_names(paths) == ["adapter", "2-adapter"]
    assert version_names([tmp_path / "base.safetensors"]) == ["1-base"]


def test_nothing_to_draw_is_refused(tmp_path, adapters):
    with pytest.raises(InvalidSettings, match="at least one prompt"):
        evaluate(tmp_path, [], [1], [adapters / "fresh.safetensors"])


def test_a_run_checks_its_version_and_keeps_the_images(make_run):
    run = make_run(pairs=3, check_prompts=2)
    train_folder(run)
    result = json.loads((run / "status.json").read_text("utf-8"))["result"]
    assert {check["name"] for check in result["checks"]} >= {
        "images", "variety", "prompt", "settled"
    }  # fmt: skip
    assert result["settled"]["pairs"] == 3
    assert result["held_back"] is False and result["diversity"] > 0.4
    kept = json.loads((run / "evaluation" / "evaluation.json").read_text("utf-8"))
    assert [version["name"] for version in kept["versions"]] == ["base", run.name]
    assert len(kept["prompts"]) == 2


def test_checks_that_cannot_be_made_leave_the_version_with_the_reason(make_run):
    run = make_run(pairs=3, check_prompts=1)
    (run / "evaluation").write_text("a file where the folder goes")
    train_folder(run)
    result = json.loads((run / "status.json").read_text("utf-8"))["result"]
    assert result["held_back"] is False and result["unchecked"]
    assert load_file(run / "adapter.safetensors")


def test_the_command_says_what_failed_and_ends_with_1(tmp_path, adapters, capsys):
    broken = tmp_path / "broken.safetensors"
    weights = load_file(adapters / "fresh.safetensors")
    save_file({key: torch.full_like(w, torch.nan) for key, w in weights.items()}, broken)
    (tmp_path / "prompts.txt").write_text("a cat face\n")
    options = ["--prompts", str(tmp_path / "prompts.txt"), "--seeds", "1", "--with", str(broken)]
    with pytest.raises(SystemExit) as ended:
        main(["evaluate", str(tmp_path / "out"), *options])
    assert ended.value.code == 1
    told = capsys.readouterr().out
    assert "broken\tFAILED\timages\tBroken among its sample images, 1 in all: 1 not finite" in told
