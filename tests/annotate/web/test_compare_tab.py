"""The Compare tab's behavior behind its components."""

import gradio as gr
import pytest
from places import Place

from annotate.errors import InvalidRequest
from annotate.web.tabs.compare_tab import CompareTab


@pytest.fixture
def tab(place: Place) -> CompareTab:
    with gr.Blocks():
        return CompareTab(place.studio)


def tuned(place: Place) -> None:
    place.label(1)
    place.reach(place.studio.fine_tune({})["run_id"], "done")


def test_ten_thousand_prompts_are_refused_with_both_numbers(tab: CompareTab) -> None:
    prompts = "\n".join(f"a cat number {i}" for i in range(10_000))
    words = r"10,000 prompts with 3 seeds would be 30,000 comparisons; 256 at once"
    with pytest.raises(InvalidRequest, match=words):
        next(tab._render(prompts, "1-3", ["base", "base"]))


@pytest.mark.slow
def test_what_was_drawn_before_a_failure_is_kept_and_the_next_try_draws_the_rest(
    tab: CompareTab, place: Place
) -> None:
    boards = tab._render("a cat\na dog\na fox", "1", ["base", "base"])
    assert next(boards)["status"].startswith("0 of 6 rendered")
    assert next(boards)["cells"][:2] != [[None, None]] * 2
    next(boards)
    place.sampler.trouble = "The image model stopped while it was rendering."
    *_, last = boards
    assert last["tone"] == "problem" and not last["busy"]
    assert last["status"].startswith("The image model stopped while it was rendering. 4 of 6")
    assert [row[0] is None for row in last["cells"]] == [False, False, True]
    place.sampler.trouble = None
    _, kept, *_, whole = tab._render("a cat\na dog\na fox", "1", ["base", "base"])
    assert kept["cells"][:2] == last["cells"][:2] == whole["cells"][:2]
    assert whole["status"] == "" and all(all(row) for row in whole["cells"])


@pytest.mark.slow
def test_a_version_without_its_file_is_named_on_the_board(tab: CompareTab, place: Place) -> None:
    tuned(place)
    adapter = place.store.versions(place.studio._model_id)[-1].adapter
    assert adapter is not None
    adapter.unlink()
    *_, last = tab._render("a cat", "1-2", ["base", "v1"])
    assert "v1 cannot be rendered" in last["status"] and "2 of 4 are rendered" in last["status"]


@pytest.mark.slow
def test_the_newest_version_and_its_parent_are_offered_until_a_person_chooses(
    tab: CompareTab, place: Place
) -> None:
    assert tab._offer(0, None)[1].value == ["base"]
    tuned(place)
    known, columns, version, *_ = tab._offer(1, ["base"])
    assert (known, columns.value, version.value) == (2, ["base", "v1"], "v1")
    assert tab._offer(2, ["v1@0.5", "v1"])[1].value == ["v1@0.5", "v1"]


@pytest.mark.slow
def test_whoever_chooses_no_version_compares_what_is_offered(tab: CompareTab, place: Place) -> None:
    with pytest.raises(InvalidRequest, match="Choose 2 to 6 versions"):
        next(tab._render("a cat", "1", []))
    tuned(place)
    *_, board = tab._render("a cat", "1", [])
    assert board["columns"] == ["base", "v1"]


def test_a_link_fills_the_form_and_any_other_address_leaves_it(tab: CompareTab) -> None:
    link = "#compare&p=a+cat&p=a+dog&s=4-5&c=base&c=v1%400.5&m=slider"
    filled = tab._open(link)
    assert filled[4:7] == [link, "a cat\na dog", "4-5"]
    assert filled[7].value == ["base", "v1@0.5"]
    assert tab._open("") == [gr.skip()] * 8
    assert list(tab._render_linked("")) == [gr.skip()]
    drawn = list(tab._render_linked("#compare&p=a+cat&s=4&c=base&c=base&m=slider"))
    assert len(drawn) > 1
