"""Programs written before the names changed run on, unchanged, for one release."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from annotate_web import answering, open_web
from contract_checks import departures
from program_before import call_everything, shape

from align.client.config import LEGACY_SETTINGS, PRESETS, configure
from annotate.web.api import Endpoints
from annotate.web.endpoint_aliases import current_name

pytestmark = pytest.mark.slow

BEFORE = Path(__file__).parents[2] / "before"
ANSWERS: dict[str, Any] = json.loads((BEFORE / "answers.json").read_text("utf-8"))
SETTINGS: dict[str, dict[str, Any]] = json.loads((BEFORE / "settings.json").read_text("utf-8"))
RENAMED = {name: LEGACY_SETTINGS.get(name, name) for name in SETTINGS["embedded"]}
"""Settings of before, each with its present name."""


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The answers of every endpoint that there was, asked as a program of then asks."""
    folder = tmp_path_factory.mktemp("before")
    with open_web(folder) as web, answering(web) as url:
        return call_everything(url, folder / "images")


@pytest.mark.parametrize("endpoint", ANSWERS)
def test_an_endpoint_of_before_answers_with_everything_it_did(answers, endpoint):
    found, expected = shape(answers[endpoint]), ANSWERS[endpoint]
    if expected == "dict":
        assert isinstance(answers[endpoint], dict)
        return
    if expected and isinstance(expected[0], list):
        found, expected = found[0], expected[0]
    assert set(expected) <= set(found)


@pytest.mark.parametrize("endpoint", [name for name, kind in ANSWERS.items() if kind != "str"])
def test_an_answer_is_the_document_that_its_endpoint_declares(answers, endpoint):
    declared = get_type_hints(getattr(Endpoints, current_name(endpoint.removeprefix("/"))))
    assert departures(answers[endpoint], declared["return"]) == []


@pytest.mark.parametrize("preset", SETTINGS)
def test_the_settings_of_before_give_the_runs_of_before(preset):
    config = configure(preset, SETTINGS[preset])
    kept = {new: SETTINGS[preset][old] for old, new in RENAMED.items()}
    assert {name: getattr(config, name) for name in kept} == kept

    # Settings that came later are the preset's own.
    later = {known.name: getattr(PRESETS[preset], known.name) for known in fields(config)}
    assert asdict(config) == {**later, **kept}


def test_the_embedded_model_has_the_defaults_of_before():
    assert configure("embedded", SETTINGS["embedded"]) == PRESETS["embedded"]


@pytest.mark.parametrize("name", SETTINGS["embedded"])
def test_each_setting_of_before_is_taken_by_its_name(name):
    value = SETTINGS["sdxl"][name]
    assert configure("embedded", {name: value}) == configure("embedded", {name: value, "seed": 0})
