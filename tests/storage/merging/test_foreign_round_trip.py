"""Palate's own Parquet, brought into another studio as a source: the same pairs and shares."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from every_kind import give_every_kind
from source_making import file_image, new_source, table, write_pngs
from source_making import vote as foreign
from storage_making import BASE

from storage import Store
from storage.__main__ import main
from storage.exports.exported_votes import ExportChoice
from storage.exports.pickapic.pickapic_export import PickapicExport, write_pickapic
from storage.sources.settled_sources import settled_sources
from storage.sources.source_records import SourceVotes

pytestmark = pytest.mark.slow

LOST = {"weight", "in_a_row", "sizes", "crops", "pair_id", "plain"}
"""What a source does not keep of votes that were given in a studio."""
OTHERWISE = {"prompt", "rendered_prompt"}
"""A source has the whole prompt that the images were rendered with as its prompt."""


def rows_of(store: Store, **taken: Any) -> list[dict[str, Any]]:
    snapshot = store.write_snapshot(BASE, settle_s=0, **taken)
    lines = (snapshot.path / "pairs.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def compared(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row without what a source does not keep, and in no order of its images."""
    kept = {name: value for name, value in row.items() if name not in LOST | OTHERWISE}
    # Separators of lines in it become spaces.
    kept["text"] = row.get("rendered_prompt", row["prompt"]).split()
    images = kept.pop("images", [])
    ranks = kept.pop("ranks", [0] * len(images))
    kept["ranked"] = sorted(zip(images, ranks, strict=True))
    kept.pop("source", None)
    return kept


@pytest.fixture
def studio(store: Store) -> Store:
    give_every_kind(store)
    return store


@pytest.fixture
def exported(studio: Store, tmp_path: Path) -> Path:
    folder = tmp_path / "exported"
    folder.mkdir()
    with studio.exports.votes(ExportChoice(excluded=True)) as votes:
        write_pickapic(folder, "t", studio.opening.database, PickapicExport(votes), False)
    return folder


def test_as_a_source_it_gives_the_same_pairs_and_can_be_removed(studio, exported, tmp_path):
    home = tmp_path / "other"
    with Store(home) as other:
        other.ensure_base(BASE)
    assert main(["import", str(exported), "--home", str(home), "--name", "theirs"]) == 0

    with Store(home) as other:
        rows = rows_of(other, brought=SourceVotes(names=None))
        known = rows_of(studio)
        assert sorted(map(compared, rows), key=repr) == sorted(map(compared, known), key=repr)
        assert {row["source"] for row in rows} == {"theirs"}
        (source,) = other.sources.all(BASE)
        assert source.layout == "palate" and source.votes >= len(rows)
        other.sources.remove(BASE, "theirs", "ann")
        assert other.sources.all(BASE) == []


def test_shares_and_rankings_of_a_source_go_out_and_come_in_again(store, tmp_path):
    images = [file_image(path) for path in write_pngs(tmp_path / "images", range(9))]

    def read(files):
        for row, share in enumerate((0.5, 0.7, 1.0, None)):
            yield foreign(row, images[2 * row], images[2 * row + 1], share=share)
        yield foreign(4, *images[:5], kind="ranking", ranks=(0, 1, 1, 2, 3))
        yield foreign(5, *images[7:], kind="both_bad")

    store.sources.bring_in(new_source([table(tmp_path)], read, name="shares"))
    store.exports.write("pickapic", tmp_path / "out")
    home = tmp_path / "other"
    with Store(home) as other:
        other.ensure_base(BASE)
    assert main(["import", str(tmp_path / "out"), "--home", str(home), "--name", "again"]) == 0
    with Store(home) as other:
        found = [shared(row) for row in settled_sources(other._database, BASE)]
        known = [shared(row) for row in settled_sources(store._database, BASE)]
    assert found == [each for each in known if each["share"] != 0.5]


def shared(row):
    """Return what a source says in a row, in no order of equal images."""
    ranked = sorted(zip(row.ranks, row.images, strict=True)) if row.ranks else row.images
    kept = ranked if row.kind in ("preference", "ranking") else sorted(row.images)
    return {"prompt": row.prompt, "kind": row.kind, "images": kept, "share": row.share}
