"""A name is a prompt where it says what an image shows, and never where it only sorts."""

from __future__ import annotations

from pathlib import Path

import pytest

from annotate.image_import.captions.file_names import (
    FILE_NAMES,
    FOLDER_NAMES,
    prompt_of_name,
    sorting_folders,
)

ROOT = Path("/in")


def told(name: str, roles: set[Path] | None = None) -> tuple[str, str] | None:
    prompt = prompt_of_name(ROOT / name, ROOT, roles or set())
    return prompt and (prompt.text, prompt.source)


@pytest.mark.parametrize(
    "folder",
    [
        *("chosen", "rejected", "Winners", "lose", "good", "BAD", "preferred", "not_preferred"),
        *("train", "val", "test_set", "validation-2", "images", "my images", "data", "outputs"),
        *("generated", "2024-05-01", "May 2024", "2024_05_01-12h30", "batch_3", "0012", "512x512"),
        *("1024px", "epoch-3", "step_000500", "checkpoint-1500", "v2", "run 7", "seed42"),
        *("cfg 7.5", "30 steps", "best of 4", "score_9", "img2img", "part-00001", "sdxl base"),
        *("real", "fake", "before", "after", "baseline", "finetuned", "left", "dpo", "reference"),
        *("sfw", "unaesthetic", "lq", "first", "control", "human_preferred", "user votes lose"),
        *("dataset_chosen_v2", "Camera Roll", "gut", "mauvais", "坏", "хорошо", "Bilder", "fotos"),
        *("3fa85f64-5717-4562-b3fc-2c963f66afa6", "a", "x_y", "final (2)", "7f3Kq92x"),
    ],
)
def test_a_folder_that_counts_dates_measures_or_sorts_is_no_prompt(folder: str) -> None:
    assert told(f"{folder}/0001.png") is None
    assert told(f"a red fox/{folder}/0001.png") == ("a red fox", FOLDER_NAMES)
    assert told(f"{folder}/a red fox 001.png") == ("a red fox", FILE_NAMES)


@pytest.mark.parametrize(
    ("folder", "prompt"),
    [
        ("10_a red fox", "a red fox"),
        ("1_sks dog", "sks dog"),
        ("2024-05-01 a red fox", "a red fox"),
        ("20240501_a red fox", "a red fox"),
        ("20 cats", "20 cats"),
        ("a-red-fox-in-snow", "a red fox in snow"),
        ("t-shirt", "t-shirt"),
        ("deer", "deer"),
        ("bones", "bones"),
        ("a real fox", "a real fox"),
        ("the chosen king of the elves", "the chosen king of the elves"),
        ("best friends", "best friends"),
        ("a train in the snow", "a train in the snow"),
        ("image of a fox", "image of a fox"),
        ("狐", "狐"),
        ("рыжая лиса", "рыжая лиса"),
    ],
)
def test_a_folder_that_says_what_its_images_show_is_their_prompt(folder: str, prompt: str) -> None:
    assert told(f"{folder}/0001.png") == (prompt, FOLDER_NAMES)


@pytest.mark.parametrize(
    ("name", "prompt"),
    [
        ("a red fox/chosen/IMG_0001.png", ("a red fox", FOLDER_NAMES)),
        ("a red fox/chosen/2024-05-01/1.png", ("a red fox", FOLDER_NAMES)),
        ("a red fox/chosen/retouched.png", ("a red fox", FOLDER_NAMES)),
        ("my project/chosen/a red fox 001.png", ("a red fox", FILE_NAMES)),
        ("chosen/fox.png", ("fox", FILE_NAMES)),
        ("a red fox-7f3Kq92x.png", ("a red fox", FILE_NAMES)),
        ("00012-77-a red fox-3.png", ("a red fox", FILE_NAMES)),
        ("a red fox_seed_42_cfg7.5.png", ("a red fox", FILE_NAMES)),
        ("seed=7_steps=30_a_red_fox.png", ("a red fox", FILE_NAMES)),
        ("a red fox 512x512.png", ("a red fox", FILE_NAMES)),
        ("DALL·E 2023-05-01 12.30.45 - a red fox.png", ("a red fox", FILE_NAMES)),
        ("a red fox 2023-05-01.png", ("a red fox", FILE_NAMES)),
        ("ann_a_red_fox_1a2b3c4d-5e6f-7a8b-9c0d-1e2f3a4b5c6d_0.png", ("a red fox", FILE_NAMES)),
        ("a red fox/5 stars/1.png", ("a red fox", FOLDER_NAMES)),
        ("test image 3.png", None),
        ("Screenshot 2024-05-01 at 10.30.png", None),
        ("Bildschirmfoto 2024-05-01 um 10.12.31.png", None),
        ("Capture d’écran 2024-05-01 à 10.12.31.png", None),
        ("スクリーンショット 2024-05-01 10.12.31.png", None),
        ("Снимок экрана 2024-05-01.png", None),
        ("微信图片_20240501101231.jpg", None),
        ("SomeApp_20240501_101231.png", None),
        ("Screenshot_20240501-120000_Instagram.jpg", None),
        ("IMG-20240501-WA0003.jpg", None),
        ("PXL_20240501_101231123.MP.jpg", None),
        ("DSC_0012.NEF.jpg", None),
        ("FB_IMG_1588123456789.jpg", None),
        ("ComfyUI_temp_abcde_00001_.png", None),
        ("Sem título.png", None),
        ("a red fox 20240501_101231.png", ("a red fox", FILE_NAMES)),
    ],
)
def test_the_nearest_name_that_says_something_is_believed(
    name: str, prompt: tuple[str, str] | None
) -> None:
    assert told(name) == prompt


def test_folders_that_hold_the_same_names_are_roles_in_any_language() -> None:
    names = [f"{folder}/{file}.png" for folder in ("gut", "schlecht") for file in FOXES]
    roles = sorting_folders(ROOT / name for name in names)
    assert roles == {ROOT / "gut", ROOT / "schlecht"}
    assert [told(name, roles) for name in names] == [(file, FILE_NAMES) for file in FOXES] * 2


FOXES = ("ein roter Fuchs", "ein blaues Haus")


def test_a_folder_that_comes_again_below_other_prompts_is_a_role_in_any_language() -> None:
    names = [f"{prompt}/{folder}/1.png" for prompt in FOXES for folder in ("gut", "mies")]
    roles = sorting_folders(ROOT / name for name in names)
    assert [told(name, roles) for name in names] == [
        (prompt, FOLDER_NAMES) for prompt in FOXES for _ in range(2)
    ]


def test_folders_of_numbered_images_are_no_roles() -> None:
    assert (
        sorting_folders(ROOT / f"{prompt}/{n:04}.png" for prompt in FOXES for n in range(3))
        == set()
    )


@pytest.mark.parametrize("piece", ["a", "_", "1", "a1b2c3 ", "-", "狐", "aB"])
def test_a_name_of_any_length_is_looked_at_in_no_time(piece: str) -> None:
    told(f"{piece * 50_000}/{piece * 50_000}.png")
