"""Where other programs look for LoRA files, and names that every system takes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from align.client.converter import find_lora_folder
from align.errors import UnusableFolder
from align.files import LONGEST_STEM, safe_stem

FORBIDDEN = set('<>:"/\\|?*,')


@pytest.mark.parametrize(
    "place", ["models/loras", "models/Lora", "loras", "Lora"], ids=["comfy", "a1111", "c", "a"]
)
def test_a_program_s_folder_stands_for_the_lora_folder_in_it(place, tmp_path):
    (tmp_path / place).mkdir(parents=True)
    assert find_lora_folder(tmp_path) == (tmp_path / place).resolve()
    assert find_lora_folder(tmp_path / place) == (tmp_path / place).resolve()


def test_a_folder_of_any_name_may_hold_loras(tmp_path):
    assert find_lora_folder(tmp_path) == tmp_path.resolve()


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("nowhere", "is not there"),
        ("file.txt", "is a file"),
        ("models/checkpoints", "is for other models"),
        ("models/Stable-diffusion", "is for other models"),
    ],
)
def test_a_folder_without_loras_is_refused_with_a_sentence(name, sentence, tmp_path):
    (tmp_path / "file.txt").touch()
    for folder in ("checkpoints", "Stable-diffusion"):
        (tmp_path / "models" / folder).mkdir(parents=True)
    with pytest.raises(UnusableFolder, match=sentence):
        find_lora_folder(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("sdxl-v2", "sdxl-v2"),
        ('a: "b" <c>|d?*', "a-b-c-d"),
        ("../../etc/passwd", "etc-passwd"),
        ("NUL", "lora-NUL"),
        ("com1.x", "lora-com1.x"),
        ("trailing. ", "trailing"),
        ("絵 一", "絵-一"),
        ("", "lora"),
        ("...", "lora"),
    ],
)
def test_names_are_such_as_windows_and_a_prompt_take(name, stem):
    assert safe_stem(name) == stem


@given(st.text())
def test_any_text_gives_a_name_that_stays_in_its_folder(name):
    stem = safe_stem(name)
    assert stem and not FORBIDDEN & set(stem) and stem not in (".", "..")
    assert len(stem.encode()) <= 4 * LONGEST_STEM
    assert stem == stem.strip(" .") and stem.isprintable()
    assert safe_stem(stem) == stem
