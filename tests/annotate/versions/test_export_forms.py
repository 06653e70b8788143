"""Each form of export stands beside the programs that read it, the same in the app and outside."""

import re
from pathlib import Path

import pytest

from align.__main__ import FORMS as COMMAND_LINE
from annotate.versions.export_forms import FORMS, labels
from annotate.web.html.version_cards import exported_card

ROOT = Path(__file__).parents[3]
PROGRAMS = ("ComfyUI", "A1111", "Forge", "sd-scripts", "diffusers", "PEFT")
DOCUMENTED = dict(
    re.findall(r"^\| `(\w+)` \|(.+)\|$", (ROOT / "docs/exports.md").read_text("utf-8"), re.M)
)


def programs_in(text: str) -> set[str]:
    return {program for program in PROGRAMS if re.search(rf"\b{program}\b", text)}


def test_the_app_offers_what_the_command_line_writes() -> None:
    assert list(FORMS) == list(COMMAND_LINE) == list(DOCUMENTED)


@pytest.mark.parametrize("form", FORMS)
def test_a_form_names_the_same_readers_in_the_app_and_the_docs(form: str) -> None:
    _, readers, nothing = DOCUMENTED[form].split("|")
    assert programs_in(FORMS[form].read_by) == programs_in(readers)
    assert programs_in(FORMS[form].not_by) == programs_in(nothing)
    assert programs_in(FORMS[form].read_by) <= programs_in(COMMAND_LINE[form])


def test_a_form_is_offered_beside_its_programs() -> None:
    offered = {form: label for label, form in labels()}
    assert offered["kohya"] == "kohya: for ComfyUI, A1111, Forge, sd-scripts and diffusers"
    assert "not for ComfyUI, A1111, Forge or sd-scripts" in offered["diffusers"]


def test_what_was_written_says_whom_it_is_for() -> None:
    told = {"version": "v1", "saved": "exports/x", "url": None, "read_by": "PEFT & others"}
    assert "for PEFT &amp; others." in exported_card(told, "1 MB")
