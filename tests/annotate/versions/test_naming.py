"""A version is called by the name that a person gave it, with its number, wherever it is named."""

import gradio as gr
import pytest
from places import Place

from annotate.errors import ReleaseBlocked
from annotate.report.evaluation import EvaluationFields, evaluation_of
from annotate.report.findings import title, verdict_sentence
from annotate.versions.naming import UNTITLED, VersionTitles, titled
from annotate.versions.release_gate import require_passed_checks
from annotate.web.html.blind_test_cards import blind_test_card
from annotate.web.html.ranking_cards import ranking_card
from annotate.web.html.run_cards import run_title, runs_table
from annotate.web.tabs.compare_tab import CompareTab
from annotate.web.tabs.judge_tab import JudgeTab

HELD_BACK = {
    "held_back": True,
    "checks": [{"name": "variety", "passed": False, "sentence": "Images are all alike."}],
}
PLACE = {"votes": 4, "strength": 0.1, "rate": 0.6, "low": 0.4, "high": 0.8}


@pytest.fixture
def named(place: Place) -> Place:
    """A studio with one version, which has a name."""
    place.label(2)
    place.reach(place.studio.fine_tune({})["run_id"], "done")
    place.studio.registry.rename("v1", "warm colors")
    return place


def test_a_title_is_the_name_with_the_number_or_the_number_alone() -> None:
    assert titled("v2", "warm colors") == "warm colors (v2)"
    assert titled("v2", "") == "v2"


@pytest.mark.slow
def test_titles_stand_for_numbers_in_mixes_and_sentences_and_values_stay(named: Place) -> None:
    titles = named.studio.registry.titles()
    assert titles.within("v1@0.5+v10") == "warm colors (v1)@0.5+v10"
    assert titles.within("v1 was made active again.") == "warm colors (v1) was made active again."
    assert titles.choices(["base", "v1"]) == [("base", "base"), ("warm colors (v1)", "v1")]
    assert UNTITLED.within("v1@0.5") == "v1@0.5"


@pytest.mark.slow
def test_a_deleted_version_keeps_its_name(named: Place) -> None:
    # The only version that is known to help cannot be deleted.
    named.reach(named.studio.fine_tune({})["run_id"], "done")
    named.studio.registry.delete("v1")
    assert named.studio.registry.titles().of("v1") == "warm colors (v1)"


@pytest.mark.slow
def test_the_lists_of_the_tabs_offer_names_and_take_numbers(named: Place) -> None:
    with gr.Blocks():
        compare, judge = CompareTab(named.studio), JudgeTab(named.studio)
    _, columns, version, *_ = compare._offer(0, None)
    assert ("warm colors (v1)", "v1") in columns.choices and columns.value == ["base", "v1"]
    assert version.choices == [("warm colors (v1)", "v1")]
    before, after, *_ = judge._open(None, None)
    assert after.choices == [("base", "base"), ("warm colors (v1)", "v1")]
    assert (before.value, after.value) == ("base", "v1")
    *_, board = compare._render("a cat", "1", ["base", "v1@0.5"])
    assert board["columns"] == ["base", "v1@0.5"]
    assert board["labels"] == ["base", "warm colors (v1)@0.5"]


@pytest.mark.slow
def test_a_blind_test_and_its_report_name_versions_and_its_values_stay(named: Place) -> None:
    tests = named.studio.blind_tests
    trial = tests.begin("base", "v1", [f"prompt {n} of the test" for n in range(4)])
    titles = named.studio.registry.titles()
    card = blind_test_card({**trial, "report_url": None}, "base", titles)
    assert "<b>warm colors (v1) against base</b>" in card and "Make warm colors (v1) active" in card
    assert f"<small>{trial['trial']}</small>" in card
    assert (trial["before"], trial["after"]) == ("base", "v1")
    assert tests.reports._version("v1")["title"] == "warm colors (v1)"


@pytest.mark.slow
def test_a_version_that_is_held_back_is_refused_by_its_name(named: Place) -> None:
    base = named.studio._model_id
    file = named.store.version_labels.new_import()
    file.write_bytes(b"adapter")
    version = named.store.version_labels.add_import(base, file, HELD_BACK).version
    named.studio.registry.rename(version, "flat")
    with pytest.raises(ReleaseBlocked, match=r"^flat \(v2\) is held back"):
        require_passed_checks(named.store.version(base, version))
    # Somebody looked and uses it anyway: a blind test may judge it then.
    named.studio.activate(version, force=True)
    require_passed_checks(named.store.version(base, version))


@pytest.mark.slow
def test_a_ranking_and_the_history_of_runs_name_versions(named: Place) -> None:
    titles = named.studio.registry.titles()
    places = [{"version": name, "group": 1, **PLACE} for name in ("v1", "base")]
    board = {"places": places, "beats": {}, "prompts": 4, "why": ""}
    assert "<b>warm colors (v1)</b>" in ranking_card(board, titles)
    table = runs_table(named.studio.runs(), titles)
    assert "warm colors (v1)" in table and "<small>r0001</small>" in table


def test_a_run_is_named_by_when_it_was_started() -> None:
    assert run_title({"created": "2026-11-30T14:02:00"}).startswith("Run of 30 Nov, ")


def test_an_evaluation_calls_its_versions_by_their_titles_unless_two_share_one(tmp_path) -> None:
    verdict = {"before": "base", "after": "v1", "wins": 3, "losses": 1}
    image = {"version": "v1", "prompt": 0, "seed": 1, "file": "a.png"}
    whole = {"format": 1, "images": [image], "verdicts": [verdict], "prompts": ["a cat"]}

    def read(*versions):
        fields = EvaluationFields.model_validate({**whole, "versions": list(versions)})
        return evaluation_of(tmp_path, fields)

    warm = read({"name": "base"}, {"name": "v1", "title": "warm (v1)"})
    assert title(warm) == "model: base, warm (v1)"
    assert list(warm.images) == [("warm (v1)", 0, 1)]
    assert "warm (v1) won 3 of 4" in verdict_sentence(warm.verdicts[0])
    alike = read({"name": "base", "title": "x"}, {"name": "v1", "title": "x"})
    assert title(alike) == "model: base, v1" and list(alike.images) == [("v1", 0, 1)]


def test_no_name_is_markup_and_a_number_is_a_whole_word() -> None:
    version = {"version": "v1", "name": "<i>"}
    titles = VersionTitles([version])
    assert titles.within("v1, v12, rev1, v1@2") == "<i> (v1), v12, rev1, <i> (v1)@2"
    places = [{"version": "v1", "group": 1, **PLACE}]
    board = {"places": places, "beats": {}, "prompts": 4, "why": ""}
    assert "<i>" not in ranking_card(board, titles).replace("<i ", "")
