"""The section Data shows what came in, goes out and is under way, and no name becomes markup."""

from __future__ import annotations

from annotate.web.html.data.backup_cards import backup_list, merge_preview
from annotate.web.html.data.export_cards import export_form, export_result
from annotate.web.html.data.job_cards import job_card, result_card
from annotate.web.html.data.preview_cards import source_preview
from annotate.web.html.data.source_cards import source_list

HOSTILE = '<img src=x onerror=1> "&'
PREVIEW = {
    "path": f"/{HOSTILE}.parquet",
    "layout": "pickapic",
    "layout_title": "Pick-a-Pic",
    "layouts": [{"layout": "pickapic", "title": "Pick-a-Pic"}],
    "kind": "parquet",
    "sent": False,
    "files": 1,
    "columns": ["caption", HOSTILE],
    "mapping": [
        {"field": "prompt", "title": "the prompt", "column": HOSTILE, "needed": True},
        {"field": "annotator", "title": "who chose", "column": "", "needed": False},
    ],
    "rows": 1200,
    "looked_at": 1200,
    "images": 2000,
    "annotators": 4,
    "known": {},
    "problem": "",
    "field": "",
    "votes": {"preference": 1000, "tie": 1, "both_bad": 3},
    "left_out": {f"an image is {HOSTILE}": 196},
    "whole": True,
    "examples": [
        {
            "prompt": HOSTILE,
            "kind": "preference",
            "share": 0.8,
            "ranks": [],
            "annotator": HOSTILE,
            "place": "row 7",
        }
    ],
}
SOURCE = {
    "name": HOSTILE,
    "layout": "HPDv3",
    "files": [HOSTILE],
    "faults": {HOSTILE: "gone"},
    "votes": {"preference": 2, "ranking": 1},
    "images": 7,
    "left_out": {HOSTILE: 2},
    "double": {HOSTILE: 1},
    "weight": 0.3,
    "used": False,
    "who": HOSTILE,
    "created": "2026-12-01T10:00:00Z",
}
JOB = {
    "kind": "import",
    "title": f"Bringing in {HOSTILE}",
    "state": "running",
    "done": 25,
    "of": 100,
    "seconds": 10.0,
    "seconds_left": 30.0,
    "message": "",
    "result": None,
}
EXPORT = {
    "path": f"/{HOSTILE}",
    "form": "pickapic",
    "files": 3,
    "bytes": 1_500_000,
    "rows": 4,
    "left_out": {"a tie": 2},
    "download": "",
}


def test_a_preview_counts_votes_by_kind_and_what_is_left_out():
    card = source_preview(PREVIEW, "mine", [[b"one", None]])
    assert "1,000 choices, 1 tie, 3 both bad" in card
    assert "196 rows left out" in card
    assert "Bring in 1,004 votes" in card and HOSTILE not in card
    assert "data:image/webp;base64," in card and "no-image" in card
    assert "80 % say the first is better" in card


def test_of_many_rows_the_first_are_counted_and_all_come_in():
    card = source_preview({**PREVIEW, "whole": False, "rows": 1_000_000}, "mine", [[]])
    assert "votes in the first 1,200 rows" in card and "1,000,000" in card
    assert "Bring in all of it" in card


def test_a_column_that_does_not_fit_is_marked_and_the_sentence_stands_above():
    wrong = {"problem": f"No column holds {HOSTILE}. Choose it.", "field": "prompt"}
    card = source_preview({**PREVIEW, **wrong, "votes": {}, "examples": []}, "mine", [])
    assert 'name="prompt" aria-invalid' in card and "No column holds" in card
    assert HOSTILE not in card and " disabled" in card


def test_only_the_better_image_is_marked_and_of_a_tie_none():
    assert source_preview(PREVIEW, "mine", [[b"one", b"two"]]).count(">better<") == 1
    tie = {**PREVIEW, "examples": [{**PREVIEW["examples"][0], "kind": "tie", "share": None}]}
    card = source_preview(tie, "mine", [[b"one", b"two"]])
    assert ">better<" not in card and "Equally good" in card


def test_columns_can_be_chosen_and_one_that_is_needed_cannot_be_none():
    card = source_preview(PREVIEW, "mine", [[]])
    prompt, annotator = (part.split("</select>")[0] for part in card.split("<select name=")[2:4])
    assert ">none<" not in prompt and " selected" in prompt
    assert ">none<" in annotator


def test_who_chose_is_told_as_such_and_a_folder_is_read_with_a_text():
    assert "· by " in source_preview(PREVIEW, "mine", [[]])
    folder = {**PREVIEW, "kind": "folders", "columns": [], "votes": {}}
    card = source_preview(folder, "mine", [[]])
    assert "Preview with this text" in card and "columns" not in card


def test_only_parquet_files_that_lie_there_may_stay_where_they_are():
    assert 'name="copy"' in source_preview(PREVIEW, "mine", [[]])
    for other in ({"sent": True}, {"kind": "json"}):
        assert 'name="copy"' not in source_preview({**PREVIEW, **other}, "mine", [[]])


def test_files_that_came_in_before_cannot_be_brought_in_again():
    card = source_preview({**PREVIEW, "known": {"votes.parquet": "old"}}, "mine", [[]])
    assert 'class="main" disabled' in card and "1 file came in before, as old" in card


def test_without_a_vote_nothing_can_be_brought_in():
    card = source_preview({**PREVIEW, "votes": {}, "examples": []}, "mine", [])
    assert 'class="main" disabled' in card and "No row gives a vote that way." in card


def test_a_source_tells_what_it_holds_and_asks_before_it_goes():
    listed = source_list([SOURCE])
    assert "2 choices, 1 ranking on 7 images" in listed and HOSTILE not in listed
    assert "checked" not in listed and '<option value="0.3" selected>' in listed
    assert 'data-asks="remove" hidden' in listed and "Remove 3 votes?" in listed
    assert "cannot be read now" in listed
    assert "Drop a file above" in source_list([])


def test_a_job_shows_its_progress_and_time_left_and_how_it_ended():
    card = job_card(JOB)
    assert "25 of 100 · 30 s left" in card and 'data-act="stop"' in card and HOSTILE not in card
    assert 'data-act="stop"' not in job_card({**JOB, "state": "stopping"})
    failed = job_card({**JOB, "state": "failed", "message": "votes.csv has no rows."})
    assert 'role="alert"' in failed and "votes.csv has no rows." in failed
    done = {**JOB, "state": "done", "result": {"message": "4 votes came in."}}
    assert job_card(done) == "" and "4 votes came in." in result_card(done)
    assert result_card({**done, "kind": "export", "result": EXPORT}).count("1.5 MB") == 1


def test_an_export_is_chosen_by_form_and_people_and_says_where_it_lies():
    forms = [
        {"form": "parquet", "title": "Pick-a-Pic", "read_by": "trainers", "loses": []},
        {"form": "csv", "title": "all as CSV", "read_by": "R", "loses": [HOSTILE]},
    ]
    form = export_form(forms, [HOSTILE], True, "/out")
    assert HOSTILE not in form and form.count(" checked") == 1 and "<b>All as CSV</b>" in form
    assert "all sources in use" in form and "all sources" not in export_form(forms, [], False, "/o")
    told = export_result(EXPORT)
    assert "Download" not in told and "2 votes left out: a tie" in told and HOSTILE not in told
    assert 'href="export-zip/x.zip"' in export_result({**EXPORT, "download": "export-zip/x.zip"})


def test_a_merge_that_adds_nothing_cannot_be_pressed():
    new = {"path": HOSTILE, "new": {"votes": 4}, "is_nothing": False, "notes": [HOSTILE]}
    card = merge_preview(new)
    assert 'data-act="merge"' in card and HOSTILE not in card
    same = merge_preview({**new, "is_nothing": True, "notes": ["Nothing is new."]})
    assert 'data-act="merge"' not in same and "Nothing is new." in same


def test_backups_are_listed_or_it_says_that_there_is_none():
    listed = backup_list(
        [{"path": HOSTILE, "name": "b", "created": "2026-12-01T10:00:00", "votes": 3, "bytes": 5}]
    )
    assert "3 votes" in listed and HOSTILE not in listed
    assert "palate data restore" in listed
    assert "There is no backup yet." in backup_list([])
