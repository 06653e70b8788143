"""Votes that no reader should let through: each comes in as it is, or is left out with a reason."""

import json
import os
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from source_making import file_image, new_source, table, vote, write_pngs
from storage_making import BASE

from storage.errors import BrokenStudio
from storage.layouts.foreign_votes import ForeignImage, ImagePlace
from storage.sources.settled_sources import settled_sources

LEFT_OUT: list[tuple[dict[str, Any], str]] = [
    ({"prompt": "x" * 20_001}, "its prompt has more than 20,000 characters"),
    ({"prompt": "half \udc80 a pair"}, "its text cannot be stored"),
    ({"annotator": "\ud800"}, "its text cannot be stored"),
    ({"share": float("nan")}, "its share is not between 0 and 1"),
    ({"share": -0.1}, "its share is not between 0 and 1"),
    ({"kind": "maybe"}, "it says something else than which image is better"),
    ({"kind": "ranking", "ranks": (1,)}, "its ranks do not tell its images apart"),
    ({"kind": "ranking", "ranks": (1, 2**40)}, "its ranks do not tell its images apart"),
]
TAKEN: list[dict[str, Any]] = [
    {"prompt": "a\0b"},
    {"prompt": ""},
    {"prompt": "'; DROP TABLE votes; --"},
    {"prompt": "😀" * 5_000},
    {"annotator": "n" * 5_000},
    {"strength": 10**12},
    {"strength": -3},
    {"given": datetime(9999, 12, 31, 23, 59, 59, 999_999)},
    {"given": datetime(1, 1, 1)},
    {"given": datetime(9999, 12, 31, 23, tzinfo=timezone(-timedelta(hours=12)))},
    {"given": datetime(2025, 1, 1, tzinfo=UTC)},
    {"details": {"deep": [[[["x" * 30_000]]]]}},
    {"details": {"when": datetime(2025, 1, 1), "odd": float("inf"), "half": "\ud800"}},
]


def test_what_cannot_be_a_vote_is_left_out_with_its_reason(store, tmp_path):
    images = [file_image(path) for path in write_pngs(tmp_path, range(2))]
    items = [vote(row, *images, **given) for row, (given, _) in enumerate(LEFT_OUT)]
    items += [vote(100, images[0]), vote(101, *images, *images), vote(102, *images)]
    source = store.sources.bring_in(new_source([table(tmp_path)], lambda files: items)).source
    assert source.votes == 1
    reasons = [reason for _, reason in LEFT_OUT] + ["it has not two images"] * 2
    assert source.counts["left_out"] == {each: reasons.count(each) for each in reasons}


@pytest.mark.parametrize("given", TAKEN, ids=lambda given: json.dumps(given, default=str)[:40])
def test_what_is_odd_comes_in_as_it_is(store, tmp_path, given):
    images = [file_image(path) for path in write_pngs(tmp_path, range(2))]
    items = [vote(0, *images, **given)]
    store.sources.bring_in(new_source([table(tmp_path)], lambda files: items))
    (row,) = settled_sources(store._database, BASE)
    assert row.prompt == given.get("prompt", "a cat 0")
    assert row.strength in (1, 2) and len(row.annotator) <= 200


def test_rows_far_apart_in_a_file_are_read_like_others(store, tmp_path):
    images = [file_image(path) for path in write_pngs(tmp_path, range(2))]
    items = [vote(row, *images, prompt=f"a cat {row}") for row in (0, 10**7, 10**7 + 1, 10**9)]
    store.sources.bring_in(new_source([table(tmp_path)], lambda files: items))
    assert len(list(settled_sources(store._database, BASE))) == 4


@pytest.mark.parametrize("path", ["gone.png", ".", "\0", "x" * 5_000, "fifo"])
def test_no_file_stands_for_an_image(store, tmp_path, path):
    if path == "fifo":
        os.mkfifo(tmp_path / path)
    good, other = map(file_image, write_pngs(tmp_path, range(2)))
    odd = ForeignImage(ImagePlace(tmp_path / path))
    items = [vote(0, good, odd), vote(1, good, other)]
    source = store.sources.bring_in(new_source([table(tmp_path)], lambda files: items)).source
    assert source.votes == 1 and sum(source.counts["left_out"].values()) == 1


def test_a_source_that_is_removed_while_it_is_read_says_so(store, tmp_path):
    images = [file_image(path) for path in write_pngs(tmp_path, range(2))]
    items = [vote(row, *images) for row in range(5)]
    store.sources.bring_in(new_source([table(tmp_path)], lambda files: items))
    rows = settled_sources(store._database, BASE)
    next(rows)
    store.sources.remove(BASE, "pickapic", "ann")
    with pytest.raises(BrokenStudio, match="was removed while its votes were read"):
        list(rows)
