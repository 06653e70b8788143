"""The README says the truth about flags, settings, endpoints and files."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
from test_app import CONTRACT, OLD_NAMES

from align.client.config import TrainConfig
from app import Settings

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
FLAGS = ["--" + field.name.replace("_", "-") for field in fields(Settings)]


def test_no_flag_is_added_without_a_decision():
    assert FLAGS == [
        "--home",
        "--restore",
        "--host",
        "--port",
        "--allow-host",
        "--root-path",
        "--model",
        "--prompts",
        "--images",
        "--train-every",
        "--train-at",
        "--sign-in",
        "--proxy-header",
        "--proxy-address",
    ]


@pytest.mark.parametrize("flag", FLAGS)
def test_every_flag_is_documented(flag):
    assert f"`{flag}" in README


@pytest.mark.parametrize("setting", [field.name for field in fields(TrainConfig)])
def test_every_setting_of_a_run_is_documented(setting):
    assert f"`{setting}`" in README


@pytest.mark.parametrize(("endpoint", "parameters"), CONTRACT.items())
def test_every_endpoint_is_documented_with_its_parameters(endpoint, parameters):
    assert f"`{endpoint}({', '.join(parameters)})`" in README


@pytest.mark.parametrize("endpoint", OLD_NAMES)
def test_an_old_name_of_an_endpoint_is_listed_as_renamed_and_not_as_an_endpoint(endpoint):
    renamed = (ROOT / "docs" / "renamed.md").read_text("utf-8")
    assert f"| `{endpoint}(" in renamed and f"`{endpoint}(" not in README


@pytest.mark.parametrize("target", re.findall(r"\]\((?!http)([^)#]+)\)", README))
def test_every_file_the_readme_points_to_is_there(target):
    assert (ROOT / target).exists()


@pytest.mark.parametrize("file", re.findall(r"(\w+\.py)\b", README.split("## The files")[1]))
def test_every_file_of_the_map_exists(file):
    assert list(ROOT.rglob(file))


@pytest.mark.parametrize("line", re.findall(r"^from (?:align|gradio).*$", README, re.MULTILINE))
def test_what_the_examples_import_is_there(line):
    exec(line, {})
