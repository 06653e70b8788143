"""The layouts that others publish are recognised, and their votes come out as they were given."""

from __future__ import annotations

import base64
from datetime import datetime

import pytest
from foreign_files import (
    bytes_of,
    data_url,
    image,
    image_file,
    json_file,
    layout_of,
    lines,
    parquet,
    read,
    table,
    told,
)

from storage.errors import UnreadableData
from storage.layouts.foreign_votes import ForeignVote
from storage.layouts.forms.answer_rows import CANCELLED, NOT_SUBMITTED, UNKNOWN
from storage.layouts.image_finder import ADDRESS, MISSING, OUTSIDE
from storage.layouts.values import NO_ANSWER, NO_PROMPT

A, B, C = image(1), image(2), image(3)
PICKAPIC = (
    "are_different BOOLEAN, best_image_uid VARCHAR, caption VARCHAR, created_at TIMESTAMP_NS, "
    "has_label BOOLEAN, image_0_uid VARCHAR, image_0_url VARCHAR, image_1_uid VARCHAR, "
    "image_1_url VARCHAR, jpg_0 BLOB, jpg_1 BLOB, label_0 DOUBLE, label_1 DOUBLE, "
    "model_0 VARCHAR, model_1 VARCHAR, ranking_id BIGINT, user_id BIGINT, "
    "num_example_per_prompt BIGINT, __index_level_0__ BIGINT"
)
IMAGE = "STRUCT(bytes BLOB, path VARCHAR)"


def pickapic_row(label_0, label_1, has_label=True, jpg_0=A, jpg_1=B, caption="a fox"):
    return (
        *(True, "u0", caption, datetime(2023, 4, 5, 6, 7, 8), has_label),
        *("u0", "https://x/0", "u1", "https://x/1", jpg_0, jpg_1, label_0, label_1),
        *("xl", "dreamlike", 5, 4321, 2, 0),
    )


def test_pick_a_pic_gives_choices_ties_and_who_and_when(tmp_path):
    rows = [
        pickapic_row(1, 0),
        pickapic_row(0, 1),
        pickapic_row(0.5, 0.5),
        pickapic_row(0, 0, False),
    ]
    path = parquet(tmp_path / "train-00000-of-00001.parquet", PICKAPIC, rows)

    found = read(path)

    assert layout_of(path) == "pickapic"
    assert [told(vote) for vote in found] == [
        ("preference", [A, B]),
        ("preference", [B, A]),
        ("tie", [A, B]),
        NO_ANSWER,
    ]
    first = found[0]
    assert isinstance(first, ForeignVote)
    assert (first.prompt, first.annotator) == ("a fox", "4321")
    assert first.given == datetime(2023, 4, 5, 6, 7, 8)
    place = found[1].images[0].place
    assert (place.file, place.row, place.column) == (path, 1, "jpg_1")


def test_jpeg_and_webp_come_out_byte_by_byte(tmp_path):
    images = image(1, "jpeg"), image(2, "webp")
    path = parquet(tmp_path / "a.parquet", PICKAPIC, [pickapic_row(1, 0, True, *images)])

    assert bytes_of(read(path)[0]) == list(images)


def test_shards_and_folders_are_read_in_order(tmp_path):
    for number in range(3):
        rows = [pickapic_row(1, 0, caption=f"prompt {number}")]
        parquet(tmp_path / f"data/train-0000{number}-of-00003.parquet", PICKAPIC, rows)

    for given in (tmp_path, tmp_path / "data", str(tmp_path / "data" / "*.parquet")):
        found = read(given)
        assert [(vote.file, vote.row, vote.prompt) for vote in found] == [
            (0, 0, "prompt 0"),
            (1, 0, "prompt 1"),
            (2, 0, "prompt 2"),
        ]


@pytest.mark.parametrize(
    ("chosen", "kind"),
    [
        ({"bytes": A, "path": None}, IMAGE),
        ({"bytes": None, "path": "a.png"}, IMAGE),
        (A, "BLOB"),
        ("a.png", "VARCHAR"),
        ("images/a.png", "VARCHAR"),
        (data_url(1), "VARCHAR"),
    ],
)
def test_chosen_and_rejected_are_bytes_or_files_beside_the_data(tmp_path, chosen, kind):
    image_file(tmp_path / "a.png", 1)
    image_file(tmp_path / "images" / "a.png", 1)
    columns = f"prompt VARCHAR, chosen {kind}, rejected {IMAGE}, chosen_model VARCHAR"
    rows = [("a fox", chosen, {"bytes": B, "path": "b"}, "dev")]
    path = parquet(tmp_path / "a.parquet", columns, rows)

    assert layout_of(path) == "chosen_rejected"
    assert [told(vote) for vote in read(path)] == [("preference", [A, B])]


def test_prompts_may_be_messages_as_far_as_they_are_clear(tmp_path):
    images = {"chosen": data_url(1), "rejected": data_url(2)}
    user = {"role": "user", "content": "a fox"}
    parts = {"role": "user", "content": [{"type": "text", "text": "a fox"}, {"type": "image"}]}
    path = lines(
        tmp_path / "a.jsonl",
        [
            {"prompt": [{"role": "system", "content": "You paint."}, user], **images},
            {"prompt": [parts], **images},
            {"prompt": '[{"role": "user", "content": "a fox"}]', **images},
            {"prompt": [user, user], **images},
            {"prompt": 7, **images},
            {"prompt": [], **images},
        ],
    )

    found = read(path)

    assert [vote.prompt for vote in found[:3]] == ["a fox"] * 3
    assert [told(vote) for vote in found[3:]] == [
        "the prompt is a conversation of several turns",
        "the prompt is no text",
        NO_PROMPT,
    ]


@pytest.mark.parametrize("name", ["metadata.csv", "metadata.jsonl"])
def test_an_image_folder_names_its_files_in_metadata(tmp_path, name):
    image_file(tmp_path / "images" / "1.png", 1)
    image_file(tmp_path / "images" / "2.png", 2)
    (tmp_path / "other.json").write_text("{}")
    row = {"chosen_file_name": "images/1.png", "rejected_file_name": "images/2.png", "prompt": "a"}
    if name.endswith("csv"):
        table(tmp_path / name, list(row), [list(row.values())])
    else:
        lines(tmp_path / name, [row])

    assert layout_of(tmp_path) == "imagefolder"
    assert [told(vote) for vote in read(tmp_path)] == [("preference", [A, B])]


def test_folders_of_winners_and_losers_are_paired_by_name(tmp_path):
    image_file(tmp_path / "chosen" / "x.png", 1)
    image_file(tmp_path / "rejected" / "x.png", 2)
    image_file(tmp_path / "chosen" / "y.jpg", 1)
    image_file(tmp_path / "rejected" / "y.webp", 2)
    image_file(tmp_path / "chosen" / "z.png", 1)
    (tmp_path / "chosen" / "x.txt").write_text("a fox\n")
    (tmp_path / "y.txt").write_text("a bear")

    found = read(tmp_path)

    assert [told(vote) for vote in found] == [
        ("preference", [A, B]),
        ("preference", [image(1, "jpeg"), image(2, "webp")]),
        "an image has no partner of its name in the other folder",
    ]
    assert [vote.prompt for vote in found[:2]] == ["a fox", "a bear"]


def test_images_of_folders_without_text_take_a_prompt_for_all(tmp_path):
    image_file(tmp_path / "winners" / "x.png", 1)
    image_file(tmp_path / "losers" / "x.png", 2)

    assert [told(vote) for vote in read(tmp_path)] == [NO_PROMPT]
    assert read(tmp_path, mapping="prompt==a fox")[0].prompt == "a fox"


def test_hpd2_names_two_files_and_which_is_preferred(tmp_path):
    image_file(tmp_path / "1.png", 1)
    image_file(tmp_path / "2.png", 2)
    rows = [
        {"human_preference": [1, 0], "prompt": "a", "file_path": ["1.png", "2.png"]},
        {"human_preference": [0, 1], "prompt": "a", "file_path": ["1.png", "2.png"]},
        {"human_preference": [0, 1], "prompt": "a", "file_path": ["1.png", "3.png"]},
    ]
    path = json_file(tmp_path / "train.json", rows)

    assert layout_of(path) == "hpd2"
    assert [told(vote) for vote in read(path)] == [
        ("preference", [A, B]),
        ("preference", [B, A]),
        MISSING,
    ]


def test_each_person_of_an_hpd2_ranking_is_a_ranking(tmp_path):
    for number in (1, 2, 3):
        image_file(tmp_path / f"{number}.png", number)
    row = {
        "prompt": "a",
        "image_path": ["1.png", "2.png", "3.png"],
        "rank": [1, 3, 2],
        "raw_annotations": [
            {"rank": [1, 2, 3], "user_hash": "f00"},
            {"rank": [2, 1, 1], "user_hash": "ba4"},
            {"rank": [2, 1], "user_hash": "bad"},
        ],
    }
    path = json_file(tmp_path / "test.json", [row])

    found = read(path)

    assert layout_of(path) == "hpd2_ranks"
    assert [told(vote) for vote in found] == [
        ("ranking", [A, B, C], (1, 2, 3)),
        ("ranking", [A, B, C], (2, 1, 1)),
        "there are more or fewer ranks than images",
    ]
    assert [vote.annotator for vote in found[:2]] == ["f00", "ba4"]


def test_hpd3_keeps_the_share_of_its_counted_choices(tmp_path):
    image_file(tmp_path / "images" / "1.jpg", 1)
    image_file(tmp_path / "images" / "2.jpg", 2)
    row = {
        "prompt": "a",
        "path1": "images/1.jpg",
        "path2": "images/2.jpg",
        "model1": "flux",
        "model2": "sd2",
    }
    path = json_file(
        tmp_path / "train.json",
        [
            {**row, "choice_dist": [9, 3], "confidence": 0.99},
            {**row, "choice_dist": None, "confidence": 0.8},
            {**row, "choice_dist": None, "confidence": None},
            {**row, "choice_dist": [1, 3], "confidence": None},
            {**row, "choice_dist": [1, 3, 4], "confidence": None},
        ],
    )

    assert layout_of(path) == "hpd3"
    first, second = image(1, "jpeg"), image(2, "jpeg")
    assert [told(vote) for vote in read(path)] == [
        ("preference", [first, second], 0.75),
        ("preference", [first, second], 0.8),
        ("preference", [first, second]),
        # Its files say that the first one is preferred; the counts are of something else.
        ("preference", [first, second]),
        "a label or a share is no number from 0 on",
    ]


def test_weighted_results_of_rapidata_stay_shares(tmp_path):
    columns = (
        f"prompt VARCHAR, image1 {IMAGE}, image2 {IMAGE}, model1 VARCHAR, model2 VARCHAR, "
        "weighted_results_image1_coherence DOUBLE, weighted_results_image2_coherence DOUBLE, "
        "weighted_results_image1_preference FLOAT, weighted_results_image2_preference FLOAT, "
        "detailed_results_preference VARCHAR"
    )
    one, two = {"bytes": A, "path": "1.jpg"}, {"bytes": B, "path": "2.jpg"}
    address = {"bytes": None, "path": "https://assets.rapidata.ai/x.jpg"}
    rows = [
        ("a", one, two, "x", "y", 0.1, 0.9, 0.75, 0.25, "[]"),
        ("a", one, two, "x", "y", 0.1, 0.9, 0.0, 1.0, "[]"),
        ("a", one, two, "x", "y", 0.1, 0.9, 0.5, 0.5, "[]"),
        ("a", one, address, "x", "y", 0.1, 0.9, 0.5, 0.5, "[]"),
        ("a", one, two, "x", "y", 0.1, 0.9, None, None, "[]"),
    ]
    path = parquet(tmp_path / "train.parquet", columns, rows)

    assert layout_of(path) == "rapidata"
    assert [told(vote) for vote in read(path)] == [
        ("preference", [A, B], 0.75),
        ("preference", [B, A], 1.0),
        ("tie", [A, B]),
        ADDRESS,
        NO_ANSWER,
    ]


def test_another_question_of_rapidata_can_be_chosen(tmp_path):
    columns = (
        "prompt VARCHAR, image1 BLOB, image2 BLOB, weighted_results_image1_coherence DOUBLE, "
        "weighted_results_image2_coherence DOUBLE, weighted_results_image1_preference DOUBLE, "
        "weighted_results_image2_preference DOUBLE"
    )
    path = parquet(tmp_path / "train.parquet", columns, [("a", A, B, 0.25, 0.75, 0.5, 0.5)])
    mapping = "label_0=weighted_results_image1_coherence,label_1=weighted_results_image2_coherence"

    assert [told(vote) for vote in read(path, mapping=mapping)] == [("preference", [B, A], 0.75)]


def test_a_ranking_of_imagereward_stays_a_ranking(tmp_path):
    for number in (1, 2, 3):
        image_file(tmp_path / "part-1" / f"{number}.webp", number)
    names = [f"part-1/{number}.webp" for number in (1, 2, 3)]
    images = [image(number, "webp") for number in (1, 2, 3)]
    path = json_file(
        tmp_path / "test.json",
        [
            {"id": "1", "prompt": "a", "generations": names, "ranking": [1, 5, 2]},
            {"id": "2", "prompt": "a", "generations": names[:2], "ranking": [2, 1]},
            {"id": "3", "prompt": "a", "generations": names[:2], "ranking": [1, 1]},
            {"id": "4", "prompt": "a", "generations": names, "ranking": [1, 1, 1]},
            {"id": "5", "prompt": "a", "generations": names, "ranking": [1, -2, 1]},
        ],
    )

    assert layout_of(path) == "imagereward"
    assert [told(vote) for vote in read(path)] == [
        ("ranking", images, (1, 5, 2)),
        ("preference", [images[1], images[0]]),
        ("tie", images[:2]),
        "a ranking has all images at one rank",
        "a label or a share is no number from 0 on",
    ]


def test_imagereward_in_columns_has_a_list_of_images_or_one_a_row(tmp_path):
    listed = parquet(
        tmp_path / "group.parquet",
        f"prompt_id VARCHAR, prompt VARCHAR, image {IMAGE}[], rank BIGINT[]",
        [("1", "a", [{"bytes": x, "path": "x"} for x in (A, B, C)], [2, 1, 3])],
    )
    single = parquet(
        tmp_path / "rows.parquet",
        f"image {IMAGE}, prompt_id VARCHAR, prompt VARCHAR, classification VARCHAR, "
        "image_amount_in_total INTEGER, rank INTEGER, overall_rating INTEGER",
        [
            ({"bytes": A, "path": "x"}, "1", "a", "People", 3, 2, 5),
            ({"bytes": B, "path": "x"}, "1", "a", "People", 3, 1, 5),
            ({"bytes": C, "path": "x"}, "1", "a", "People", 3, 3, 5),
            ({"bytes": A, "path": "x"}, "2", "b", "People", 2, 1, 5),
            ({"bytes": B, "path": "x"}, "2", "b", "People", 2, 2, 5),
            ({"bytes": B, "path": "x"}, "3", "c", "People", 1, 1, 5),
        ],
    )

    ranked = ("ranking", [A, B, C], (2, 1, 3))
    assert [told(vote) for vote in read(listed)] == [ranked]
    assert read(listed)[0].images[1].place.column == "image[1].bytes"
    assert layout_of(single) == "imagereward_rows"
    assert [told(vote) for vote in read(single)] == [
        ranked,
        ("preference", [A, B]),
        "a ranking has fewer than 2 images",
    ]


def argilla_record(answers, prompt="a fox"):
    return {
        "id": "r1",
        "fields": {"image_1": data_url(1), "image_2": data_url(2), "prompt": prompt},
        "metadata": {"category": "People"},
        "suggestions": {"preference": {"value": "image_1", "score": 0.9, "agent": "clip"}},
        "responses": {"preference": answers},
        "vectors": {},
        "status": "completed",
    }


def test_each_response_of_an_argilla_record_is_a_vote(tmp_path):
    said = ("image_1", "image_2", "both_good", "both_bad", "toxic_content")
    answers = [{"value": value, "user_id": f"u{n}"} for n, value in enumerate(said)]
    answers.append({"value": "image_1", "user_id": "u9", "status": "draft"})
    path = json_file(tmp_path / "records.json", [argilla_record(answers), argilla_record([])])

    found = read(path)

    assert layout_of(path) == "argilla"
    assert [told(vote) for vote in found] == [
        ("preference", [A, B]),
        ("preference", [B, A]),
        ("both_good", [A, B]),
        ("both_bad", [A, B]),
        UNKNOWN,
        NOT_SUBMITTED,
        # What a program suggested is nobody's vote.
        NO_ANSWER,
    ]
    assert [vote.annotator for vote in found[:2]] == ["u0", "u1"]
    assert found[0].images[0].place is None


def test_an_argilla_ranking_orders_the_images(tmp_path):
    record = argilla_record(
        [
            {"value": ["image_3", "image_1", "image_2"], "user_id": "u1"},
            {
                "value": [
                    {"value": "image_1", "rank": 1},
                    {"value": "image_2", "rank": 2},
                    {"value": "image_3", "rank": 2},
                ],
                "user_id": "u2",
            },
        ]
    )
    record["fields"]["image_3"] = data_url(3)
    path = json_file(tmp_path / "records.json", [record])

    assert [told(vote) for vote in read(path)] == [
        ("ranking", [A, B, C], (2, 3, 1)),
        ("ranking", [A, B, C], (1, 2, 2)),
    ]


def test_argilla_in_columns_has_people_and_statuses_beside_the_responses(tmp_path):
    columns = (
        "id VARCHAR, status VARCHAR, _server_id VARCHAR, images STRUCT(image_1 VARCHAR, "
        'image_2 VARCHAR, prompt VARCHAR, model_1 VARCHAR), "preference.responses" VARCHAR[], '
        '"preference.responses.users" VARCHAR[], "preference.responses.status" VARCHAR[]'
    )
    images = {"image_1": data_url(1), "image_2": data_url(2), "prompt": "a", "model_1": "dev"}
    rows = [
        (
            *("1", "completed", "s", images, ["image_2", "image_1"], ["u1", "u2"]),
            ["submitted", "discarded"],
        ),
        ("2", "pending", "s", images, None, None, None),
    ]
    path = parquet(tmp_path / "train.parquet", columns, rows)

    found = read(path)

    assert layout_of(path) == "argilla"
    assert [told(vote) for vote in found] == [("preference", [B, A]), NOT_SUBMITTED, NO_ANSWER]
    assert found[0].annotator == "u1"


def test_the_first_argilla_has_an_object_of_lists_for_each_question(tmp_path):
    columns = (
        'images STRUCT(image_1 BLOB, image_2 BLOB, prompt VARCHAR), "question-1" '
        "STRUCT(user_id VARCHAR[], value VARCHAR[], status VARCHAR[]), external_id VARCHAR"
    )
    answers = {
        "user_id": ["u1", "u2"],
        "value": ["image_1", "both_bad"],
        "status": ["submitted"] * 2,
    }
    rows = [({"image_1": A, "image_2": B, "prompt": "a"}, answers, "e")]
    path = parquet(tmp_path / "train.parquet", columns, rows)

    found = read(path)

    assert [told(vote) for vote in found] == [("preference", [A, B]), ("both_bad", [A, B])]
    assert [vote.annotator for vote in found] == ["u1", "u2"]


def label_studio_task(key, result, **more):
    return {
        "id": 1,
        "data": {"prompt": "a fox", "image1": data_url(1), "image2": data_url(2)},
        key: [
            {
                "id": 7,
                "completed_by": 3,
                "created_at": "2024-05-06T07:08:09.1Z",
                "result": result,
                **more,
            }
        ],
    }


def pairwise(side):
    return [
        {
            "id": "x",
            "type": "pairwise",
            "from_name": "pw",
            "to_name": ["image1", "image2"],
            "value": {"selected": side},
        }
    ]


@pytest.mark.parametrize("key", ["annotations", "completions"])
def test_label_studio_says_left_or_right_in_annotations_or_completions(tmp_path, key):
    path = json_file(
        tmp_path / "export.json",
        [
            label_studio_task(key, pairwise("left")),
            label_studio_task(key, pairwise("right"), completed_by={"email": "a@b.c", "id": 4}),
            label_studio_task(key, pairwise("right"), was_cancelled=True),
            label_studio_task(key, []),
            {
                "id": 2,
                "data": {"prompt": "x", "image1": data_url(1), "image2": data_url(2)},
                key: [],
            },
        ],
    )

    found = read(path)

    assert layout_of(path) == "label_studio"
    assert [told(vote) for vote in found] == [
        ("preference", [A, B]),
        ("preference", [B, A]),
        CANCELLED,
        NO_ANSWER,
        NO_ANSWER,
    ]
    assert [vote.annotator for vote in found[:2]] == ["3", "4"]
    assert found[0].given == datetime(2024, 5, 6, 7, 8, 9, 100000)


@pytest.mark.parametrize("selected", [{"selected": "right"}, [{"selected": "right"}]])
def test_the_short_form_of_label_studio_has_what_was_selected_in_a_column(tmp_path, selected):
    row = {"id": 1, "image1": data_url(1), "image2": data_url(2), "prompt": "a", "pw": selected}
    path = json_file(tmp_path / "min.json", [{**row, "annotator": 5, "annotation_id": 8}])

    found = read(path)

    assert layout_of(path) == "label_studio"
    assert [told(vote) for vote in found] == [("preference", [B, A])]
    assert found[0].annotator == "5"


@pytest.mark.parametrize(
    "name",
    [
        "/data/upload/12/3f-1.png",
        "/data/local-files/?d=sub%2F3f-1.png",
        "upload/12/3f-1.png",
        "sub/3f-1.png",
    ],
)
def test_files_of_label_studio_are_looked_for_beside_its_export(tmp_path, name):
    image_file(tmp_path / "upload" / "12" / "3f-1.png", 1)
    image_file(tmp_path / "sub" / "3f-1.png", 1)
    task = label_studio_task("annotations", pairwise("left"))
    task["data"]["image1"] = name
    path = json_file(tmp_path / "export.json", [task])

    assert [told(vote) for vote in read(path)] == [("preference", [A, B])]


def test_a_table_with_two_images_and_an_answer_is_read(tmp_path):
    image_file(tmp_path / "1.png", 1)
    image_file(tmp_path / "2.png", 2)
    answers = ("left", "Right", "tie", "both bad", "skip", "image_a", "hm", "")
    rows = [["a fox", "1.png", "2.png", answer] for answer in answers]
    path = table(tmp_path / "votes.csv", ["prompt", "image_a", "image_b", "choice"], rows)

    assert layout_of(path) == "answers"
    assert [told(vote) for vote in read(path)] == [
        ("preference", [A, B]),
        ("preference", [B, A]),
        ("tie", [A, B]),
        ("both_bad", [A, B]),
        ("skip", [A, B]),
        ("preference", [A, B]),
        UNKNOWN,
        NO_ANSWER,
    ]


def test_yes_and_no_for_each_image_are_labels(tmp_path):
    image_file(tmp_path / "1.png", 1)
    image_file(tmp_path / "2.png", 2)
    row = {"image_0": "1.png", "image_1": "2.png", "prompt": "a"}
    sides = [(True, False), (False, True), (False, False)]
    rows = [{**row, "prefer_0": first, "prefer_1": second} for first, second in sides]
    lines(tmp_path / "metadata.jsonl", rows)

    assert layout_of(tmp_path) == "labels"
    assert [told(vote) for vote in read(tmp_path)] == [
        ("preference", [A, B]),
        ("preference", [B, A]),
        ("tie", [A, B]),
    ]


def test_columns_of_any_name_are_mapped_by_hand(tmp_path):
    image_file(tmp_path / "1.png", 1)
    image_file(tmp_path / "2.png", 2)
    path = table(tmp_path / "mine.csv", ["q", "yes", "no"], [["a fox", "1.png", "2.png"]])

    assert layout_of(path) is None
    with pytest.raises(UnreadableData, match="Choose a layout"):
        read(path)
    found = read(path, mapping="layout=chosen_rejected,prompt=q,chosen=yes,rejected=no")
    assert [told(vote) for vote in found] == [("preference", [A, B])]


def test_addresses_are_never_fetched_and_names_never_lead_out(tmp_path):
    folder = tmp_path / "data"
    image_file(folder / "1.png", 1)
    image_file(tmp_path / "2.png", 2)
    (folder / "link.png").symlink_to(tmp_path / "2.png")
    (folder / "far").symlink_to(tmp_path)
    names = {
        "https://example.org/2.png": ADDRESS,
        "file:///etc/passwd": ADDRESS,
        "s3://bucket/2.png": ADDRESS,
        "../2.png": OUTSIDE,
        str(tmp_path / "2.png"): OUTSIDE,
        "C:\\2.png": OUTSIDE,
        "\\\\host\\2.png": OUTSIDE,
        "link.png": OUTSIDE,
        "far/2.png": OUTSIDE,
        "3.png": MISSING,
    }
    rows = [{"prompt": "a", "chosen": "1.png", "rejected": name} for name in names]

    assert [told(vote) for vote in read(lines(folder / "a.jsonl", rows))] == list(names.values())


@pytest.mark.parametrize("folder", ["", "images", "test", "test_images"])
def test_images_are_looked_for_beside_the_data_and_in_folders_of_its_name(tmp_path, folder):
    image_file(tmp_path / folder / "part" / "1.png", 1)
    rows = [{"prompt": "a", "chosen": "part/1.png", "rejected": data_url(2)}]

    assert [told(vote) for vote in read(json_file(tmp_path / "test.json", rows))] == [
        ("preference", [A, B])
    ]


def test_images_in_base64_have_no_place_but_their_bytes(tmp_path):
    content = base64.b64encode(A).decode()
    rows = [{"prompt": "a", "chosen": f"data:image/png;base64,{content}", "rejected": data_url(2)}]

    (vote,) = read(lines(tmp_path / "a.jsonl", rows))

    assert [shown.place for shown in vote.images] == [None, None]
    assert bytes_of(vote) == [A, B]


def test_argilla_gives_columns_of_fields_without_an_object_too(tmp_path):
    columns = (
        "id VARCHAR, status VARCHAR, image_1 VARCHAR, image_2 VARCHAR, prompt VARCHAR, "
        '"preference.responses" VARCHAR[], "preference.responses.users" VARCHAR[], '
        '"preference.responses.status" VARCHAR[], "preference.suggestion" VARCHAR'
    )
    answers = (["image_2", "both_good"], ["u1", "u2"], [None, "submitted"], "image_1")
    rows = [("1", "pending", data_url(1), data_url(2), "a", *answers)]
    path = parquet(tmp_path / "train.parquet", columns, rows)

    assert layout_of(path) == "argilla"
    assert [told(vote) for vote in read(path)] == [("preference", [B, A]), ("both_good", [A, B])]


@pytest.mark.parametrize("selected", ['[{"selected": "right"}]', "right"])
def test_the_csv_of_label_studio_has_what_was_selected_as_json_or_a_word(tmp_path, selected):
    image_file(tmp_path / "1.png", 1)
    image_file(tmp_path / "2.png", 2)
    names = ["annotation_id", "annotator", "id", "image1", "image2", "lead_time", "prompt", "pw"]
    path = table(tmp_path / "a.csv", names, [[7, "a@b.c", 1, "1.png", "2.png", "", "a", selected]])

    found = read(
        path,
        mapping=""
        if selected.startswith("[")
        else "layout=answers,answer=pw,"
        + ",".join(("prompt=prompt", "image_0=image1", "image_1=image2", "annotator=annotator")),
    )

    assert [told(vote) for vote in found] == [("preference", [B, A])]
    assert found[0].annotator == "a@b.c"


def test_lists_in_cells_of_csv_are_lists(tmp_path):
    for number in (1, 2, 3):
        image_file(tmp_path / f"{number}.png", number)
    names = ["prompt", "images", "ranking"]
    row = ["a", '["1.png", "2.png", "3.png"]', "[3, 1, 2]"]
    path = table(tmp_path / "a.csv", names, [row])

    assert layout_of(path) == "imagereward"
    assert [told(vote) for vote in read(path)] == [("ranking", [A, B, C], (3, 1, 2))]
