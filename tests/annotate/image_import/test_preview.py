"""What a folder would bring is said before anything is brought in."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from image_files_made import a1111, comfy, save_png, scene
from places import Place

from annotate.errors import InvalidImport
from annotate.image_import.decode import ImageHeader
from annotate.image_import.listing import preview_lines, skip_lines, writable
from annotate.image_import.preview import pick_examples
from annotate.image_import.thumbnails import thumbnail
from annotate.web.html.image_import_cards import preview_card

UNLIKE = "not a PNG, JPEG or WebP file"
MARKUP = "<script>alert(1)</script>"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "in"
    for seed in range(6):
        a1111(root / f"{seed:05}.png", f"a cat number {seed % 2}", seed)
    for seed in range(10, 12):
        comfy(root / f"{seed}.png", "a frog", seed)
    for seed in range(20, 22):
        save_png(root / "a red fox" / f"{seed}.png", scene(seed))
    save_png(root / "IMG_1.png", scene(30))
    a1111(root / "alone.png", "nobody else", 31)
    return root


def looked(place: Place, folder: Path) -> dict[str, Any]:
    return place.studio.importer.preview(str(folder)).as_dict()


@pytest.mark.slow
def test_a_look_counts_what_would_come_and_brings_nothing(place: Place, folder: Path) -> None:
    told = looked(place, folder)
    assert (told["found"], told["images"], told["prompts"], told["pairs"]) == (12, 10, 4, 8)
    assert told["sources"] == {"AUTOMATIC1111": 7, "ComfyUI": 2, "folder names": 2}
    assert told["skipped"] == {"no prompt found": 1, "alone with its prompt": 1}
    assert told["skipped_names"]["no prompt found"] == ["IMG_1.png"]
    assert place.store.imported_images.partners("emoji-0123456789ab") == {}
    assert place.studio.importer.latest is None and place.studio.importer.progress is None

    brought = place.studio.importer.import_folder(str(folder))
    assert {key: brought[key] for key in ("found", "prompts", "pairs", "sources", "skipped")} == {
        key: told[key] for key in ("found", "prompts", "pairs", "sources", "skipped")
    }
    sources = "7 from AUTOMATIC1111, 2 from ComfyUI, 2 from folder names."
    assert f"Prompts of 11 images: {sources}" in brought["summary"]
    assert "fox.txt for fox.png" in told["summary"]

    again = looked(place, folder)
    assert (again["images"], again["known"], again["pairs"]) == (0, 10, 0)
    a1111(folder / "new.png", "a cat number 0", 77)
    grown = looked(place, folder)
    assert (grown["images"], grown["known"], grown["pairs"]) == (1, 10, 3)


def test_what_a_look_read_is_not_read_again(place: Place, folder: Path) -> None:
    file = folder / "00000.png"
    looked(place, folder)
    before = file.stat()
    file.write_bytes(bytes(before.st_size))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    brought = place.studio.importer.import_folder(str(folder))
    assert brought["skipped"].pop("changed while it was read") == 1
    assert UNLIKE in place.studio.importer.import_folder(str(folder))["skipped"]


def test_what_changed_since_a_look_is_read_again(place: Place, folder: Path) -> None:
    looked(place, folder)
    a1111(folder / "00000.png", "a frog", 90)
    (folder / "IMG_1.txt").write_text("a frog", "utf-8")
    (folder / "captions.csv").write_text('a red fox/20.png,"a frog"\n', "utf-8")
    brought = place.studio.importer.import_folder(str(folder))
    assert brought["sources"] == {
        "AUTOMATIC1111": 7, "ComfyUI": 2, "text files": 1, "tables": 1, "folder names": 1
    }  # fmt: skip
    assert brought["skipped"] == {"alone with its prompt": 2}


def test_nothing_is_kept_of_a_look_that_is_let_go_of(place: Place, folder: Path) -> None:
    looked(place, folder)
    file = folder / "00000.png"
    before = file.stat()
    place.studio.importer.clear_preview()
    file.write_bytes(bytes(before.st_size))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert UNLIKE in place.studio.importer.import_folder(str(folder))["skipped"]


def test_a_look_at_no_folder_is_refused_in_a_sentence(place: Place, tmp_path: Path) -> None:
    with pytest.raises(InvalidImport, match="does not exist"):
        looked(place, tmp_path / "gone")


def head_of(prompt: str, source: str, number: int) -> ImageHeader:
    return ImageHeader(
        Path(f"{number}.png"), prompt, str(number), (8, 8), 0, source, prompt, prompt
    )


def test_examples_come_from_every_source_and_from_all_over_the_prompts() -> None:
    many = [[head_of(f"p{n}", "ComfyUI", n)] * 2 for n in range(100)]
    many[70] *= 3
    few = [[head_of(f"t{n}", "text files", n)] * 2 for n in range(2)]
    names = [[head_of("images", "folder names", 1)] * 9]
    examples = pick_examples([*many, *few, *names])
    shown = [(one.header.source, one.header.prompt) for one in examples]
    assert len(shown) == len(set(shown)) == 10
    assert shown[:3] == [("ComfyUI", "p70"), ("text files", "t0"), ("folder names", "images")]
    numbers = sorted(int(prompt[1:]) for source, prompt in shown if source == "ComfyUI")
    assert len(numbers) == 7 and numbers[-1] - numbers[0] >= 50
    assert [one.images for one in examples[:3]] == [6, 2, 9]
    assert pick_examples([]) == []


def test_the_terminal_lists_counts_examples_and_what_was_skipped(
    place: Place, folder: Path
) -> None:
    told = looked(place, folder)
    lines = preview_lines(told)
    assert lines[0].startswith(f"{folder}: 10 images to bring in, of 4 prompts: up to 8 pairs.")
    assert "  10.png (ComfyUI): a frog" in lines or "  11.png (ComfyUI): a frog" in lines
    assert "  1 skipped: no prompt found (IMG_1.png)" in skip_lines(told)
    assert writable("狐 é", "cp1252") == "\\u72d0 é" and writable("狐", None) == "狐"


def test_the_card_shows_each_example_small_and_no_markup_of_a_prompt(
    place: Place, tmp_path: Path
) -> None:
    for seed in range(2):
        save_png(tmp_path / f"{seed}.png", scene(seed, (400, 200)), parameters=MARKUP)
    card = preview_card(place.studio.importer.preview(str(tmp_path)))
    assert card.count("data:image/webp;base64,") == 1
    assert MARKUP not in card and "&lt;script&gt;" in card


def test_an_image_that_cannot_be_shown_has_no_thumbnail(tmp_path: Path) -> None:
    assert thumbnail(tmp_path / "gone.png", tmp_path) is None
    (tmp_path / "noise.png").write_bytes(b"noise" * 100)
    assert thumbnail(tmp_path / "noise.png", tmp_path) is None
    small = thumbnail(save_png(tmp_path / "a.png", scene(1, (300, 100))), tmp_path)
    assert small is not None and len(small) < 10_000
