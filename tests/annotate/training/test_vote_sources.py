"""A run can take along the votes on images of other models of the studio."""

import json
from typing import Any

import pytest
from annotate_doubles import small_model
from places import Open, Place

from annotate.errors import InvalidRequest, NothingToLearn
from annotate.web.html.insight_cards import no_votes_card

pytestmark = pytest.mark.slow


def named(name: str) -> Any:
    return small_model(name=name, path=name, identity=f"{name}-0123456789ab")


@pytest.fixture
def second(open_place: Open) -> Place:
    """A model without votes, in a studio with three votes of another one."""
    first = open_place(model=named("first"))
    first.label(3)
    first.close()
    return open_place(model=named("second"))


def test_insights_say_that_votes_are_there_for_another_model(second: Place) -> None:
    assert second.studio.votes_elsewhere() == 3
    card = no_votes_card(second.studio.votes_elsewhere())
    assert "No votes on this model" in card and "3 votes on images of other models" in card


def test_other_models_are_named_with_their_votes(second: Place) -> None:
    source = {"model": "first", "id": "first-0123456789ab", "votes": 3}
    assert second.studio.vote_sources.all() == [source]


def test_a_run_learns_from_them_if_it_is_asked_to_and_its_snapshot_says_so(second: Place) -> None:
    second.studio.look.change({"prompt_prefix": "best quality"}, "ada")
    asked = {"also_votes_of": ["first"]}
    with pytest.raises(NothingToLearn):
        second.studio.plan({})
    assert second.studio.plan(asked)["pairs"] == 3
    second.label(1)
    assert second.studio.plan({})["pairs"] == 1

    run = second.studio.fine_tune(asked)["run_id"]
    second.reach(run, "done")
    snapshot = second.store.run_dir(run) / "snapshot"
    manifest = json.loads((snapshot / "manifest.json").read_text("utf-8"))
    assert manifest["other_models"] == {"first": 3} and manifest["counts"]["preference"] == 4
    rows = [json.loads(line) for line in (snapshot / "pairs.jsonl").read_text().splitlines()]
    # Other models' prompts are shown as this model's are.
    assert {row["rendered_prompt"] for row in rows} == {
        f"best quality, {r['prompt']}" for r in rows
    }

    # A run by itself has its own model's votes alone.
    second.label(1)
    own = second.studio.fine_tune({})["run_id"]
    second.reach(own, "done")
    manifest = json.loads((second.store.run_dir(own) / "snapshot/manifest.json").read_text("utf-8"))
    assert "other_models" not in manifest and manifest["counts"]["preference"] == 2


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        (["third"], "There are no votes of 'third'. Other models with votes: first."),
        ([["first"]], "There are no votes of"),
        ({"first": 1}, "as a list of models"),
    ],
)
def test_models_without_votes_are_refused_in_a_sentence(
    second: Place, wanted: Any, sentence: str
) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        second.studio.plan({"also_votes_of": wanted})
    assert sentence in str(refusal.value)
