"""The cards and tabs as plain values: no server needed."""

from __future__ import annotations

import gradio as gr
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotate.charts.line_charts import curve
from annotate.errors import InvalidRequest
from annotate.training.samples.changes import change_of
from annotate.web.errors_to_ui import errors_as_gr_error, errors_as_reply
from annotate.web.html.blind_test_cards import sentence
from annotate.web.html.image_import_cards import import_result_card
from annotate.web.html.run_cards import outcome, plan_card, run_card, runs_table
from annotate.web.tabs.compare_board import (
    CompareBoard,
    read_link,
    read_prompts,
    read_seeds,
    stopped,
)
from annotate.web.tabs.compare_tab import add_strength
from annotate.web.tabs.layout import inform
from storage.errors import DamagedDatabase, DiskFull, UnknownPair

MARKUP = "<script>alert(1)</script>"
HELD_OUT = {"pairs": 12, "accuracy": 0.5, "p_value": 0.6, "helped": False}


def run(**changes):
    base = {"run_id": "r0001", "state": "done", "progress": 1.0, "eta_s": None, "error": None}
    base |= {"version": "v1", "phase": "", "step": 3, "steps": 3, "metrics": [], "result": {}}
    return base | {"created": "2026-01-01T00:00:00", "snapshot": "s0001"} | changes


@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=20, unique=True))
def test_seeds_come_back_in_the_order_given(seeds):
    assert read_seeds(", ".join(map(str, seeds))) == seeds


def test_seeds_may_be_ranges():
    assert read_seeds(" 7, 1 - 3 5") == [7, 1, 2, 3, 5]


@pytest.mark.parametrize("text", ["", "a", "-1", "3-1", "1-99999", "4294967296", "1.5"])
def test_unclear_seeds_get_a_sentence(text):
    with pytest.raises(InvalidRequest, match="Write them like"):
        read_seeds(text)


def test_prompts_are_lines_and_none_is_a_sentence():
    assert read_prompts("a cat\n\n  a dog  ") == ["a cat", "a dog"]
    with pytest.raises(InvalidRequest, match="at least one prompt"):
        read_prompts(" \n")


def test_a_run_that_did_not_help_says_so_and_advises():
    result = {"held_out": HELD_OUT, "advice": "Vote on more prompts."}
    told = outcome(run(result=result))
    assert "not your way" in told and "Vote on more prompts." in told


def test_a_run_with_too_few_held_out_pairs_claims_neither():
    held_out = HELD_OUT | {"accuracy": 0.83, "pairs": 6, "helped": None}
    told = outcome(run(result={"held_out": held_out, "advice": "Vote on."}))
    assert "too few to be sure" in told and "of 6 pairs" in told
    assert "<b>It moved your way" not in told and "not your way" not in told


def test_a_run_that_helped_says_so():
    held_out = HELD_OUT | {"accuracy": 0.9, "helped": True}
    told = outcome(run(result={"held_out": held_out, "advice": "It learned"}))
    assert "It moved your way.</b>" in told and "not your way" not in told


def test_a_run_says_how_far_its_version_moved_where_that_was_measured():
    told = outcome(run(result={"held_out": HELD_OUT, "movement": 0.0004}))
    assert "It hardly moved from its base (0.0%): train longer" in told
    assert "moved" not in outcome(run(result={"held_out": HELD_OUT}))


def test_images_that_look_the_same_are_not_said_to_have_moved_clearly():
    told = outcome(run(result={"held_out": HELD_OUT, "movement": 0.12, "alike": 1.0}))
    assert "It hardly moved.</b> Before and after look the same" in told
    assert "moved clearly" not in told
    visible = outcome(run(result={"held_out": HELD_OUT, "movement": 0.001, "alike": 0.0}))
    assert "hardly moved" not in visible


def test_a_failed_run_tells_its_reason():
    assert "disk is full" in outcome(run(state="failed", error="The disk is full."))


def test_a_run_that_ended_says_what_it_learned_by():
    learned = {"objective_title": "Diffusion-DPO", "seconds": 34.2}
    assert "Diffusion-DPO · trained for 34 s" in run_card(run(result=learned))
    # Runs of before this was written have no title.
    assert "Diffusion" not in run_card(run(result={"objective": "dpo"}))


def test_metrics_of_before_draw_the_same_curves():
    present = [{"step": step, "loss": 0.7, "rewards/accuracies": 0.5} for step in (1, 2)]
    before = [{"step": step, "loss": 0.7, "accuracy": 0.5} for step in (1, 2)]
    assert "Agrees with your votes" in run_card(run(metrics=present))
    assert run_card(run(metrics=before)) == run_card(run(metrics=present))


def test_nothing_a_person_wrote_becomes_markup():
    shown = [
        outcome(run(state="failed", error=MARKUP)),
        run_card(run(state="failed", error=MARKUP)),
        run_card(run(result={"objective_title": MARKUP})),
        outcome(run(result={"held_out": HELD_OUT, "advice": MARKUP})),
    ]
    assert not any(MARKUP in html for html in shown)


def test_a_board_says_how_far_it_is_and_what_is_kept_when_it_ends_early():
    board = CompareBoard(["a cat", "a dog"], [1, 2], "1-2", ["base", "v1"])
    assert board.rendering(detail="Loading.")["status"] == "0 of 8 rendered. Loading."
    board.fill({(0, 0): "img/a.png", (3, 1): "img/b.png"})
    value = board.rendering(12.0)
    assert value["cells"] == [["img/a.png", None], [None, None], [None, None], [None, "img/b.png"]]
    assert (value["status"], value["busy"]) == ("2 of 8 rendered, 12 s left", True)
    assert value["columns"] == ["base", "v1"]
    halted = stopped(value)
    assert halted["status"].startswith("Stopped. 2 of 8 are rendered") and not halted["busy"]
    assert halted["cells"] == value["cells"]
    failed = board.interrupted("The disk is full.")
    assert failed["tone"] == "problem" and "The disk is full. 2 of 8" in failed["status"]
    board.fill({(place, column): "img/c.png" for place in range(4) for column in range(2)})
    assert (board.rendering()["status"], board.rendering()["busy"]) == ("", False)
    assert stopped(board.rendering()) == board.rendering() and stopped(None) is None


def test_a_link_names_prompts_seeds_and_columns_as_they_were_typed():
    link = "#compare&p=a+cat%26dog&p=%C3%BC&s=1-3%2C+7&c=base&c=v1%400.5%2Bv2&m=grid"
    assert read_link(link) == ("a cat&dog\nü", "1-3, 7", ["base", "v1@0.5+v2"])
    assert read_link("#compare&") == ("", "", [])
    assert read_link("#other") is None


def test_a_strength_becomes_one_more_column_once():
    assert add_strength(["base", "v1"], "v1", 0.5) == ["base", "v1", "v1@0.5"]
    assert add_strength(["base", "v1"], "v1", 1.0) == ["base", "v1"]
    assert add_strength(None, "v1", 1.5) == ["base", "v1@1.5"]
    with pytest.raises(InvalidRequest, match="no version yet"):
        add_strength(["base"], None, 0.5)
    with pytest.raises(InvalidRequest, match="6 columns are the most"):
        add_strength([f"v{i}" for i in range(6)], "v1", 0.5)


def test_a_plan_shows_its_numbers():
    plan = {"preset": "embedded", "pairs": 88, "held_out": 12, "steps": 300, "minutes": 2.4}
    html = plan_card(plan | {"summary": "88 pairs to learn from"})
    assert all(text in html for text in ("88", "12", "300", "min"))


def test_a_plan_with_a_limit_says_how_long_it_takes_at_most_and_why_it_is_cut():
    plan = {"preset": "sdxl", "pairs": 88, "held_out": 12, "steps": 42, "minutes": 44.7}
    plan |= {
        "max_minutes": 45.0,
        "notes": ["42 of 300 steps fit into 45 min."],
        "summary": "Little.",
    }
    html = plan_card(plan)
    assert "<b>45 min</b><span>at most</span>" in html
    assert "42 of 300 steps fit into 45 min." in html
    # A limit that cannot be kept is not promised.
    days = plan_card(plan | {"minutes": 3 * 1440.0})
    assert "at most" not in days and "<b>3 days</b><span>expected</span>" in days


def test_one_pair_is_no_pairs():
    plan = {"preset": "embedded", "pairs": 1, "held_out": 0, "steps": 8, "minutes": 0.1}
    assert "<span>pair</span>" in plan_card(plan | {"summary": "1 pair to learn from"})
    told = outcome(run(result={"held_out": HELD_OUT | {"pairs": 1}, "advice": "Vote on."}))
    assert "of 1 pair kept apart" in told


def test_a_curve_of_one_point_and_of_many_is_drawn():
    for count in (1, 2, 1000):
        points = [(float(step), 0.69 - step / 2000) for step in range(1, count + 1)]
        assert "<svg" in curve("Loss", points, "{:.3f}")


def test_the_table_of_runs_holds_a_row_for_each():
    assert "r0001" in runs_table([run()])


def test_the_history_and_the_card_of_a_run_say_the_same():
    for accuracy, pairs in ((0.8, 30), (0.86, 7), (0.5, 30)):
        result = {"held_out": HELD_OUT | {"accuracy": accuracy, "pairs": pairs, "helped": None}}
        title = change_of(result).title
        assert f"<b>{title}.</b>" in outcome(run(result=result))
        assert title in runs_table([run(result=result)])


def test_an_expected_error_refuses_a_vote_and_any_other_keeps_it_waiting():
    def fail(error):
        raise error

    answer = errors_as_reply(fail)
    assert answer(UnknownPair("no such pair")) == {
        "ok": False,
        "retry": False,
        "error": "no such pair",
    }
    assert answer(DiskFull("disk full"))["retry"] is True
    assert answer(DamagedDatabase("damaged"))["retry"] is True
    assert answer(KeyError("bug"))["retry"] is True


def test_a_sentence_that_repeats_what_was_sent_is_cut():
    def unclear(text: str) -> None:
        raise InvalidRequest(f"{text!r} is unclear.")

    with pytest.raises(gr.Error) as told:
        errors_as_gr_error(unclear)("x" * 5_000_000)
    assert len(told.value.message) < 3000 and told.value.message.endswith("…")


def test_markup_in_a_sentence_is_shown_as_text_and_programs_get_it_as_it_is():
    def unknown(name: str) -> None:
        raise InvalidRequest(f"There is no file {name}.")

    for options, shown in (({}, "&lt;b&gt;x&lt;/b&gt;"), ({"for_programs": True}, "<b>x</b>")):
        with pytest.raises(gr.Error) as told:
            errors_as_gr_error(unknown, **options)("<b>x</b>")
        assert told.value.message == f"There is no file {shown}."


def test_an_unexpected_error_is_in_the_log_and_whoever_asked_is_told_so(caplog):
    with pytest.raises(gr.Error, match="Its log in the terminal says more"):
        errors_as_gr_error(lambda: {}["missing"])()
    [logged] = caplog.records
    assert logged.exc_info is not None and isinstance(logged.exc_info[1], KeyError)


def test_files_that_were_skipped_are_named():
    names = {"damaged": ["a.png", MARKUP, "c.png", "d.png", "e.png"], "no prompt": ["f.png"]}
    brought = {"pairs": 0, "summary": "Nothing.", "skipped": {"damaged": 7, "no prompt": 1}}
    told = import_result_card(brought | {"skipped_names": names})
    assert "7 skipped: damaged (a.png, " in told and "e.png, ...)" in told
    assert "1 skipped: no prompt (f.png)" in told and MARKUP not in told


def test_more_skipped_files_than_a_line_holds_are_listed_one_a_line():
    names = [f"{number:02}.png" for number in range(50)]
    brought = {"pairs": 0, "summary": "Nothing.", "skipped": {"damaged": 70, "too small": 6}}
    told = import_result_card(
        brought | {"skipped_names": {"damaged": names, "too small": names[:6]}}
    )
    assert "70 skipped: damaged (00.png, " in told and "04.png, ...)" in told
    assert "The first 50</summary>" in told and "<li>49.png</li>" in told
    assert "All of them</summary>" in told


@pytest.mark.parametrize(
    ("needed", "words"),
    [
        ((1, 1), "About 1 more choice until"),
        ((5, 39), "About 5 to 39 more choices"),
        ((74, 1000), "About 74 to over 1,000 more choices"),
    ],
)
def test_how_many_votes_a_blind_test_takes_is_a_range_only_where_it_is_one(needed, words):
    assert words in sentence(undecided(needed))


def test_a_blind_test_that_ended_undecided_promises_no_verdict():
    told = sentence(undecided((5, 39)) | {"state": "ended"})
    assert "It ended without a verdict" in told and "more choices" not in told


def undecided(needed):
    trial = {"after": "v1", "before": "base", "outcome": None, "votes": 7, "votes_needed": needed}
    return trial | {"state": "open"}


def test_a_message_in_the_corner_shows_names_as_they_are(capsys: pytest.CaptureFixture[str]):
    inform("<img src=x> & co (v2) is saved.")
    assert capsys.readouterr().out.strip() == "&lt;img src=x&gt; &amp; co (v2) is saved."
