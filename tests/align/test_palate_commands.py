"""The commands of `palate` that train, render and score, on a run of one step."""

from __future__ import annotations

import contextlib
import io
import json

import pytest
from toy_runs import prepare_run, write_snapshot

from annotate.console import palate

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def model(emoji):
    return emoji


@pytest.fixture(scope="module")
def trained(model, tmp_path_factory):
    """A run that a command trained after a dry run, and what that printed."""
    folder = tmp_path_factory.mktemp("trained")
    snapshot = write_snapshot(folder / "snapshot", preferences=2)
    alone = {"steps": 1, "train_batch_size": 1, "micro_batch_size": 1}
    run = prepare_run(folder / "run", snapshot, model, **alone)
    with contextlib.redirect_stdout(io.StringIO()) as planned:
        assert palate(["train", "--dry-run", str(run)]) == 0
    assert palate(["train", str(run)]) == 0
    return run, planned.getvalue()


def test_a_run_is_trained_exported_brought_in_rendered_and_scored(trained, tmp_path, capsys):
    def said(*words: object) -> str:
        assert palate([*map(str, words)]) == 0, capsys.readouterr().err
        return capsys.readouterr().out

    run, planned = trained
    assert json.loads(planned)["steps"] == 1
    adapter = tmp_path / "cats.safetensors"
    assert said("export", run, adapter).strip() == str(adapter)
    assert json.loads(said("import", adapter, tmp_path / "mine.safetensors"))
    assert (tmp_path / "mine.safetensors").is_file()

    (tmp_path / "loras").mkdir()
    sent = json.loads(said("send", run, tmp_path, "--strength", 0.8))
    assert sent["file"] == str((tmp_path / "loras" / f"emoji-{run.name}.safetensors").resolve())
    assert palate(["send", str(run), str(tmp_path), "--settings", "[]"]) == 1
    assert "render settings as JSON" in capsys.readouterr().err

    prompts = tmp_path / "prompts.txt"
    prompts.write_text("a cat face\n", encoding="utf-8")
    shown = tmp_path / "shown"
    said("sample", shown, "--prompts", prompts, "--with", run, "--seeds", "1")
    assert (shown / "grid.png").is_file()
    assert len(said("score", shown, "--by", "implicit", "--with", run).splitlines()) >= 1


def test_an_evaluation_checks_a_version_beside_its_base(trained, tmp_path, capsys):
    run, _ = trained
    prompts, folder = tmp_path / "prompts.txt", tmp_path / "out"
    prompts.write_text("a cat face\nan owl\n", encoding="utf-8")
    words = ["evaluate", str(folder), "--prompts", str(prompts), "--with", str(run)]
    assert palate([*words, "--seeds", "1-2"]) == 0, capsys.readouterr().err
    assert json.loads((folder / "evaluation.json").read_text("utf-8"))["passed"]
