"""Mappings are plain data that can be shown, corrected and checked."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from foreign_files import image, lines, parquet, read, told

from storage.errors import UnreadableData
from storage.layouts.found import find_data
from storage.layouts.layouts import LAYOUTS, ROLES
from storage.layouts.mapping import (
    ColumnMapping,
    check_mapping,
    mapping_from_data,
    mapping_from_text,
)
from storage.layouts.reading import READERS, votes

CHOSEN = "prompt VARCHAR, chosen BLOB, rejected BLOB, other BLOB, title VARCHAR"
A, B, C = image(1), image(2), image(3)


@pytest.fixture
def path(tmp_path):
    return parquet(tmp_path / "a.parquet", CHOSEN, [("a fox", A, B, C, "Foxes")])


def test_a_guess_is_data_with_every_role_of_its_layout(path):
    guess = find_data([path]).guess

    data = guess.as_data()
    assert data["layout"] == "chosen_rejected"
    assert data["columns"] == {
        **dict.fromkeys((role.name for role in LAYOUTS["chosen_rejected"].roles), ""),
        "prompt": "prompt",
        "chosen": "chosen",
        "rejected": "rejected",
    }
    assert mapping_from_data(json.loads(json.dumps(data))) == guess


def test_columns_say_what_they_hold(tmp_path):
    path = parquet(
        tmp_path / "a.parquet",
        'a VARCHAR, b STRUCT(bytes BLOB, path VARCHAR), "c d" STRUCT("x y" BIGINT[], z TIMESTAMP), '
        "e BOOLEAN, f DECIMAL(5, 2), g BLOB",
        [(None, None, None, None, None, None)],
    )

    assert find_data([path]).cells == {
        "a": "text",
        "b": "image",
        "c d": "object",
        "c d.x y": "list",
        "c d.z": "time",
        "e": "yes or no",
        "f": "number",
        "g": "bytes",
    }


def test_columns_of_json_say_what_they_hold(tmp_path):
    rows = [{"a": None, "b": {"c": [1]}}, {"a": 5, "d": True, "b": {"e": "x"}}]

    assert find_data([lines(tmp_path / "a.jsonl", rows)]).cells == {
        "a": "number",
        "b": "object",
        "b.c": "list",
        "d": "yes or no",
        "b.e": "text",
    }


def test_a_command_line_changes_some_roles_of_a_guess(path):
    found = find_data([path])
    mapping = mapping_from_text("rejected=other, prompt=title", found.guess)

    (vote,) = votes(found, mapping)

    assert told(vote) == ("preference", [A, C]) and vote.prompt == "Foxes"


def test_a_prompt_may_be_the_same_in_all_rows(path):
    assert read(path, mapping="prompt==a red fox")[0].prompt == "a red fox"


def test_a_role_is_emptied_by_nothing_after_its_sign(path):
    mapping = mapping_from_text("prompt=", find_data([path]).guess)

    with pytest.raises(UnreadableData, match=r"No column holds the prompt\. Choose it\.") as told:
        votes(find_data([path]), mapping)
    assert told.value.field == "prompt"


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (5, "A mapping is"),
        ({}, "A mapping is"),
        ({"layout": "nothing"}, "There is no layout 'nothing'. Choose one of palate, pickapic"),
        ({"layout": "hpd3", "columns": 5}, "a column for each role"),
        ({"layout": "hpd3", "columns": {"best": "x"}}, "hpd3 has no role 'best'"),
        ({"layout": "hpd3", "columns": {"prompt": 5}}, "The column of prompt is no text"),
    ],
)
def test_data_that_is_no_mapping_is_refused_in_a_sentence(data, sentence):
    with pytest.raises(UnreadableData) as error:
        mapping_from_data(data)
    assert sentence in str(error.value)


@pytest.mark.parametrize("text", ["chosen", "{broken", "layout=none", "best=x"])
def test_a_text_that_is_no_mapping_is_refused_in_a_sentence(path, text):
    with pytest.raises(UnreadableData):
        mapping_from_text(text, find_data([path]).guess)


@pytest.mark.parametrize(
    ("columns", "role"),
    [
        ({"prompt": "prompt", "chosen": "chosen"}, "rejected"),
        ({"prompt": "prompt", "chosen": "nothing", "rejected": "rejected"}, "chosen"),
        ({"prompt": "prompt", "chosen": "chosen[", "rejected": "rejected"}, "chosen"),
        ({"prompt": "prompt", "chosen": "=a.png", "rejected": "rejected"}, "chosen"),
    ],
)
def test_a_mapping_that_does_not_fit_names_the_role_at_fault(path, columns, role):
    with pytest.raises(UnreadableData) as error:
        check_mapping(ColumnMapping("chosen_rejected", columns), find_data([path]).columns)
    assert error.value.field == role


def test_a_path_that_leads_nowhere_in_a_column_is_refused(path):
    with pytest.raises(UnreadableData, match=r"has no .*chosen\.x"):
        read(path, mapping="chosen=chosen.x")


def test_nothing_said_of_nothing_guessed_asks_for_a_layout(tmp_path):
    path = lines(tmp_path / "a.jsonl", [{"x": 1}])

    with pytest.raises(UnreadableData, match="do not say which image is better"):
        mapping_from_text("", find_data([path]).guess)


def test_a_folder_layout_is_not_for_files(path):
    with pytest.raises(UnreadableData, match="is not of the layout folders"):
        read(path, mapping="layout=folders")


def test_every_layout_has_a_reader_and_every_role_words():
    forms = {layout.form for layout in LAYOUTS.values()}

    assert forms == {*READERS, "ranked_rows", "folders"} == set(ROLES)
    assert all(role.title for roles in ROLES.values() for role in roles)


def test_files_that_moved_are_read_where_they_are(path, tmp_path):
    found = find_data([path])
    moved = path.rename(tmp_path / "moved.parquet")

    (vote,) = votes(replace(found, files=(moved,)))

    assert vote.images[0].place.file == moved


def test_images_are_not_read_where_nobody_asks_for_them(path):
    (vote,) = votes(find_data([path]), content=False)

    assert [shown.content for shown in vote.images] == [None, None]
    assert [shown.place.column for shown in vote.images] == ["chosen", "rejected"]
