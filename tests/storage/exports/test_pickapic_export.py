"""Palate's own Parquet: what other programs read of it, and that it is what the studio has."""

from __future__ import annotations

import hashlib
import io
import json
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from every_kind import ANN, BOB, add_pair, give_every_kind, vote
from PIL import Image
from source_making import new_source, png_bytes, read_cells
from storage_making import BASE

from storage import Store
from storage.errors import NoVotes
from storage.exports import vote_images
from storage.exports.export_errors import BrokenExport, ExportStopped
from storage.exports.exported_votes import ExportChoice
from storage.exports.forms.form_list import PARQUET
from storage.exports.image_bytes import ImageBytes
from storage.exports.pickapic import pickapic_export, pickapic_shards
from storage.exports.pickapic.pickapic_export import PickapicExport, Written, write_pickapic
from storage.exports.pickapic_columns import DEFAULT, FULL, PUBLISHED, is_full, names_of
from storage.layouts.parquet_files import connect, open_parquet
from storage.snapshot.snapshot_folder import pseudonym

pytestmark = pytest.mark.slow


@pytest.fixture
def studio(store: Store) -> Store:
    give_every_kind(store)
    return store


def export(store: Store, folder: Path, seed: int = 0, **chosen: Any) -> Written:
    folder.mkdir()
    choice = ExportChoice(excluded=True, **chosen)
    with store.exports.votes(choice) as votes:
        made = PickapicExport(votes, seed)
        return write_pickapic(folder, folder.name, store.opening.database, made, choice.names)


def rows(folder: Path, configuration: str, split: str = "*") -> list[dict[str, Any]]:
    files = sorted((folder / configuration).glob(f"{split}-*.parquet"))
    names = names_of(configuration)
    found = []
    with open_parquet(files) as opened:
        for number in range(len(files)):
            for batch in opened.batches(number, names):
                found += [dict(zip(names, row[1:], strict=True)) for row in batch]
    return found


def test_full_has_every_current_vote_and_ranking_with_its_label(studio, tmp_path):
    export(studio, tmp_path / "out")
    found = rows(tmp_path / "out", FULL)

    kinds = Counter(row["kind"] for row in found)
    with studio.exports.votes(ExportChoice(excluded=True)) as votes:
        known = Counter(vote.kind for vote in votes if not vote.flagged)
    assert kinds == known and set(kinds) == {
        *("preference", "tie", "both_good", "both_bad", "skip", "ranking")
    }
    for row in found:
        labels = (row["label_0"], row["label_1"])
        if row["kind"] == "preference":
            best = row["image_0_uid"] if labels == (1, 0) else row["image_1_uid"]
            assert labels in ((1, 0), (0, 1)) and row["best_image_uid"] == best
        elif row["kind"] == "skip":
            assert labels == (None, None) and not row["has_label"]
        elif row["kind"] != "ranking":
            assert labels == (0.5, 0.5) and row["best_image_uid"] == "tie"
        assert row["has_label"] is (row["kind"] != "skip")


def test_default_has_choices_alone_and_each_prompt_in_one_split(studio, tmp_path):
    written = export(studio, tmp_path / "out")
    train, validation = (rows(tmp_path / "out", DEFAULT, each) for each in ("train", "validation"))

    assert train and validation
    assert not {row["caption"] for row in train} & {row["caption"] for row in validation}
    for row in train + validation:
        assert {row["label_0"], row["label_1"]} == {0.0, 1.0}
        assert row["has_label"] and row["are_different"] and row["caption"].strip()
        assert (row["width_0"], row["height_0"]) == (row["width_1"], row["height_1"])
    assert written.rows == {
        "default/train": len(train),
        "default/validation": len(validation),
        "full/train": len(rows(tmp_path / "out", FULL)),
    }
    counted = Counter(row["caption"] for row in train + validation)
    assert all(
        row["num_example_per_prompt"] == counted[row["caption"]] for row in train + validation
    )


def test_the_winner_of_a_row_is_the_image_that_won(studio, tmp_path):
    """Two votes of each annotator on known pairs, by the colors of the images."""
    export(studio, tmp_path / "out")
    with studio.exports.votes(ExportChoice(excluded=True)) as votes:
        better = {
            (vote.item_id, vote.annotator): vote.better_first[0].sha256
            for vote in votes
            if vote.kind == "preference"
        }
    compared = 0
    for row in rows(tmp_path / "out", FULL):
        if row["kind"] == "preference":
            content = row["jpg_0"] if row["label_0"] == 1 else row["jpg_1"]
            assert hashlib.sha256(content).hexdigest() == better[row["pair_id"], row["annotator"]]
            Image.open(io.BytesIO(content)).verify()
            compared += 1
    assert compared > 5


def test_a_ranking_is_one_row_of_full_and_the_pairs_it_orders_in_default(studio, tmp_path):
    export(studio, tmp_path / "out")
    (ranking,) = [row for row in rows(tmp_path / "out", FULL) if row["kind"] == "ranking"]
    pairs = [row for row in rows(tmp_path / "out", DEFAULT) if row["prompt"] == ranking["prompt"]]

    uids = [ranking["image_0_uid"], ranking["image_1_uid"]]
    uids += [image["uid"] for image in ranking["more_images"]]
    ranks = dict(zip(uids, ranking["ranks"], strict=True))
    assert sorted(ranking["ranks"]) == [0, 1, 1, 2] and len(pairs) == 5
    for row in pairs:
        first, second = ranks[row["image_0_uid"]], ranks[row["image_1_uid"]]
        assert (row["label_0"] == 1) is (first < second) and first != second
        assert row["ranking_id"] == ranking["ranking_id"]
    assert len({row["pair_id"] for row in pairs}) == 5


def test_sides_are_shuffled_by_a_seed_that_the_vote_has_no_part_in(store, tmp_path):
    pairs = [add_pair(store, number, f"prompt {number}") for number in range(60)]
    for number, pair in enumerate(pairs):
        # All left: unshuffled, every label would be 1.
        vote(store, pair, "left", f"k{number}")
    export(store, tmp_path / "one")
    first = {row["pair_id"]: row["label_0"] for row in rows(tmp_path / "one", DEFAULT)}
    assert 15 <= sum(first.values()) <= 45

    export(store, tmp_path / "same")
    export(store, tmp_path / "other", seed=1)
    same, other = (
        {row["pair_id"]: row["label_0"] for row in rows(tmp_path / name, DEFAULT)}
        for name in ("same", "other")
    )
    assert same == first and other != first

    shown = {row["pair_id"]: row["image_0_uid"] for row in rows(tmp_path / "one", FULL)}
    for number, pair in enumerate(pairs):
        vote(store, pair, "right", f"again{number}", BOB)
    export(store, tmp_path / "more")
    for row in rows(tmp_path / "more", FULL):
        assert row["image_0_uid"] == shown[row["pair_id"]]


def test_nobody_is_named_unless_that_is_asked_for(studio, tmp_path):
    export(studio, tmp_path / "out")
    text = repr([{k: v for k, v in row.items() if k[:3] != "jpg"} for row in rows_of_all(tmp_path)])
    for name in (ANN, BOB, "carl", "Carl", "robot"):
        assert name not in text.replace("hidden", "")
    annotators = {row["annotator"] for row in rows_of_all(tmp_path)}
    assert annotators == {pseudonym(name) for name in (ANN, BOB, "carl")}

    export(studio, tmp_path / "named", names=True)
    assert {row["annotator"] for row in rows(tmp_path / "named", FULL)} == {ANN, BOB, "carl"}
    assert "by name" in (tmp_path / "named" / "README.md").read_text()


def rows_of_all(tmp_path: Path) -> list[dict[str, Any]]:
    return rows(tmp_path / "out", FULL) + rows(tmp_path / "out", DEFAULT)


def test_excluded_votes_are_in_full_with_the_fact_and_not_in_default(studio, tmp_path):
    export(studio, tmp_path / "out", notes=True)
    full = {row["prompt"]: row for row in rows(tmp_path / "out", FULL)}
    assert full["excluded"]["excluded_vote"] == "Carl said he clicked"
    assert full["of a third"]["excluded_annotator"] == "carl is a robot"
    default = {row["prompt"] for row in rows(tmp_path / "out", DEFAULT)}
    assert not default & {"excluded", "of a third"}


def test_flagged_pairs_control_pairs_and_blind_tests_stay(studio, tmp_path):
    written = export(studio, tmp_path / "out")
    prompts = Counter(row["prompt"] for row in rows(tmp_path / "out", FULL))
    assert not {"flagged", "tested"} & set(prompts)
    assert prompts["kept"] == 2
    assert written.left_out == {"its pair is flagged": 1}


def test_the_columns_are_those_of_pick_a_pic_and_ours(studio, tmp_path):
    export(studio, tmp_path / "out")
    for configuration in (DEFAULT, FULL):
        for path in (tmp_path / "out" / configuration).glob("*.parquet"):
            with open_parquet([path]) as files:
                assert list(files.columns) == names_of(configuration)
                assert is_full(set(files.columns)) is (configuration == FULL)
                published = {each.name: each.type for each in PUBLISHED}
                assert {name: files.columns[name] for name in published} == published


def test_the_caption_is_what_the_model_was_shown_and_the_prompt_what_people_saw(studio, tmp_path):
    export(studio, tmp_path / "out")
    (looked,) = [row for row in rows(tmp_path / "out", FULL) if row["prompt"] == "a look"]
    assert looked["caption"] == "score_9, a look, best"


def test_images_of_different_sizes_are_in_full_alone(studio, tmp_path):
    pair = add_pair(studio, 80, "sizes")
    studio._database.write(
        lambda cursor: cursor.execute(
            "UPDATE images SET width = 32 WHERE image_id = ?", [pair.left]
        )
    )
    vote(studio, pair, "left", "sizes")
    written = export(studio, tmp_path / "out")
    assert written.not_in_default == {"the two images have different sizes": 1}
    assert "sizes" in {row["prompt"] for row in rows(tmp_path / "out", FULL)}
    assert "sizes" not in {row["prompt"] for row in rows(tmp_path / "out", DEFAULT)}


def test_groups_of_rows_are_small_and_files_end_at_a_size(store, tmp_path, monkeypatch):
    monkeypatch.setattr(pickapic_shards, "GROUP_ROWS", 16)
    monkeypatch.setattr(pickapic_shards, "SHARD_BYTES", 100_000)
    pair = add_pair(store, 0)
    for number in range(200):
        vote(store, pair, "left", f"k{number}", f"person {number}")
    written = export(store, tmp_path / "out")

    files = sorted((tmp_path / "out" / FULL).glob("*.parquet"))
    assert len(files) > 1 and files[0].name == f"train-00000-of-{len(files):05d}.parquet"
    groups = connect().execute(
        "SELECT DISTINCT file_name, row_group_id, row_group_num_rows FROM parquet_metadata(?)",
        [[str(path) for path in files]],
    )
    sizes = [rows_of_group for *_, rows_of_group in groups.fetchall()]
    assert max(sizes) <= 16 and sum(sizes) == 200 == written.rows["full/train"]
    numbers = [row["ranking_id"] for row in rows(tmp_path / "out", FULL)]
    assert numbers == list(range(200))


def test_what_is_read_back_and_differs_ends_the_export(studio, tmp_path, monkeypatch):
    written = pickapic_shards.write

    def damaging(cursor, query, *rest):
        written(cursor, query.replace("SELECT *", "SELECT * REPLACE (0.5 AS label_0)"), *rest)

    monkeypatch.setattr(pickapic_shards, "write", damaging)
    with pytest.raises(BrokenExport, match=r"parquet was read back.*Export again"):
        export(studio, tmp_path / "out")


def test_an_export_tells_how_far_it_is_and_can_be_stopped(studio, tmp_path):
    told: list[tuple[int, int]] = []
    stop = threading.Event()

    def progress(done: int, of: int) -> None:
        told.append((done, of))
        if done > of // 2:
            stop.set()

    with studio.exports.votes(ExportChoice()) as votes:
        (tmp_path / "whole").mkdir()
        PickapicExport(votes, progress=lambda *at: told.append(at)).write(tmp_path / "whole")
        assert told[0][0] == 1 and told[-1][0] <= told[-1][1] == 3 * len(votes)
        (tmp_path / "part").mkdir()
        with pytest.raises(ExportStopped):
            PickapicExport(votes, progress=progress, cancelled=stop).write(tmp_path / "part")


def test_a_studio_without_votes_has_nothing_to_export(store, tmp_path):
    with pytest.raises(NoVotes, match="no vote to export yet"):
        export(store, tmp_path / "out")


def test_the_card_names_the_files_and_the_columns(studio, tmp_path):
    export(studio, tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text()
    assert "- config_name: default" in card and "path: full/train-*.parquet" in card
    assert "path: default/validation-*.parquet" in card
    docs = (Path(__file__).parents[3] / "docs/data.md").read_text(encoding="utf-8")
    for name in names_of(FULL):
        assert f"| `{name}` |" in card and f"| `{name}` |" in docs
    facts = json.loads((tmp_path / "out" / pickapic_export.FACTS).read_text())
    assert facts["models"][0]["base"] == BASE


def test_what_was_asked_for_and_never_goes_out_is_counted(studio, tmp_path):
    asked = studio.exports.write("parquet", tmp_path / "out", ExportChoice(tests=True))
    assert asked.left_out["given in a blind test or on a control pair"] == 3
    usual = studio.exports.write("parquet", tmp_path / "usual")
    assert "given in a blind test or on a control pair" not in usual.left_out


def test_models_whose_votes_are_not_in_an_export_are_not_named(studio, tmp_path):
    studio.ensure_base("a-secret-model")
    studio.exports.write("parquet", tmp_path / "out", ExportChoice(bases=(BASE,)))
    for path in (tmp_path / "out").rglob("*"):
        assert not path.is_file() or b"a-secret-model" not in path.read_bytes()


def test_a_single_prompt_is_trained_on(store, tmp_path):
    vote(store, add_pair(store, 0), "left", "k0")
    written = export(store, tmp_path / "out")
    assert written.rows["default/train"] == 1 and written.rows["default/validation"] == 0
    assert "default/validation" not in (tmp_path / "out" / "README.md").read_text().split("---")[1]


def test_a_vote_on_a_lost_image_is_counted(studio, tmp_path):
    with studio.exports.votes(ExportChoice()) as votes:
        image = next(iter(votes)).images[0]
    image.place.file.unlink()
    written = export(studio, tmp_path / "out")
    assert written.left_out == {"an image is gone": 2, "its pair is flagged": 1}


def test_votes_of_a_source_go_out_with_the_images_of_their_rows(store, tmp_path, monkeypatch):
    """Each image is in many rows, and known by the first of them."""
    path = tmp_path / "theirs.parquet"
    connect().execute(
        f"COPY (SELECT unnest($a::BLOB[]) AS jpg_0, unnest($b::BLOB[]) AS jpg_1, "
        f"unnest($n::INTEGER[]) AS n) TO '{path}' (FORMAT parquet, ROW_GROUP_SIZE 32)",
        {
            "a": [png_bytes(row % 7) for row in range(200)],
            "b": [png_bytes((row + 1) % 7) for row in range(200)],
            "n": list(range(200)),
        },
    )
    store.sources.bring_in(new_source([path], read_cells(200, 7), name="theirs"))
    vote(store, add_pair(store, 0), "left", "k0")
    monkeypatch.setattr(vote_images, "KEPT_BYTES", 0)
    looked_up: list[str] = []
    read = ImageBytes.read
    monkeypatch.setattr(
        ImageBytes, "read", lambda self, image: looked_up.append(image.name) or read(self, image)
    )

    written = export(store, tmp_path / "out")
    assert written.rows["full/train"] == 201 and len(looked_up) <= 2 + 1
    theirs = [row for row in rows(tmp_path / "out", FULL) if row["source"] == "theirs"]
    for number, row in enumerate(theirs):
        sides = [row["jpg_0"], row["jpg_1"]]
        better = sides if row["label_0"] == 1 else sides[::-1]
        assert better == [png_bytes(number % 7), png_bytes((number + 1) % 7)]
    assert 60 <= sum(row["label_0"] for row in theirs) <= 140

    alone = export(store, tmp_path / "alone", sources=())
    assert alone.rows["full/train"] == 1


def test_it_is_a_form_of_exports_like_the_others(studio, tmp_path):
    done = studio.exports.write(PARQUET, tmp_path / "out")
    assert done.rows == len(rows(tmp_path / "out", FULL))
    assert {row["prompt"] for row in rows(tmp_path / "out", FULL)} >= {"excluded", "of a third"}
    assert (tmp_path / "out" / "README.md").is_file()
