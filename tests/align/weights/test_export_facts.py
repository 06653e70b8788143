"""Facts of a run that its adapter is exported by."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from align.client.run_folder import RunFolder
from align.contracts.models import ModelInfo
from align.errors import BrokenRun
from align.weights.export_facts import read_source

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("train", "settings"),
    [
        ({"flavor": 1, "steps": 3}, {"flavor": 1, "steps": 3}),
        ({"kappa": 1, "beta": 2}, {"kappa": 1, "beta": 2}),
        ([], {}),
    ],
)
def test_the_model_and_settings_of_another_release_can_be_read(tmp_path, train, settings):
    model = ModelInfo("emoji", "emoji", "sdxl-0", "embedded")
    document = {"model": asdict(model), "train": train, "snapshot_id": "s"}
    (tmp_path / "config.json").write_text(json.dumps(document), encoding="utf-8")
    run = RunFolder(tmp_path)
    run.adapter.touch()
    assert (run.stored_model(), run.stored_settings()) == (model, settings)
    source = read_source(tmp_path)
    assert (source.model, source.settings, source.snapshot_id) == (model, settings, "s")


def test_a_run_without_a_usable_model_is_refused(tmp_path):
    for text, words in (
        ("{}", "lacks 'model'"),
        ('{"model": {"name": "a"}}', "missing 3 required"),
    ):
        (tmp_path / "config.json").write_text(text, encoding="utf-8")
        with pytest.raises(BrokenRun, match=words):
            read_source(tmp_path)
