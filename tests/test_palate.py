"""The console command: it teaches itself, and imports only what a command needs."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import warnings
from importlib import import_module
from pathlib import Path

import pytest
from test_architecture import HEAVY

from align.emoji.__main__ import STAGES
from annotate.console import COMMANDS, CONSOLE, palate

ROOT = Path(__file__).parent.parent


def test_help_teaches_every_command_with_an_example_in_a_line_each(capsys):
    assert palate(["--help"]) == 0
    printed = capsys.readouterr().out
    assert printed == CONSOLE
    examples = re.findall(r"^palate (\w+) \S.*\S  +\w", printed, re.MULTILINE)
    assert examples == list(COMMANDS)
    assert all(len(line) < 100 for line in printed.splitlines())


def test_without_a_command_it_says_what_there_is(capsys):
    assert palate([]) == 0
    assert capsys.readouterr().out == CONSOLE


def test_an_unknown_command_is_told_in_a_sentence(capsys):
    assert palate(["tarin"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("palate: There is no command 'tarin'.") and "train" in said


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_under_its_own_name(command, capsys):
    with pytest.raises(SystemExit) as stopped:
        palate([command, "--help"])
    assert stopped.value.code == 0
    assert f"usage: palate {command} " in capsys.readouterr().out


@pytest.mark.slow
def test_no_help_imports_torch():
    code = f"""
import contextlib, io, sys
from annotate.console import COMMANDS, palate
for command in COMMANDS:
    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
        palate([command, "--help"])
print(*sorted(set(sys.modules) & {HEAVY!r}))
"""
    found = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert found.returncode == 0, found.stderr
    assert found.stdout.split() == []


def test_serve_says_in_a_sentence_what_it_cannot_open(tmp_path, capsys):
    assert palate(["serve", "--home", str(tmp_path / "s"), "--model", "no/such/model/here"]) == 2
    assert capsys.readouterr().err.startswith("palate: ")


def test_people_are_let_in_and_listed(tmp_path, capsys):
    home = ["--home", str(tmp_path / "studio")]
    assert palate(["people", "add", "ada", "--role", "admin", *home]) == 0
    assert "welcome?token=" in capsys.readouterr().out
    assert palate(["people", "list", *home]) == 0
    assert "ada  admin" in capsys.readouterr().out


def test_an_evaluation_is_written_as_a_page(tmp_path, capsys):
    (tmp_path / "evaluation.json").write_text(json.dumps({"format": 1}), encoding="utf-8")
    assert palate(["report", str(tmp_path)]) == 0
    assert (tmp_path / "report.html").is_file()
    assert palate(["report", str(tmp_path / "nowhere")]) == 1
    assert capsys.readouterr().err.startswith("palate: ")


@pytest.mark.slow
def test_emoji_stages_name_functions_that_are_there():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for named in STAGES.values():
            module, function = named.split(":")
            assert callable(getattr(import_module(f"align.emoji.{module}"), function)), named
