"""A folder of images becomes pairs to label, and every image of it is accounted for."""

import io
import os
import random
import shutil
import sys
import threading
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from annotate_doubles import PaintingSampler, small_model
from image_files_made import a1111, comfy, png_bomb, save_png, scene, user_comment
from PIL import Image
from places import Open, Place, until

from annotate.errors import InvalidImport, NothingToLearn
from annotate.labeling.new_acts import as_vote
from storage.tables.imported_images import IMPORTED


def folder_of(root: Path, prompts: int = 3, each: int = 3) -> Path:
    """Prompts with a few images each."""
    for number in range(prompts * each):
        a1111(root / f"{number:05}.png", f"a cat number {number % prompts}", number)
    return root


def accounted(brought: dict[str, Any]) -> int:
    return int(brought["brought"] + brought["known"] + sum(brought["skipped"].values()))


def pairs_of(place: Place) -> list[Any]:
    pairs = place.store.waiting_pairs("emoji-0123456789ab")
    return [pair for pair in pairs if pair.version == IMPORTED]


def stored(place: Place, image_id: str) -> Image.Image:
    file = place.studio.image_file(image_id)
    assert file is not None
    with Image.open(file) as image:
        image.load()
        return image


@pytest.mark.slow
def test_images_of_a_prompt_become_pairs_that_come_before_drawn_ones(
    place: Place, tmp_path: Path
) -> None:
    until(lambda: place.studio.stats()["ready_pairs"] >= 8)
    brought = place.studio.importer.import_folder(str(folder_of(tmp_path / "in")))
    assert (brought["found"], brought["brought"], brought["skipped"]) == (9, 9, {})
    assert (brought["prompts"], brought["pairs"]) == (3, 9)
    prompts = []
    for _ in range(9):
        pair = place.studio.next_pair("ann")
        prompts.append(pair["prompt"])
        place.studio.vote(as_vote(pair["pair_id"], "left", "ann", random.randbytes(8).hex()))
    assert Counter(prompts) == {f"a cat number {n}": 3 for n in range(3)}
    assert not place.studio.next_pair("ann")["prompt"].startswith("a cat number")


def test_pairs_that_a_page_holds_for_later_make_way_for_imported_ones(
    place: Place, tmp_path: Path
) -> None:
    until(lambda: place.studio.stats()["ready_pairs"] >= 8)
    held = [pair["pair_id"] for pair in place.studio.pairs_ahead("ann", [], 4)["pairs"]]
    place.studio.importer.import_folder(str(folder_of(tmp_path / "in")))

    ahead = place.studio.pairs_ahead("ann", held, 3)
    assert ahead["passed_over"] == held[1:], "the one that is open stays"
    assert all(pair["prompt"].startswith("a cat number") for pair in ahead["pairs"])


def test_a_comma_that_a_prompt_ends_with_is_left_out(place: Place, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    a1111(folder / "1.png", "portrait of a red fox,", 1)
    a1111(folder / "2.png", "portrait of a red fox", 2)
    assert place.studio.importer.import_folder(str(folder))["pairs"] == 1
    [pair] = pairs_of(place)
    assert pair.prompt == "portrait of a red fox"


def test_labels_on_brought_images_are_what_a_run_learns_from(place: Place, tmp_path: Path) -> None:
    place.studio.importer.import_folder(str(folder_of(tmp_path / "in", 1, 2)))
    place.label(1)
    snapshot = place.store.write_snapshot("emoji-0123456789ab", settle_s=0.0)
    text = (snapshot.path / "pairs.jsonl").read_text("utf-8")
    assert '"prompt": "a cat number 0"' in text and '"kind": "preference"' in text
    assert snapshot.counts["preference"] == 1


@pytest.mark.parametrize("state", ["loading", "failed"])
def test_nobody_waits_for_an_image_model_that_is_not_there(
    open_place: Open, tmp_path: Path, state: str
) -> None:
    class Away(PaintingSampler):
        def start(self) -> None:
            self.brush.clear()
            self.current = state

    place = open_place(sampler=Away)
    assert "wait_s" in place.studio.next_pair("ann")
    place.studio.importer.import_folder(str(folder_of(tmp_path / "in")))
    assert place.studio.next_pair("ann")["prompt"].startswith("a cat number")
    assert place.studio.stats()["ready_pairs"] > 0


@pytest.mark.slow
def test_the_same_folder_again_doubles_nothing_and_a_grown_one_adds_what_is_new(
    open_place: Open, tmp_path: Path
) -> None:
    place, folder = open_place(), folder_of(tmp_path / "in")
    first = place.studio.importer.import_folder(str(folder))
    place.label(2)
    place.close()
    place = open_place()
    again = place.studio.importer.import_folder(str(folder))
    assert (again["brought"], again["known"], again["pairs"]) == (0, first["brought"], 0)
    a1111(folder / "new.png", "a cat number 0", 77)
    grown = place.studio.importer.import_folder(str(folder))
    assert (grown["brought"], grown["known"], grown["prompts"]) == (1, 9, 1)
    assert 1 <= grown["pairs"] <= 4
    sides = [frozenset((pair.left, pair.right)) for pair in pairs_of(place)]
    assert len(sides) == len(set(sides))
    assert place.studio.importer.import_folder(str(folder))["pairs"] == 0


@pytest.mark.slow
def test_bringing_a_folder_again_puts_back_files_that_the_studio_lost(
    place: Place, tmp_path: Path
) -> None:
    folder = folder_of(tmp_path / "in", 1, 3)
    place.studio.importer.import_folder(str(folder))
    shown = {image for pair in pairs_of(place) for image in (pair.left, pair.right)}
    files = [file for image in shown if (file := place.studio.image_file(image))]
    before = {file: file.read_bytes() for file in files}
    files[0].unlink()
    files[1].write_bytes(b"")
    files[2].write_bytes(before[files[2]] + b"?")
    place.label(2)
    with pytest.raises(NothingToLearn, match="damaged"):
        place.studio.plan({})
    again = place.studio.importer.import_folder(str(folder))
    assert (again["brought"], again["known"], again["pairs"]) == (0, 3, 0)
    assert {file: file.read_bytes() for file in files} == before
    until(lambda: place.store.snapshots.unusable("emoji-0123456789ab").votes == 0)
    assert place.studio.fine_tune({})["run_id"] == "r0001"


def test_both_sides_have_one_size_and_codec_and_no_metadata_and_the_originals_stay(
    place: Place, tmp_path: Path
) -> None:
    folder = tmp_path / "a red fox"
    folder.mkdir()
    comment = user_comment("a red fox\nSteps: 2, Model: secret-model")
    scene(1, (96, 64)).save(folder / "1.jpg", exif=comment)
    scene(2, (64, 96)).save(folder / "2.webp", exif=comment)
    comfy(folder / "3.png", "a red fox", 3)
    scene(4).convert("RGBA").save(folder / "4.png")
    scene(5).convert("P").save(folder / "5.png")
    scene(6).convert("L").save(folder / "6.jpeg")
    before = {path: path.read_bytes() for path in folder.iterdir()}
    brought = place.studio.importer.import_folder(str(tmp_path))
    assert brought["brought"] == 6, brought
    for pair in pairs_of(place):
        images = [stored(place, image) for image in (pair.left, pair.right)]
        assert [p.size for p in images] == [(64, 64)] * 2
        assert [(p.format, p.mode, p.info) for p in images] == [("PNG", "RGB", {})] * 2
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_pixels_of_an_image_of_the_right_size_are_kept_exactly(
    place: Place, tmp_path: Path
) -> None:
    images = {seed: scene(seed) for seed in range(2)}
    for seed, image in images.items():
        save_png(tmp_path / "a yak" / f"{seed}.png", image, parameters="a yak", zTXt="x" * 99)
    place.studio.importer.import_folder(str(tmp_path))
    (pair,) = pairs_of(place)
    shown = {stored(place, image).tobytes() for image in (pair.left, pair.right)}
    assert shown == {image.tobytes() for image in images.values()}
    for image in (pair.left, pair.right):
        file = place.studio.image_file(image)
        assert file is not None and b"yak" not in file.read_bytes()


def test_an_image_is_shown_upright_on_white_and_in_all_its_levels(
    place: Place, tmp_path: Path
) -> None:
    folder = tmp_path / "boxes"
    folder.mkdir()
    upright = Image.new("RGB", (64, 32), "red")
    upright.paste("blue", (0, 0, 32, 32))
    turned = upright.transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6
    turned.save(folder / "turned.png", exif=exif)
    Image.new("RGBA", (64, 32), (0, 0, 0, 0)).save(folder / "clear.png")
    Image.new("I;16", (64, 32), 32768).save(folder / "deep.png")
    place.studio.importer.import_folder(str(tmp_path))
    images = {image for pair in pairs_of(place) for image in (pair.left, pair.right)}
    corners = {stored(place, image).getpixel((2, 2)) for image in images}
    assert {stored(place, image).size for image in images} == {(64, 32)}
    assert corners == {(0, 0, 255), (255, 255, 255), (128, 128, 128)}


def test_near_duplicates_never_meet(place: Place, tmp_path: Path) -> None:
    folder = tmp_path / "a hen"
    folder.mkdir()
    for number, quality in enumerate((95, 90, 85, 80)):
        scene(1, (128, 128)).save(folder / f"{number}.jpg", quality=quality)
    brought = place.studio.importer.import_folder(str(tmp_path))
    assert brought["pairs"] == 0
    assert brought["skipped"] == {"looks like the others of its prompt": 4}
    assert "captions.csv" in brought["summary"]
    scene(2, (128, 128)).save(folder / "other.png")
    assert place.studio.importer.import_folder(str(tmp_path))["pairs"] == 4


def test_whatever_cannot_be_used_is_counted_with_its_reason(place: Place, tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "in", 1, 3)
    (folder / "empty.png").touch()
    (folder / "noise.jpg").write_bytes(random.Random(1).randbytes(5000))
    whole = a1111(folder / "cut.png", "a cat number 0", 50)
    buffer = io.BytesIO()
    scene(51, (256, 256)).save(buffer, "JPEG")
    (folder / "cut.jpg").write_bytes(buffer.getvalue()[:-2000])
    (folder / "cut.txt").write_text("a cat number 0", "utf-8")
    whole.write_bytes(whole.read_bytes()[:-400])
    png_bomb(folder / "bomb.png")
    save_png(folder / "dot.png", scene(1, (8, 8)))
    (folder / "film.gif").touch()
    (folder / "notes.md").touch()
    scene(60).save(folder / "IMG_0001.png")
    a1111(folder / "alone.png", "nobody else", 61)
    a1111(folder / "grid-0001.png", "a cat number 0", 62)
    shutil.copy(folder / "00000.png", folder / "copy.png")
    brought = place.studio.importer.import_folder(str(folder))
    assert brought["skipped"] == {
        "damaged": 2,
        "empty file": 1,
        "too large": 1,
        "too small": 1,
        "not a PNG, JPEG or WebP file": 2,
        "no prompt found": 1,
        "alone with its prompt": 1,
        "a sheet of several images": 1,
        "the same file again": 1,
    }
    assert brought["brought"] == 3
    assert accounted(brought) == brought["found"]


def test_a_folder_that_is_none_is_refused_in_a_sentence(place: Place, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "hollow").mkdir()
    for named, sentence in [
        ("", "Name a folder"),
        (str(tmp_path / "gone"), "does not exist"),
        (str(tmp_path / "file"), "is a file"),
        (str(tmp_path / "hollow"), "holds no PNG"),
        (str(tmp_path / "studio" / "images"), "own folder"),
        ("a\x00b", "folder"),
        ("x" * 5000, "folder"),
    ]:
        with pytest.raises(InvalidImport, match=sentence):
            place.studio.importer.import_folder(named)
    assert place.studio.importer.progress is None


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights that people lack there")
def test_links_that_go_round_end_and_files_with_odd_names_are_read(
    place: Place, tmp_path: Path
) -> None:
    folder = folder_of(tmp_path / "in", 1, 2)
    (folder / "round").symlink_to(folder)
    (folder / "deep").mkdir()
    (folder / "deep" / "up").symlink_to("..")
    (folder / "nowhere.png").symlink_to("missing")
    a1111(folder / "ein Füchslein 狐 'quoted\" %s\n.png", "a cat number 0", 90)
    a1111(folder / os.fsdecode(b"\xff\xfe.png"), "a cat number 0", 91)
    brought = place.studio.importer.import_folder(str(folder))
    assert brought["brought"] == 4
    assert brought["skipped"] == {"could not be read": 1}


def test_prompts_that_blind_tests_keep_are_left_out(place: Place, tmp_path: Path) -> None:
    kept = sorted(place.studio.blind_tests.reserved_prompts())[0]
    for seed in range(3):
        a1111(tmp_path / f"{seed}.png", kept, seed)
    brought = place.studio.importer.import_folder(str(tmp_path))
    assert brought["skipped"] == {"its prompt is kept for blind tests": 3}


@pytest.mark.slow
def test_an_import_can_be_watched_and_stopped_and_goes_on_where_it_was(
    place: Place, tmp_path: Path
) -> None:
    folder, material = folder_of(tmp_path / "in", 40, 5), place.studio.importer
    told: list[dict[str, Any]] = []
    worker = threading.Thread(target=lambda: told.append(material.import_folder(str(folder))))
    worker.start()
    until(lambda: material.progress is not None and material.progress.phase == "Pairing")
    with pytest.raises(InvalidImport, match="already"):
        material.import_folder(str(folder))
    until(lambda: pairs_of(place))
    material.stop()
    worker.join()
    assert accounted(told[0]) == 200
    rest = material.import_folder(str(folder))
    assert rest["known"] + rest["brought"] == 200 and not rest["stopped"]
    sides = [frozenset((pair.left, pair.right)) for pair in pairs_of(place)]
    assert len(sides) == len(set(sides))


@pytest.mark.slow
def test_left_and_right_are_drawn_by_lot(place: Place, tmp_path: Path) -> None:
    place.studio.importer.import_folder(str(folder_of(tmp_path / "in", 20, 4)))
    first = {f"a cat number {n}": n for n in range(20)}
    digests = {}
    for pair in pairs_of(place):
        digests[pair.pair_id] = pair.left < pair.right
        assert pair.prompt in first
    assert 0.2 < sum(digests.values()) / len(digests) < 0.8


def test_the_prompt_of_a_folder_serves_where_files_say_nothing(
    place: Place, tmp_path: Path
) -> None:
    for seed in range(2):
        save_png(tmp_path / "a blue bird" / f"{seed}.png", scene(seed))
    place.studio.importer.import_folder(str(tmp_path))
    assert [pair.prompt for pair in pairs_of(place)] == ["a blue bird"]


@pytest.mark.slow
def test_one_studio_keeps_an_image_once_for_every_model(open_place: Open, tmp_path: Path) -> None:
    folder, first = folder_of(tmp_path / "in", 1, 3), open_place()
    assert first.studio.importer.import_folder(str(folder))["brought"] == 3
    partners = first.store.imported_images.partners("emoji-0123456789ab")
    assert len(partners) == 3 and all(len(others) == 2 for others in partners.values())
    first.close()
    second = open_place(model=small_model(identity="another-model"))
    assert second.store.imported_images.partners("another-model") == {}
    assert second.studio.importer.import_folder(str(folder))["brought"] == 3
    again = second.store.imported_images.partners("another-model")
    assert len(contents(second, again)) == 3
    assert contents(second, again) == contents(second, partners)


def contents(place: Place, image_ids: Iterable[str]) -> set[str]:
    """The hashes of what images show, by which their files are named."""
    found = [place.store.image(image_id) for image_id in image_ids]
    return {image.sha256 for image in found if image is not None}
