"""Files that would hang, fill the memory, leak or end an import cost themselves alone."""

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import hostile_files as hostile
import pytest
from annotate_doubles import small_model
from image_files_made import a1111, save_png, scene, user_comment
from places import Place, until

from annotate.errors import InvalidImport, InvalidPrompts, InvalidRequest
from annotate.image_import import scan
from annotate.image_import.captions.file_names import prompt_of_name
from annotate.image_import.captions.tables import CaptionTables
from annotate.image_import.context import ImportContext
from annotate.image_import.importer import ImageImporter
from annotate.image_import.metadata import READERS
from annotate.image_import.programs.reader import NoPrompt
from annotate.image_import.workers import MemoryBudget, WorkerPool, WorkersHung
from annotate.labeling.assignment import PairAssigner
from annotate.rendering.prompts.prompt_sources import read_prompt_file
from annotate.validation import as_settings
from storage.safe_files import SkippedFile, open_regular, printable, read_whole
from storage.store import Store

pytestmark = pytest.mark.slow

unix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
BASE = small_model().identity


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Store(tmp_path_factory.mktemp("hostile") / "studio") as store:
        store.ensure_base(BASE)
        yield store


@pytest.fixture
def material(store: Store) -> ImageImporter:
    chance = random.Random(1)
    assigner = PairAssigner(store, BASE, time.monotonic, chance)
    assigner.open("base")
    return ImageImporter(
        ImportContext(store, assigner, BASE, set, chance, time.monotonic), stop_timeout_s=0.2
    )


def folder_with(tmp_path: Path, *harms: tuple[hostile.Harm, str]) -> Path:
    """Two good images of a prompt of their own, and what is to be survived."""
    folder = tmp_path / "in"
    folder.mkdir()
    for seed in range(2):
        a1111(folder / f"good{seed}.png", f"a hen in {tmp_path.name}", seed)
    for harm, name in harms:
        harm(folder / name)
    return folder


def skipped(material: ImageImporter, folder: Path) -> dict[str, int]:
    """Why files were left out of an import that brought the two good ones."""
    brought = material.import_folder(str(folder))
    assert (brought["brought"], brought["pairs"]) == (2, 1), brought
    assert brought["found"] == 2 + sum(brought["skipped"].values())
    return dict(brought["skipped"])


@unix
@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (hostile.pipe, "not a regular file"),
        (hostile.unix_socket, "not a regular file"),
        (hostile.zeros, "a link that leads out of the folder"),
        (hostile.terminal, "a link that leads out of the folder"),
        pytest.param(
            hostile.own_memory,
            "a link that leads out of the folder",
            marks=pytest.mark.skipif(sys.platform != "linux", reason="needs /proc"),
        ),
        (hostile.image_outside, "a link that leads out of the folder"),
        (hostile.sparse_giant, "too large a file"),
        (hostile.links_in_a_ring, "could not be read"),
        (hostile.folder, "a folder with the name of an image"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_is_no_plain_file_within_the_folder_is_left_out_and_named(
    material: ImageImporter, tmp_path: Path, harm: hostile.Harm, reason: str
) -> None:
    folder = folder_with(tmp_path, (harm, "x.png"))
    assert skipped(material, folder) == {reason: 1}
    assert material.latest is not None
    assert material.latest["skipped_names"] == {reason: ["x.png"]}


@unix
@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (hostile.pipe, "not a regular file"),
        (hostile.zeros, "a link that leads out of the folder"),
        (hostile.folder, "not a regular file"),
        (lambda path: path.symlink_to("gone"), "could not be read"),
    ],
)
def test_an_image_whose_own_text_cannot_be_read_is_not_given_another_prompt(
    material: ImageImporter, tmp_path: Path, harm: hostile.Harm, reason: str
) -> None:
    folder = folder_with(tmp_path, (harm, "a blue bird.txt"))
    save_png(folder / "a blue bird.png", scene(9))
    assert skipped(material, folder) == {f"its text file: {reason}": 1}


@unix
@pytest.mark.parametrize("table", ["metadata.jsonl", "captions.csv", "metadata.csv"])
def test_no_text_from_outside_becomes_a_prompt(
    material: ImageImporter, tmp_path: Path, table: str
) -> None:
    folder = folder_with(tmp_path)
    secret = tmp_path / "secret"
    secret.write_text('a.png,"the secret"\n{"file_name": "a.png", "text": "the secret"}', "utf-8")
    save_png(folder / "a.png", scene(8))
    save_png(folder / "b.png", scene(9))
    (folder / table).symlink_to(secret)
    (folder / "b.txt").symlink_to(secret)
    assert skipped(material, folder) == {
        "a table of prompts: a link that leads out of the folder": 1,
        "the table of prompts in its folder cannot be read": 1,
        "its text file: a link that leads out of the folder": 1,
    }


@unix
def test_links_are_followed_within_the_folder_alone(
    material: ImageImporter, tmp_path: Path
) -> None:
    folder = folder_with(tmp_path)
    outside = tmp_path / "outside"
    a1111(outside / "1.png", "the secret", 5)
    (folder / "out").symlink_to(outside)
    (folder / "deep").mkdir()
    (folder / "deep" / "round").symlink_to("..")
    a1111(folder / "deep" / "2.png", "a hen of another brood", 6)
    (folder / "3.png").symlink_to("deep/2.png")
    assert skipped(material, folder) == {
        "a link that leads out of the folder": 1,
        "the same file again": 1,
        "alone with its prompt": 1,
    }


@unix
def test_folders_deeper_than_a_path_or_the_stack_end_no_import(
    material: ImageImporter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_with(tmp_path)
    monkeypatch.chdir(folder)
    for _ in range(1_020):
        os.mkdir("down")
        os.chdir("down")
    try:
        assert skipped(material, folder) == {"a folder that cannot be read": 1}
    finally:
        # Nobody else can: rmtree calls itself.
        for _ in range(1_020):
            os.chdir("..")
            os.rmdir("down")


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may read anything")
def test_files_and_folders_without_permission_are_counted(
    material: ImageImporter, tmp_path: Path
) -> None:
    folder = folder_with(tmp_path)
    a1111(folder / "closed.png", "a hen", 5).chmod(0)
    (folder / "shut").mkdir(mode=0)
    assert skipped(material, folder) == {
        "could not be read": 1,
        "a folder that cannot be read": 1,
    }


LARGE = "its metadata is larger than an image's"


@pytest.mark.parametrize(
    ("harm", "name", "reason"),
    [
        (hostile.compressed_text, "x.png", LARGE),
        (hostile.international_text, "x.png", LARGE),
        (hostile.compressed_profile, "x.png", LARGE),
        (hostile.thousands_of_texts, "x.png", LARGE),
        (hostile.crumbs, "x.png", "in too many pieces"),
        (hostile.exif_in_png, "x.png", "its EXIF claims more than it holds"),
        (hostile.exif_as_hex, "x.png", "its EXIF claims more than it holds"),
        (hostile.exif_in_webp, "x.webp", "its EXIF claims more than it holds"),
        (hostile.exif_in_jpeg, "x.jpg", "its EXIF claims more than it holds"),
        (hostile.exif_in_pieces, "x.jpg", "its EXIF claims more than it holds"),
        (hostile.thousands_of_scans, "x.jpg", "in too many pieces"),
        (hostile.said_size, "x.jpg", "too large"),
        (hostile.canvas, "x.webp", "too large"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_file_that_would_fill_the_memory_or_take_for_ever_is_left_out(
    material: ImageImporter, tmp_path: Path, harm: hostile.Harm, name: str, reason: str
) -> None:
    assert skipped(material, folder_with(tmp_path, (harm, name))) == {reason: 1}


@pytest.mark.parametrize("name", ["x.png", "x.webp"])
def test_of_an_animation_the_first_image_is_taken(
    material: ImageImporter, tmp_path: Path, name: str
) -> None:
    folder = folder_with(tmp_path, (hostile.frames, name))
    (folder / "x.txt").write_text(f"a hen in {tmp_path.name}", "utf-8")
    assert material.import_folder(str(folder))["brought"] == 3


def test_data_after_the_last_pixel_is_not_decompressed(
    material: ImageImporter, tmp_path: Path
) -> None:
    folder = folder_with(tmp_path, (hostile.endless_pixels, "x.png"))
    (folder / "x.txt").write_text(f"a hen in {tmp_path.name}", "utf-8")
    assert material.import_folder(str(folder))["brought"] == 3


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_no_damaged_file_costs_another(material: ImageImporter, tmp_path: Path, kind: str) -> None:
    folder = folder_with(tmp_path)
    for number, content in enumerate(hostile.damaged(kind, 25)):
        (folder / f"{number}.{kind.lower()}").write_bytes(content)
        (folder / f"{number}.txt").write_text(f"a hen in {tmp_path.name}", "utf-8")
    brought = material.import_folder(str(folder))
    assert brought["brought"] + sum(brought["skipped"].values()) == brought["found"] == 52
    assert brought["brought"] >= 2 and brought["skipped"]["damaged"] > 5


def test_an_error_that_nobody_foresaw_costs_one_file(
    material: ImageImporter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    def fail(path: Path, *rest: Any) -> Any:
        if path.name == "odd.png":
            raise MemoryError
        return real(path, *rest)

    real = scan.read_header
    monkeypatch.setattr(scan, "read_header", fail)
    folder = folder_with(tmp_path)
    a1111(folder / "odd.png", "a hen", 5)
    assert skipped(material, folder) == {"could not be read": 1}
    assert "odd.png could not be imported" in caplog.text


OPENINGS = ("<lora:", "<LyCo:<", "(((((", "[[[[[", "\\(", '{"', '"" ', "<hypernet:a")
FIELDS = ("parameters", "exif:usercomment", "prompt", "workflow", "dream", "sd-metadata")


def prompts_in(name: str, text: str) -> list[str]:
    """The prompts that the readers find in one field, by whatever program they take it for."""
    found: list[str] = []
    for read in READERS:
        with suppress(NoPrompt):
            prompt = read({name: text})
            found += [prompt.text] if prompt else []
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize("opening", OPENINGS)
def test_texts_are_read_in_a_time_that_grows_with_their_length(name: str, opening: str) -> None:
    # The whole of it takes milliseconds; a quadratic search would not come to an end.
    prompts_in(name, opening * (4_000_000 // len(opening)))


@pytest.mark.parametrize(
    "text",
    ["{" + "[" * 100_000, '{"prompt":' * 100_000, '{"prompt": ' + "1" * 5_000 + "}",
     '{"a": 1e999999}'],
)  # fmt: skip
def test_json_that_no_parser_likes_is_no_prompt(text: str) -> None:
    for name in FIELDS:
        assert prompts_in(name, text) == []


def test_settings_that_no_parser_likes_are_refused_in_a_sentence() -> None:
    for text in ("[" * 100_000, '{"steps": ' + "1" * 5_000 + "}"):
        with pytest.raises(InvalidRequest, match="not JSON"):
            as_settings(text)


def test_a_text_beside_an_image_is_cut_before_it_is_looked_at(
    material: ImageImporter, tmp_path: Path
) -> None:
    folder = folder_with(tmp_path)
    save_png(folder / "1.png", scene(5))
    (folder / "1.txt").write_text("<lora:" * 40_000, "utf-8")
    hostile.with_parameters(folder / "2.png", "<lora:" * 40_000)
    scene(6).save(folder / "3.webp", exif=user_comment("a <lyco:" * 40_000))
    with (folder / "1.caption").open("wb") as file:
        file.truncate(hostile.SPARSE)
    assert skipped(material, folder) == {"its prompt is too long": 3}


@pytest.mark.slow
def test_graphs_may_be_long_go_round_and_hold_anything() -> None:
    assert prompts_in("prompt", hostile.comfy_chain()) == ["a red fox"]
    for graph in (hostile.comfy_ring(), hostile.colliding_links(), hostile.odd_graph()):
        assert prompts_in("prompt", graph) == []
    assert prompts_in("workflow", '{"nodes": 5, "links": {}}') == []


def test_a_row_that_cannot_be_read_costs_no_other(tmp_path: Path) -> None:
    (tmp_path / "captions.csv").write_text(
        f'file,text\na.png,a hen\nb.png,{"x" * 200_000}\nc.png,a yak\n"d.png', "utf-8"
    )
    assert CaptionTables(tmp_path).read(tmp_path / "captions.csv") == {
        "a.png": "a hen",
        "c.png": "a yak",
    }
    row = '{"file_name": "a.png", "text": "a hen\u2028and a yak"}\n'
    giant = '{"file_name": "b.png", "text": "' + "x" * 1_100_000 + '"}\n'
    deep = "[" * 100_000 + "\n" + '{"file_name": ' + "9" * 5_000 + "}\n"
    (tmp_path / "metadata.jsonl").write_text(giant + deep + row, "utf-8")
    assert CaptionTables(tmp_path).read(tmp_path / "metadata.jsonl") == {
        "a.png": "a hen\u2028and a yak"
    }


@pytest.mark.parametrize("name", ["captions.csv", "metadata.jsonl"])
def test_a_table_of_more_rows_than_images_is_not_read_to_its_end(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\n" * 600_000)
    with pytest.raises(SkippedFile, match="too large"):
        CaptionTables(tmp_path).read(tmp_path / name)


@unix
def test_a_table_of_any_size_is_counted_and_not_read(
    material: ImageImporter, tmp_path: Path
) -> None:
    folder = folder_with(tmp_path, (hostile.sparse_giant, "captions.csv"))
    assert skipped(material, folder) == {"a table of prompts: too large a file": 1}


def test_a_name_of_counters_is_read_in_a_time_that_grows_with_its_length(tmp_path: Path) -> None:
    assert prompt_of_name(tmp_path / f"{'_' * 100_000}x{'_' * 100_000}.png", tmp_path) is None


@unix
def test_a_file_that_was_replaced_or_grew_meanwhile_is_not_taken_for_the_first_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "x.png"
    file.write_bytes(b"first")
    (tmp_path / "other").write_bytes(b"second")
    look = os.lstat

    def replaced(path: Any) -> os.stat_result:
        status = look(path)
        os.replace(tmp_path / "other", file)
        return status

    with open_regular(file, tmp_path) as (stream, size):
        assert (stream.read(), size) == (b"first", 5)
    monkeypatch.setattr(os, "lstat", lambda path: replaced(path) if path == file else look(path))
    with pytest.raises(SkippedFile):
        read_whole(file, tmp_path, 100)


@pytest.mark.skipif(sys.platform != "linux", reason="names are Unicode elsewhere")
def test_names_of_any_bytes_are_told_so_that_a_terminal_can_show_them(
    material: ImageImporter, tmp_path: Path
) -> None:
    folder = folder_with(tmp_path)
    for name in (b"\xff\xfe.png", b"a\nb\x1b[31m.png"):
        (folder / os.fsdecode(name)).touch()
    material.import_folder(str(folder))
    assert material.latest is not None
    assert material.latest["skipped_names"]["empty file"] == [
        "a\\nb\\x1b[31m.png",
        "\\udcff\\udcfe.png",
    ]
    assert printable("x" * 500).endswith("x...")


def test_a_folder_that_is_brought_in_again_mends_an_image_that_nobody_looked_at(
    material: ImageImporter, store: Store, tmp_path: Path
) -> None:
    folder = folder_with(tmp_path)
    assert skipped(material, folder) == {}
    image = next(store.images_dir.glob("*/*.png"))
    whole = image.read_bytes()
    image.write_bytes(whole[:-5] + b"xxxxx")

    material.import_folder(str(folder))

    assert image.read_bytes() == whole


def test_at_most_fifty_files_are_named_for_each_reason(
    material: ImageImporter, tmp_path: Path
) -> None:
    folder = folder_with(tmp_path)
    for number in range(52):
        (folder / f"e{number:02}.png").touch()
    assert skipped(material, folder) == {"empty file": 52}
    assert material.latest is not None
    assert material.latest["skipped_names"]["empty file"] == [f"e{n:02}.png" for n in range(50)]


def test_work_that_hangs_is_left_behind_and_the_rest_comes_in_order() -> None:
    never = threading.Event()

    def work(number: int) -> int:
        if number in (1, 4):
            never.wait()
        return number * 10

    crew = WorkerPool(work, range(8), threads=3, stall_timeout_s=0.1)
    assert list(crew.results()) == [0, None, 20, 30, None, 50, 60, 70]
    with pytest.raises(WorkersHung):
        list(
            WorkerPool(
                lambda _: never.wait(), range(100), threads=2, stall_timeout_s=0.05
            ).results()
        )
    never.set()


def test_an_error_of_the_work_is_raised_at_its_place() -> None:
    crew = WorkerPool(lambda number: 1 // number, [1, 0, 1], threads=2)
    results = crew.results()
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_files_wait_for_memory_and_one_larger_than_all_of_it_goes_alone() -> None:
    budget, inside = MemoryBudget(10), []

    def take(amount: int) -> None:
        with budget.reserve(amount):
            inside.append(amount)

    with budget.reserve(25):
        thread = threading.Thread(target=take, args=(1,))
        thread.start()
        time.sleep(0.02)
        assert inside == []
    thread.join()
    assert inside == [1]


def hang(monkeypatch: pytest.MonkeyPatch) -> tuple[threading.Event, threading.Event]:
    """Let the walk through a folder hang as on a dead network disk, until told to go on."""
    began, go_on, real = threading.Event(), threading.Event(), scan.find_images

    def hanging(*arguments: Any) -> Any:
        began.set()
        go_on.wait()
        return real(*arguments)

    monkeypatch.setattr(scan, "find_images", hanging)
    return began, go_on


def test_an_import_that_hangs_lets_go_when_it_is_stopped_and_another_can_begin(
    material: ImageImporter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, go_on = hang(monkeypatch)
    folder, said = folder_with(tmp_path), []

    def bring() -> None:
        with pytest.raises(InvalidImport) as refusal:
            material.import_folder(str(folder))
        said.append(str(refusal.value))

    thread = threading.Thread(target=bring)
    thread.start()
    began.wait()
    material.stop()
    thread.join()
    assert "does not answer" in said[0] and "stays" in said[0]
    assert material.progress is None

    monkeypatch.undo()
    assert material.import_folder(str(folder))["brought"] == 2
    go_on.set()


def test_a_studio_that_closes_waits_for_no_file_and_begins_no_other_import(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, go_on = hang(monkeypatch)
    monkeypatch.setattr(place.studio.importer, "_stop_timeout_s", 0.1)
    folder, said = folder_with(tmp_path), []

    def bring() -> None:
        with pytest.raises(InvalidImport) as refusal:
            place.studio.importer.import_folder(str(folder))
        said.append(str(refusal.value))

    thread = threading.Thread(target=bring)
    thread.start()
    began.wait()
    place.studio.close()
    thread.join()
    assert "does not answer" in said[0]
    with pytest.raises(InvalidImport, match="closing"):
        place.studio.importer.import_folder(str(folder))
    go_on.set()
    until(lambda: not [t for t in threading.enumerate() if t.name in ("job", "importing")])


HANGING_PROGRAM = """
import random, sys, threading, time
from pathlib import Path
from annotate.labeling.assignment import PairAssigner
from annotate.image_import import scan
from annotate.image_import.importer import ImageImporter
from annotate.image_import.context import ImportContext
from storage.store import Store

began = threading.Event()

def look(*rest):
    began.set()
    threading.Event().wait()

scan.read_header = look
with Store(Path(sys.argv[1]) / "studio") as store:
    store.ensure_base("b")
    chance = random.Random(1)
    assigner = PairAssigner(store, "b", time.monotonic, chance)
    supplies = ImportContext(store, assigner, "b", set, chance, time.monotonic)
    material = ImageImporter(supplies, stop_timeout_s=0.1)
    caller = threading.Thread(target=lambda: material.import_folder(sys.argv[2]))
    caller.start()
    began.wait()
    material.close()
    caller.join()
print("ended")
"""


@pytest.mark.slow
def test_a_program_ends_while_files_of_its_import_hang(tmp_path: Path) -> None:
    arguments = [sys.executable, "-c", HANGING_PROGRAM, str(tmp_path), str(folder_with(tmp_path))]
    ended = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout == "ended\n"
    assert "does not answer" in ended.stderr


def test_an_error_of_the_whole_import_is_a_sentence(
    material: ImageImporter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(scan, "find_images", fail)
    with pytest.raises(InvalidImport, match="not brought in whole: MemoryError"):
        material.import_folder(str(folder_with(tmp_path)))


@unix
@pytest.mark.parametrize(
    ("harm", "sentence"),
    [
        (hostile.pipe, "not a regular file"),
        (hostile.zeros, "not a regular file"),
        (hostile.sparse_giant, "larger than 32 MB"),
        (hostile.folder, "not a regular file"),
        (hostile.links_in_a_ring, "cannot be read"),
        (lambda path: path.write_bytes(b"\x80\x81"), "not UTF-8"),
    ],
)
def test_a_prompt_file_that_is_none_is_refused_in_a_sentence(
    tmp_path: Path, harm: hostile.Harm, sentence: str
) -> None:
    harm(tmp_path / "prompts.txt")
    with pytest.raises(InvalidPrompts, match=sentence):
        read_prompt_file(tmp_path / "prompts.txt")
