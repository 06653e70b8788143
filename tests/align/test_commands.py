"""The commands that need no app: what they print, and what they refuse."""

from __future__ import annotations

import errno
import sys

import pytest

from align.__main__ import FORMS, SCORERS, main, parser
from align.scoring.scorers import SCORERS as KNOWN_SCORERS
from align.training.session import train_folder
from align.weights.export import FORMS as KNOWN_FORMS

pytestmark = pytest.mark.slow


def test_the_command_line_knows_every_form_and_scorer():
    assert set(FORMS) == set(KNOWN_FORMS)
    assert set(SCORERS) == set(KNOWN_SCORERS)


def test_a_run_is_exported_and_ranks_images(make_run, tmp_path, capsys):
    def printed(*words: object) -> str:
        capsys.readouterr()
        assert main([*map(str, words)]) == 0, capsys.readouterr().err
        return capsys.readouterr().out

    run = make_run(steps=1)
    train_folder(run)
    exported = printed("export", run, tmp_path / "cats.safetensors")
    assert exported.strip() == str(tmp_path / "cats.safetensors")
    assert (tmp_path / "cats.safetensors").is_file()
    ranked = printed(
        "score", run / "snapshot" / "images", "--by", "implicit", "--with", run, "--prompt", "a cat"
    )
    lines = [line.split("\t") for line in ranked.splitlines()]
    assert len(lines) == 12
    assert [float(score) for score, _ in lines] == sorted(
        (float(s) for s, _ in lines), reverse=True
    )


@pytest.mark.parametrize(
    "arguments", [("export", "nowhere", "out"), ("score", "nowhere", "--by", "taste")]
)
def test_what_is_not_there_gets_one_sentence(arguments, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["align", *arguments])
    assert main() == 1
    said = capsys.readouterr().err
    assert said.startswith("align: ") and len(said.strip().splitlines()) == 1


def test_a_full_disk_gets_one_sentence(monkeypatch, capsys):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("align.__main__.run_export", full)
    monkeypatch.setattr(sys, "argv", ["align", "export", "run", "x.safetensors"])
    assert main() == 1
    assert capsys.readouterr().err == "align: The disk is full. Free some space and try again.\n"


def test_check_is_the_former_name_of_import_for_one_release():
    old, new = (parser().parse_args([name, "lora.safetensors"]) for name in ("check", "import"))
    assert old.run is new.run and old.source == new.source
