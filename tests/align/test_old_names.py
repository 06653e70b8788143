"""Old module paths and flags that programs may still use work for one release."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from align.__main__ import parser
from align.client.trainer import python_environment

PROGRAM = """
from align.launch import TrainerProcess
from align.models import describe_model
from align.session import train_folder
import align.client.models, align.client.trainer, align.training.session
assert TrainerProcess is align.client.trainer.TrainerProcess
assert describe_model is align.client.models.describe_model
assert train_folder is align.training.session.train_folder
"""
RENAMED = (Path(__file__).parents[2] / "docs" / "renamed.md").read_text("utf-8")


@pytest.mark.slow
def test_the_imports_of_an_older_program_still_work_without_a_warning():
    command = [sys.executable, "-W", "error", "-c", PROGRAM]
    ended = subprocess.run(command, env=python_environment(), capture_output=True, text=True)
    assert ended.returncode == 0 and ended.stderr == ""


@pytest.mark.parametrize("flag", ["--cpu-lock", "--turns"])
def test_the_old_flag_of_the_cpu_lock_still_works(flag):
    arguments = parser().parse_args(["train", "run", flag, "turns.lock"])
    assert arguments.cpu_lock == Path("turns.lock")


@pytest.mark.parametrize("old", ["--turns", "align.launch", "align.models", "align.session"])
def test_old_names_are_listed_as_renamed(old):
    assert old in RENAMED
