"""Images of one prompt meet however it was spelled, and are known when they come again."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from image_files_made import A1111, save_png, scene
from places import Place

from storage.recipes import recipe_key
from storage.records import Image
from storage.tables.imported_images import IMPORTED


def brought_images(place: Place) -> list[Image]:
    pairs = place.store.waiting_pairs("emoji-0123456789ab")
    ids = {i for pair in pairs if pair.version == IMPORTED for i in (pair.left, pair.right)}
    images = [place.store.image(i) for i in ids]
    return [image for image in images if image is not None]


def test_images_of_one_prompt_in_other_letters_spaces_and_encodings_make_pairs(
    place: Place, tmp_path: Path
) -> None:
    texts = ["a cafe\u0301\r\nat night", "\ufeffa café at night", "A café\u200b at Night"]
    for number, text in enumerate(texts):
        save_png(tmp_path / f"{number}.png", scene(number))
        (tmp_path / f"{number}.txt").write_text(text, "utf-8", newline="")
    brought = place.studio.importer.import_folder(str(tmp_path))
    assert (brought["brought"], brought["prompts"], brought["pairs"]) == (3, 1, 3)
    pairs = place.store.waiting_pairs("emoji-0123456789ab")
    assert {p.prompt for p in pairs if p.version == IMPORTED} == {"a café at night"}


def test_prompts_that_blind_tests_keep_are_left_out_in_capitals_too(
    place: Place, tmp_path: Path
) -> None:
    kept = sorted(place.studio.blind_tests.reserved_prompts())[0].upper()
    for seed in range(3):
        save_png(tmp_path / f"{seed}.png", scene(seed), parameters=kept)
    brought = place.studio.importer.import_folder(str(tmp_path))
    assert brought["skipped"] == {"its prompt is kept for blind tests": 3}


@pytest.mark.parametrize("prompt", ["a red fox", "a cafe\u0301 at night", "a red\u200b fox"])
def test_an_image_is_found_again_by_the_key_that_it_always_had(
    place: Place, tmp_path: Path, prompt: str
) -> None:
    for seed in range(2):
        text = A1111.format(prompt=prompt, seed=seed)
        save_png(tmp_path / f"{seed}.png", scene(seed), parameters=text)
    place.studio.importer.import_folder(str(tmp_path))

    images = brought_images(place)
    files = [hashlib.sha256(path.read_bytes()).hexdigest() for path in tmp_path.glob("*.png")]
    before = {recipe_key({"imported": file, "prompt": prompt}) for file in files}
    assert {image.recipe_key for image in images} == before
    assert {image.recipe["written"] for image in images} == {f"{prompt} <lora:fluffy_v3:0.8>"}
    assert place.studio.importer.import_folder(str(tmp_path))["known"] == 2
