"""What a layout has and a source does not keep is listed in the docs, and nothing else is lost."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from storage.exports.pickapic_columns import COLUMNS, DEFAULT, FULL
from storage.layouts.data_rows import cells_of_rows, cells_of_types
from storage.layouts.forms.own_rows import own_mapping
from storage.layouts.guess import guess_mapping
from storage.layouts.layouts import LAYOUTS
from storage.layouts.parquet_files import column_of

DOCS = Path(__file__).parents[3] / "docs" / "data.md"
IMAGE = "STRUCT(bytes BLOB, path VARCHAR)"
RESULTS = [
    f"weighted_results_image{number}_{question}"
    for question in ("preference", "coherence", "alignment")
    for number in (1, 2)
]
ANSWER = {"value": "image_1", "user_id": "u"}
REAL = {
    "pickapic": cells_of_types(
        {
            **dict.fromkeys(("are_different", "has_label"), "BOOLEAN"),
            **dict.fromkeys(("best_image_uid", "caption", "image_0_uid", "image_1_uid"), "VARCHAR"),
            **dict.fromkeys(("image_0_url", "image_1_url", "model_0", "model_1"), "VARCHAR"),
            **dict.fromkeys(("jpg_0", "jpg_1"), "BLOB"),
            **dict.fromkeys(("label_0", "label_1"), "DOUBLE"),
            **dict.fromkeys(("ranking_id", "user_id", "num_example_per_prompt"), "BIGINT"),
            "__index_level_0__": "BIGINT",
            "created_at": "TIMESTAMP_NS",
        }
    ),
    "hpd2": cells_of_rows([{"human_preference": [1, 0], "prompt": "a", "file_path": ["x", "y"]}]),
    "hpd2_ranks": cells_of_rows(
        [{"prompt": "a", "image_path": ["x"], "rank": [1], "raw_annotations": [{"rank": [1]}]}]
    ),
    "hpd3": cells_of_rows(
        [
            {
                "prompt": "a",
                "path1": "x",
                "path2": "y",
                "choice_dist": [1, 2],
                "confidence": 0.9,
                "model1": "m",
                "model2": "n",
                "source": "s",
            }
        ]
    ),
    "rapidata": cells_of_types(
        {
            "prompt": "VARCHAR",
            "image1": IMAGE,
            "image2": IMAGE,
            "model1": "VARCHAR",
            "model2": "VARCHAR",
            **dict.fromkeys(RESULTS, "DOUBLE"),
            "detailed_results_preference": "VARCHAR",
            "detailed_results_coherence": "VARCHAR",
            "detailed_results_alignment": "VARCHAR",
        }
    ),
    "imagereward": cells_of_rows(
        [{"id": "1", "prompt": "a", "generations": ["x", "y"], "ranking": [1, 2]}]
    ),
    "imagereward_rows": cells_of_types(
        {
            "image": IMAGE,
            "prompt_id": "VARCHAR",
            "prompt": "VARCHAR",
            "rank": "INTEGER",
            "classification": "VARCHAR",
            "image_amount_in_total": "INTEGER",
            **dict.fromkeys(
                ("overall_rating", "image_text_alignment_rating", "fidelity_rating"), "INTEGER"
            ),
        }
    ),
    "argilla": cells_of_rows(
        [
            {
                "id": "1",
                "status": "completed",
                "_server_id": "s",
                "vectors": {"v": 1},
                "fields": {"image_1": "x", "image_2": "y", "prompt": "a"},
                "metadata": {"category": "c"},
                "suggestions": {"preference": {"value": "image_1", "score": 0.5, "agent": "m"}},
                "responses": {"preference": [ANSWER]},
            }
        ]
    ),
    "label_studio": cells_of_rows(
        [
            {
                "id": 1,
                "data": {"prompt": "a", "image1": "x", "image2": "y"},
                "meta": {},
                "annotations": [{"result": []}],
                "predictions": [],
                "created_at": "t",
                "updated_at": "t",
                "project": 1,
                "file_upload": "f",
                "drafts": [],
            }
        ]
    ),
    "imagefolder": cells_of_rows(
        [{"chosen_file_name": "x", "rejected_file_name": "y", "prompt": "a"}]
    ),
    "chosen_rejected": cells_of_types(
        {
            "prompt": "VARCHAR",
            "chosen": IMAGE,
            "rejected": IMAGE,
            **dict.fromkeys(("chosen_model", "rejected_model", "evolution"), "VARCHAR"),
            **dict.fromkeys(("category", "sub_category"), "VARCHAR"),
        }
    ),
    "labels": cells_of_rows(
        [{"image_0": "x", "image_1": "y", "prompt": "a", "prefer_0": True, "prefer_1": False}]
    ),
    "answers": cells_of_rows(
        [{"image_a": "x", "image_b": "y", "prompt": "a", "choice": "left", "user": "u"}]
    ),
}


def row_of_docs(layout: str) -> str:
    """Return what the docs say that a layout loses."""
    # Those of exports are in a table of their own, after this part.
    incoming = DOCS.read_text(encoding="utf-8").split("\n## Out\n")[0]
    (row,) = [line for line in incoming.splitlines() if line.startswith(f"| `{layout}` |")]
    return row.strip("| ").rsplit("|", 1)[1]


@pytest.mark.parametrize("layout", REAL)
def test_what_a_layout_loses_is_in_the_docs(layout):
    cells = REAL[layout]
    mapping = guess_mapping(cells)
    assert mapping is not None and mapping.layout == layout

    columns = {name.split(".")[0] for name in cells}
    used = {column_of(cell, dict.fromkeys(columns, "")) for cell in mapping.cells()}
    listed = set(re.findall(r"`([^`]+)`", row_of_docs(layout)))
    assert columns - used == listed & columns
    # And nothing is listed that is not there.
    assert listed <= columns


def test_what_palates_own_parquet_loses_is_in_the_docs():
    columns = {column.name for column in COLUMNS[FULL]}
    used = {column_of(cell, dict.fromkeys(columns, "")) for cell in own_mapping(columns).cells()}

    assert columns - used == set(re.findall(r"`([^`]+)`", row_of_docs("palate")))
    assert {column.name for column in COLUMNS[DEFAULT]} <= columns


def test_every_layout_is_in_the_docs():
    assert {*REAL, "palate", "folders"} == set(LAYOUTS)
    for layout in LAYOUTS:
        row_of_docs(layout)
