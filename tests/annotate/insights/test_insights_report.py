"""Insights: quality-control pairs, pace hints, weights of votes, and the report."""

import json
import random
import re

import numpy as np
import pytest
from places import Open, Place, until

from annotate.errors import InvalidRequest
from annotate.insights.attributes import attributes
from annotate.labeling.new_acts import as_annotation, as_vote
from annotate.labeling.pace_hints import (
    ONE_SIDE,
    RECENT_VOTES,
    STREAK,
    TOO_FAST,
    VOTES_BETWEEN_HINTS,
    PaceHints,
)
from annotate.labeling.quality_control import MIN_VOTES_AGO
from annotate.web.html.insight_cards import insights_page
from annotate.web.tabs.own_votes_section import own_votes_page
from storage.acts import NewVote
from storage.records import Pair

BASE = "emoji-0123456789ab"


def next_pair(place: Place, name: str) -> Pair:
    pair = until(lambda: place.studio.pairs_ahead(name, [], 1)["pairs"])[0]
    return place.store.pair(pair["pair_id"])


def vote(place: Place, pair: Pair, verdict: str, name: str) -> None:
    place.studio.vote(as_vote(pair.pair_id, verdict, name, random.randbytes(8).hex(), 900))


def shared(place: Place, count: int) -> list[Pair]:
    """Pairs that anybody may vote on, whoever holds them."""
    return [next_pair(place, f"holder {number}") for number in range(count)]


def redness(place: Place, image_id: str) -> float:
    image = place.store.image(image_id)
    assert image is not None
    return float(attributes(place.store.image_path(image.sha256))[4])


def asking_again(open_place: Open, share: float) -> Place:
    """A studio in which this share of pairs is asked a second time, and none that is known."""
    place = open_place(chance=random.Random(3), min_ready=24)
    place.studio.insights.change("repeat_share", share, "admin")
    place.studio.insights.change("gold_share", 0.0, "admin")
    return place


@pytest.fixture
def never(open_place: Open) -> Place:
    """A studio in which no pair is asked on purpose, so that every vote is of a new pair."""
    return asking_again(open_place, 0.0)


@pytest.fixture
def often(open_place: Open) -> Place:
    """A studio in which every third pair is asked on purpose."""
    return asking_again(open_place, 0.3)


@pytest.mark.slow
def test_a_pair_comes_again_with_sides_swapped_and_looks_like_any_other(often: Place) -> None:
    first: dict[frozenset[str], Pair] = {}
    repeats = []
    for _ in range(3 * MIN_VOTES_AGO):
        pair = next_pair(often, "ann")
        images = frozenset((pair.left, pair.right))
        if pair.check:
            assert (pair.left, pair.right) == (first[images].right, first[images].left)
            told = often.studio.next_pair("ann")
            assert set(told) == {"pair_id", "prompt", "left_url", "right_url"}
            repeats.append(pair.pair_id)
        else:
            assert images not in first
            first[images] = pair
        vote(often, pair, "left", "ann")
    assert len(repeats) >= 3
    assert often.studio.stats()["votes"] == 3 * MIN_VOTES_AGO
    assert often.store.counts(often.studio._model_id).decisive == 3 * MIN_VOTES_AGO - len(repeats)
    assert often.studio.stats()["decisive"] == 3 * MIN_VOTES_AGO, "no count tells them apart"
    habits = often.studio.insights.report("ann")["habits"]["ann"]
    assert habits["same_twice"]["of"] == habits["left_twice"] == len(repeats)
    assert habits["leaning"] == "left"
    often.studio.sessions.begin("ann", 5)
    summary = often.studio.sessions.summary("ann")
    assert (summary["same_twice"], summary["asked_twice"]) == (0, len(repeats))


@pytest.mark.slow
def test_what_is_asked_on_purpose_is_never_handed_to_anybody_else(often: Place) -> None:
    for _ in range(2 * MIN_VOTES_AGO):
        vote(often, next_pair(often, "ann"), "left", "ann")
    until(lambda: often.studio.stats()["ready_pairs"] >= 20)
    held = often.studio.pairs_ahead("ann", [], 20)["pairs"]
    purposely = {one["pair_id"] for one in held if often.store.pair(one["pair_id"]).check}
    assert purposely
    often.studio._assigner._leases.expire(float("inf"))
    others = often.studio.pairs_ahead("bob", [], 12)["pairs"]
    assert not purposely & {one["pair_id"] for one in others}


def test_by_default_about_one_pair_in_twenty_is_asked_again(place: Place) -> None:
    repeats = place.studio.insights.quality_control
    drawn = random.Random(0)
    repeats._chance = drawn
    asked: list[str] = []
    repeats._repeat = lambda name: asked.append(name)  # type: ignore[method-assign,func-returns-value]
    for _ in range(2000):
        repeats.maybe_issue("ann")
    assert 70 <= len(asked) <= 130


@pytest.mark.slow
def test_a_known_pair_is_asked_of_everybody_once(open_place: Open) -> None:
    place = open_place(chance=random.Random(1))
    insights = place.studio.insights
    known = next_pair(place, "admin")
    vote(place, known, "left", "admin")
    assert insights.mark_gold(known.pair_id, "left", "admin") == {known.pair_id: known.left}
    insights.change("gold_share", 0.5, "admin")
    asked = 0
    for _ in range(12):
        pair = next_pair(place, "ann")
        if pair.check == "gold":
            asked += 1
            vote(place, pair, "left" if pair.left == known.left else "right", "ann")
        else:
            vote(place, pair, "tie", "ann")
    assert asked == 1
    right = insights.report("ann")["habits"]["ann"]["known"]
    assert (right["count"], right["of"]) == (1, 1)
    with pytest.raises(InvalidRequest, match="left, right or empty"):
        insights.mark_gold(known.pair_id, "both", "admin")


def test_shares_are_kept_and_refused_where_they_make_no_sense(open_place: Open) -> None:
    place = open_place()
    assert place.studio.insights.settings() == {
        "repeat_share": 0.05,
        "gold_share": 0.05,
        "weigh_votes": True,
    }
    place.studio.insights.change("repeat_share", 0.1, "admin")
    for name, value in (("repeat_share", 0.9), ("repeat_share", True), ("nonsense", 0.1),
                        ("weigh_votes", "yes")):  # fmt: skip
        with pytest.raises(InvalidRequest):
            place.studio.insights.change(name, value, "admin")
    place.close()
    assert open_place().studio.insights.settings()["repeat_share"] == 0.1


def voted(annotator: str, verdict: str, response_ms: int | None = None) -> NewVote:
    return as_vote("p", verdict, annotator, "k", response_ms)


def test_a_person_who_goes_too_fast_is_told_once_and_then_left_alone() -> None:
    pauses, verdicts = PaceHints(), ["left", "right"] * 100
    told = [
        pauses.hint_after(voted("ann", verdict, 200))
        for verdict in verdicts[: RECENT_VOTES + VOTES_BETWEEN_HINTS]
    ]
    assert told.count(TOO_FAST) == 1 and told[RECENT_VOTES - 1] == TOO_FAST
    slow = PaceHints()
    assert not any(slow.hint_after(voted("ann", verdict, 900)) for verdict in verdicts)
    assert not any(slow.hint_after(voted("bob", verdict)) for verdict in verdicts)


def test_the_same_side_over_and_over_brings_a_gentle_word() -> None:
    pauses = PaceHints()
    told = [pauses.hint_after(voted("ann", "right", 2000)) for _ in range(STREAK)]
    assert told[-1] == ONE_SIDE.format(side="right", count=STREAK) and not any(told[:-1])
    ties = PaceHints()
    assert not any(ties.hint_after(voted("ann", "tie", 2000)) for _ in range(50))
    between = ["left"] * 11 + ["tie"] + ["left"] * 11
    assert not any(ties.hint_after(voted("ann", verdict, 2000)) for verdict in between)


@pytest.mark.slow
def test_a_random_clicker_among_five_counts_less_in_the_next_run_and_it_says_why(
    place: Place,
) -> None:
    pairs, chance = shared(place, 40), random.Random(2)
    for pair in pairs:
        for name in ("ann", "bob", "cem", "dee", "eve"):
            better = "left" if redness(place, pair.left) > redness(place, pair.right) else "right"
            wrong = "right" if better == "left" else "left"
            slips = chance.random() < (0.5 if name == "eve" else 0.1)
            vote(place, pair, wrong if slips else better, name)
    place.studio.insights.weigh()
    weights = place.store.quality.weights(BASE)
    assert set(weights) == {"eve"} and weights["eve"].weight < 0.5
    assert "of the time" in weights["eve"].reason
    report = place.studio.insights.report()
    assert report["weights"]["eve"]["weight"] == weights["eve"].weight
    assert report["agreement"]["alpha"] > 0.3
    snapshot = place.store.write_snapshot(BASE, 0.0)
    lines = (snapshot.path / "pairs.jsonl").read_text("utf-8").splitlines()
    assert sum("weight" in json.loads(line) for line in lines) == 40
    place.studio.insights.change("weigh_votes", False, "admin")
    assert place.store.quality.weights(BASE)["eve"].weight == 1


@pytest.mark.slow
def test_a_run_settles_the_weights_before_it_freezes_the_votes(place: Place) -> None:
    settled: list[int] = []
    weigh = place.studio._new_votes.update_weights
    place.studio._new_votes.update_weights = lambda: (settled.append(1), weigh())[1]
    place.label(3)
    place.reach(place.studio.fine_tune({})["run_id"], "done")
    assert settled == [1]


@pytest.mark.slow
def test_what_a_person_likes_is_found_with_example_pairs(never: Place) -> None:
    for _ in range(60):
        pair = next_pair(never, "ann")
        left = redness(never, pair.left) > redness(never, pair.right)
        vote(never, pair, "left" if left else "right", "ann")
    likes = never.studio.insights.report("ann", within_s=60)["likes"]
    first = likes["attributes"][0]
    assert likes["pairs"] == 60 and first["tells"]
    assert "warmth" in {one["name"] for one in likes["attributes"] if one["tells"]}
    warm = next(one for one in likes["attributes"] if one["name"] == "warmth")
    assert warm["words"] == "warmer" and warm["more"]["value"] == 1
    chosen = warm["examples"][0]["chosen_url"].removeprefix("img/").removesuffix(".png")
    other = warm["examples"][0]["other_url"].removeprefix("img/").removesuffix(".png")
    assert redness(never, chosen) > redness(never, other)

    never.studio.sessions.begin("ann", 5)
    told = [one["words"] for one in likes["attributes"] if one["tells"]][:3]
    assert never.studio.sessions.summary("ann")["liked"] == told


@pytest.mark.slow
def test_a_reason_is_told_with_its_prompts_and_pairs(place: Place) -> None:
    lost = []
    for number in range(3):
        pair = next_pair(place, "ann")
        place.studio.vote(as_vote(pair.pair_id, "left", "ann", f"v{number}", 900))
        place.studio.annotations.annotate(
            as_annotation(f"v{number}", "ann", "reason", "hands", "on", f"r{number}")
        )
        lost.append(pair)
    place.studio.annotations.annotate(as_annotation("v0", "ann", "reason", "text", "on", "r3"))
    hands, text = place.studio.insights.report()["reasons"]
    assert (hands["reason"], hands["votes"], text["reason"], text["votes"]) == (
        "hands", 3, "text", 1,
    )  # fmt: skip
    assert sum(one["votes"] for one in hands["prompts"]) == 3
    assert hands["examples"][0] == {
        "prompt": lost[-1].prompt,
        "chosen_url": f"img/{lost[-1].left}.png",
        "other_url": f"img/{lost[-1].right}.png",
    }
    page = insights_page(place.studio.insights.report())
    assert f"Most often on {hands['prompts'][0]['prompt']} (" in page


@pytest.mark.slow
def test_one_vote_is_no_votes(place: Place) -> None:
    place.label(1)
    page = insights_page(place.studio.insights.report())
    assert "<b>1</b><span>vote</span>" in page and ": 1 vote<" in page
    assert not re.search(r"\b1(</b><span>)? votes", page)
    place.label(1)
    assert "<b>2</b><span>votes</span>" in insights_page(place.studio.insights.report())


@pytest.mark.slow
def test_where_a_person_differs_is_told_without_naming_the_others(place: Place) -> None:
    pairs = shared(place, 6)
    for number, pair in enumerate(pairs):
        for name in ("ann", "bob", "cem"):
            alone = name == "ann" and number < 2
            vote(place, pair, "right" if alone else "left", name)
    report = place.studio.insights.report("ann", within_s=60)
    assert (report["differs"]["compared"], report["differs"]["different"]) == (6, 2)
    shown = {one["chosen_url"] for one in report["differs"]["pairs"]}
    assert shown == {f"img/{pair.right}.png" for pair in pairs[:2]}
    assert report["people"] == ["ann"] and set(report["habits"]) == {"ann"}
    assert "bob" not in json.dumps(report)
    everybody = place.studio.insights.report(within_s=60)
    assert everybody["differs"] is None and len(everybody["people"]) == 3


@pytest.mark.slow
def test_what_a_labeler_sees_of_themselves_holds_nothing_of_others_or_versions(
    place: Place,
) -> None:
    for pair in shared(place, 3):
        vote(place, pair, "left", "ann")
        vote(place, pair, "right", "bob")
    own = place.studio.insights.own("ann")
    text = json.dumps(own) + own_votes_page(own)
    assert own["votes"] == 3 and "What you like" in text
    # A baseball is a prompt.
    assert not re.search(r"bob|base(?!ball)", text)
    assert not {"agreement", "boards", "differs", "exclusions", "weights"} & set(own)
    assert "No votes yet" in own_votes_page(place.studio.insights.own("nobody"))


def test_an_empty_studio_says_what_is_missing_and_holds_no_number_that_is_none(
    place: Place,
) -> None:
    report = place.studio.insights.report()
    text = json.dumps(report, allow_nan=False)
    assert report["votes"] == 0 and "two people" in text and "0 pairs" in text
    assert report["boards"] == [] and report["reliability_why"]


def test_exclusions_are_listed_lifted_and_refused_in_sentences(place: Place) -> None:
    place.label(2)
    insights = place.studio.insights
    (row,) = insights.exclude("random clicks", "admin", person="ann")
    assert (row["person"], row["reason"], row["lifted"]) == ("ann", "random clicks", None)
    assert insights.report("bob")["exclusions"] == []
    assert insights.report("ann")["exclusions"] == [row]
    assert insights.lift(row["exclusion"], "admin")[0]["lifted"]


@pytest.mark.slow
def test_images_are_measured_once_and_the_rest_is_told(place: Place) -> None:
    place.label(4)
    insights = place.studio.insights
    assert insights.report(within_s=0.0)["measuring"]["left"] == 8
    assert insights.report(within_s=60.0)["measuring"] == {"left": 0, "of": 8}
    kept = place.store.quality.image_features(1)
    assert len(kept) == 8 and all(np.isfinite(row).all() for row in kept.values())
    broken = place.store.image_path(next(iter(kept)))
    assert broken.is_file()
