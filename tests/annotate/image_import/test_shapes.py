"""Imported images keep their shapes, and a run is told what was cut off."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from image_files_made import save_png, scene
from PIL import Image
from places import Place

from storage.tables.imported_images import IMPORTED

PORTRAIT, LANDSCAPE, SQUARE = (48, 96), (96, 64), (64, 64)
BASE = "emoji-0123456789ab"


def folder_of(root: Path, sizes: list[tuple[int, int]]) -> Path:
    for seed, size in enumerate(sizes):
        save_png(root / "a red fox" / f"{seed}.png", scene(seed, size))
    return root


def sides_of(place: Place) -> list[list[Any]]:
    pairs = [pair for pair in place.store.waiting_pairs(BASE) if pair.version == IMPORTED]
    return [[place.store.image(image) for image in (pair.left, pair.right)] for pair in pairs]


def rows_of(place: Place, votes: int) -> list[dict[str, Any]]:
    place.label(votes)
    snapshot = place.store.write_snapshot(BASE, settle_s=0.0)
    text = (snapshot.path / "pairs.jsonl").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_images_of_three_shapes_keep_them_and_meet_their_own(place: Place, tmp_path: Path) -> None:
    sizes = [PORTRAIT, LANDSCAPE, SQUARE] * 2
    brought = place.studio.importer.import_folder(str(folder_of(tmp_path, sizes)))
    assert (brought["brought"], brought["pairs"], brought["skipped"]) == (6, 3, {})
    shapes = Counter((left.width, left.height) for left, _ in sides_of(place))
    assert shapes == {PORTRAIT: 1, LANDSCAPE: 1, SQUARE: 1}
    for left, right in sides_of(place):
        assert (left.width, left.height) == (right.width, right.height)
        with Image.open(place.store.images_dir / left.sha256[:2] / f"{left.sha256}.png") as image:
            assert image.size == (left.width, left.height)
    assert all(row.keys().isdisjoint({"sizes", "crops"}) for row in rows_of(place, 3))


def test_a_preview_counts_the_pairs_of_each_shape(place: Place, tmp_path: Path) -> None:
    folder = folder_of(tmp_path, [PORTRAIT, LANDSCAPE, SQUARE] * 2)
    assert place.studio.importer.preview(str(folder)).pairs == 3


def test_an_image_that_is_alone_with_its_shape_joins_the_nearest_and_what_is_cut_off_is_told(
    place: Place, tmp_path: Path
) -> None:
    folder = folder_of(tmp_path, [SQUARE, SQUARE, (100, 80), PORTRAIT, PORTRAIT])
    place.studio.importer.import_folder(str(folder))
    both = [image for sides in sides_of(place) for image in sides]
    joined = {image.image_id: image for image in both if "original" in image.recipe}
    assert [(i.width, i.height) for i in joined.values()] == [SQUARE]
    (image,) = joined.values()
    # 100 x 80 covers 64 x 64 as 80 x 64, of which eight columns are cut off on each side.
    assert image.recipe["original"] == {"size": [100, 80], "crop": [8, 0]}

    rows = rows_of(place, len(sides_of(place)))
    name = f"images/{image.sha256}.png"
    told = [row for row in rows if name in (row["chosen"], row["rejected"])]
    assert told and all(row.keys().isdisjoint({"sizes"}) for row in rows if row not in told)
    for row in told:
        index = (row["chosen"], row["rejected"]).index(name)
        assert (row["sizes"][index], row["crops"][index]) == ([100, 80], [8, 0])
        assert (row["sizes"][1 - index], row["crops"][1 - index]) == ([64, 64], [0, 0])


def test_an_image_larger_than_the_studio_keeps_is_told_of_by_its_own_size(
    place: Place, tmp_path: Path
) -> None:
    for seed in range(2):
        large = scene(seed).resize((2100, 300))
        save_png(tmp_path / "a red fox" / f"{seed}.png", large)
    place.studio.importer.import_folder(str(tmp_path))
    ((left, right),) = sides_of(place)
    assert (left.width, left.height) == (right.width, right.height) == (2048, 293)
    (row,) = rows_of(place, 1)
    assert row["sizes"] == [[2100, 300]] * 2


def test_the_same_folder_again_adds_nothing_and_new_images_meet_their_own_shape(
    place: Place, tmp_path: Path
) -> None:
    folder = folder_of(tmp_path, [PORTRAIT, LANDSCAPE] * 2)
    importer = place.studio.importer
    importer.import_folder(str(folder))
    again = importer.import_folder(str(folder))
    assert (again["brought"], again["known"], again["pairs"]) == (0, 4, 0)
    save_png(folder / "a red fox" / "9.png", scene(9, PORTRAIT))
    assert importer.import_folder(str(folder))["pairs"] == 2
    assert all(left.width == right.width for left, right in sides_of(place))
