"""Palate's own Parquet comes in as the votes of somebody else's studio."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from foreign_files import image, layout_of, parquet, read, told

from storage.exports.pickapic_columns import COLUMNS, DEFAULT, FULL
from storage.layouts.foreign_votes import ForeignVote
from storage.layouts.forms.own_rows import EXCLUDED, READ, ROLES, SIGNS
from storage.layouts.values import NO_ANSWER

A, B, C, D = image(1), image(2), image(3), image(4)
GIVEN = datetime(2026, 1, 2, 3, 4, 5)
PLAIN: dict[str, Any] = {
    "caption": "a fox, oil on canvas",
    "prompt": "a fox",
    "created_at": GIVEN,
    "jpg_0": A,
    "jpg_1": B,
    "pair_id": "p1",
    "annotator": "0123456789ab",
    "strength": 1,
    "criteria": "{}",
    "excluded_vote": "",
    "excluded_annotator": "",
}


def own(path, configuration, *rows):
    columns = COLUMNS[configuration]
    types = ", ".join(f'"{column.name}" {column.type}' for column in columns)
    values = [[{**PLAIN, **row}.get(column.name) for column in columns] for row in rows]
    return parquet(path, types, values)


def struct(content):
    fields = dict.fromkeys(("uid", "width", "height", "model", "version", "recipe"))
    return {**fields, "bytes": content}


def first(path) -> ForeignVote:
    (vote,) = read(path)
    assert isinstance(vote, ForeignVote), vote
    return vote


def test_columns_that_are_read_are_columns_that_are_written():
    written = {column.name for column in COLUMNS[FULL]}

    assert written >= {*READ, *ROLES.values(), *SIGNS}
    assert {column.name for column in COLUMNS[DEFAULT]} >= SIGNS


@pytest.mark.parametrize("configuration", [DEFAULT, FULL])
def test_choices_turn_the_better_image_to_the_front(tmp_path, configuration):
    path = own(
        tmp_path / "train.parquet",
        configuration,
        {"kind": "preference", "label_0": 1.0, "label_1": 0.0},
        {"kind": "preference", "label_0": 0.0, "label_1": 1.0, "strength": 2},
    )

    found = read(path)

    assert layout_of(path) == "palate"
    assert read(path, mapping="layout=palate") == found
    assert [told(vote) for vote in found] == [("preference", [A, B]), ("preference", [B, A])]
    assert [vote.strength for vote in found] == [1, 2]
    assert (found[0].annotator, found[0].given) == ("0123456789ab", GIVEN)
    # What the images were rendered with is what a trainer learns from.
    assert found[0].prompt == "a fox, oil on canvas"


def test_ties_both_good_both_bad_and_skips_stay_what_they_are(tmp_path):
    kinds = ("tie", "both_good", "both_bad", "skip")
    rows = [{"kind": kind, "label_0": 0.5, "label_1": 0.5} for kind in kinds]
    rows[3] |= {"label_0": None, "label_1": None, "has_label": False}

    found = read(own(tmp_path / "train.parquet", FULL, *rows))

    assert [told(vote) for vote in found] == [(kind, [A, B]) for kind in kinds]


def test_shares_and_rankings_stay_what_they_are(tmp_path):
    ranking = {
        "kind": "ranking",
        "label_0": 1.0,
        "ranks": [1, 2, 0, 1],
        "more_images": [struct(C), struct(D)],
    }
    path = own(
        tmp_path / "train.parquet",
        FULL,
        {"kind": "preference", "label_0": 0.2, "label_1": 0.8, "share": 0.2},
        ranking,
    )

    found = read(path)

    assert [told(vote) for vote in found] == [
        ("preference", [B, A], 0.8),
        ("ranking", [A, B, C, D], (1, 2, 0, 1)),
    ]
    assert found[1].images[3].place.column == "more_images[1].bytes"


def test_reasons_and_criteria_follow_the_images(tmp_path):
    vote = first(
        own(
            tmp_path / "train.parquet",
            FULL,
            {
                "kind": "preference",
                "label_0": 0.0,
                "reasons": ["hands"],
                "criteria": json.dumps({"prompt": "0", "style": "1", "light": "tie"}),
                "version": "v2",
                "weight": 0.5,
                "recipe_0": '{"seed": 1}',
                "recipe_1": '{"seed": 2}',
            },
        )
    )

    assert vote.details["reasons"] == ["hands"]
    assert vote.details["criteria"] == {"prompt": "1", "style": "0", "light": "tie"}
    assert vote.details["recipes"] == [{"seed": 2}, {"seed": 1}]
    assert (vote.details["version"], vote.details["weight"]) == ("v2", 0.5)


def test_votes_that_were_left_out_of_training_stay_out(tmp_path):
    choice = {"kind": "preference", "label_0": 1.0}
    path = own(
        tmp_path / "train.parquet",
        FULL,
        {**choice, "excluded_vote": "too quick"},
        {**choice, "excluded_annotator": "left the project"},
        {"kind": "skip", "label_0": None, "more_images": [struct(C), struct(D)]},
        {"kind": "dream", "label_0": 1.0},
    )

    assert [told(item) for item in read(path)] == [
        EXCLUDED,
        EXCLUDED,
        NO_ANSWER,
        "its kind of vote is none of Palate's",
    ]


def test_of_a_folder_with_both_configurations_the_full_one_is_read(tmp_path):
    choice = {"kind": "preference", "label_0": 1.0}
    own(tmp_path / "default" / "train-00000-of-00001.parquet", DEFAULT, choice)
    own(tmp_path / "full" / "train-00000-of-00001.parquet", FULL, choice, choice)
    (tmp_path / "README.md").write_text("---\n---\n")

    assert len(read(tmp_path)) == 2


def test_details_that_cannot_be_kept_are_left_away(tmp_path):
    choice = {"kind": "preference", "label_0": 1.0}
    vote = first(
        own(
            tmp_path / "train.parquet",
            FULL,
            {
                **choice,
                "weight": float("nan"),
                "criteria": "[1]",
                "recipe_0": '{"cfg": NaN}',
                "recipe_1": '"\\ud800"',
            },
        )
    )

    assert vote.details == {}
