"""The commands of `palate data`: found by name, with help of their own and errors as sentences."""

from __future__ import annotations

from importlib import import_module

import pytest

from annotate.console import palate
from storage.__main__ import COMMANDS, Command, main
from storage.commands.studios import opened
from storage.errors import BrokenStudio, StudioInUse
from storage.store import Store


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_a_function_that_is_there(name):
    module, function = COMMANDS[name].function.split(":")
    assert callable(getattr(import_module(module), function))


def test_the_help_teaches_each_command_in_a_line(capsys):
    with pytest.raises(SystemExit):
        palate(["data", "--help"])
    printed = capsys.readouterr().out
    for command in COMMANDS.values():
        assert not command.example or f"palate data {command.example}" in printed
        assert command.does in printed


def test_a_command_has_help_of_its_own(capsys):
    with pytest.raises(SystemExit) as stopped:
        palate(["data", "copies", "--help"])
    assert stopped.value.code == 0
    assert "usage: palate data copies " in capsys.readouterr().out


def test_an_unknown_command_is_refused_with_the_known_ones(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["cpoies"])
    assert stopped.value.code == 2
    assert "copies" in capsys.readouterr().err


def test_an_error_ends_in_one_sentence(tmp_path, capsys):
    home = tmp_path / "nothing"
    assert palate(["data", "copies", str(home)]) == 1
    said = capsys.readouterr().err
    assert said == f"palate: {home} is no folder. Name the folder of a studio.\n"


def test_on_a_studio_that_an_app_holds_a_command_says_what_to_press(tmp_path):
    with Store(tmp_path), pytest.raises(StudioInUse, match=r"Press Bring in under Settings, Data"):
        with opened(tmp_path, "Bring in"):
            pass
    with opened(tmp_path, "Bring in") as store:
        assert store.prompts() == []
    with pytest.raises(BrokenStudio), opened(tmp_path / "none", "Bring in"):
        pass


def interrupted(arguments: list[str], prog: str) -> int:
    raise KeyboardInterrupt


def test_ctrl_c_ends_a_command_without_a_traceback(monkeypatch, capsys):
    monkeypatch.setitem(COMMANDS, "sources", Command(f"{__name__}:interrupted"))
    assert main(["sources"]) == 130
    assert capsys.readouterr().err == "Stopped.\n"
