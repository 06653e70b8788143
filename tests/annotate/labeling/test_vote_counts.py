"""Counts of votes: what every count says, and what a run leaves out."""

import pytest
from places import Place, until

from annotate.labeling.new_acts import as_vote
from annotate.labeling.vote_counts import ALIKE, counts_sentence, left_out_sentence, whole_sentence
from storage.records import Counts


@pytest.mark.parametrize(
    ("counts", "again", "told"),
    [
        (Counts(0, 0, 0, 0), 0, "No vote yet. A run learns from choices: left, right, or four "),
        (Counts(1, 1, 0, 0), 0, "1 vote: a choice that a run learns from."),
        (Counts(4, 3, 1, 0), 0, "4 votes: 3 choices that a run learns from, and 1 tie, which "),
        (
            Counts(73, 56, 8, 3),
            6,
            "73 votes: 56 choices that a run learns from, and 8 ties, 3 skipped and 6 on pairs "
            "that come again as a check or in a blind test, which it leaves out.",
        ),
    ],
)
def test_the_sentence_adds_up_to_all_votes(counts: Counts, again: int, told: str) -> None:
    assert counts_sentence(counts, again).startswith(told)


def vote(place: Place, verdict: str, key: str) -> None:
    pair = until(lambda: place.studio.pairs_ahead("ann", [], 1)["pairs"])[0]
    place.studio.vote(as_vote(pair["pair_id"], verdict, "ann", key))


def test_every_vote_is_in_one_of_the_counts(place: Place) -> None:
    for number, verdict in enumerate(["left", "tie", "skip", "right"]):
        vote(place, verdict, f"k{number}")
    stats = place.studio.stats()
    counts = stats["counts"]
    assert (counts["choices"], counts["ties"], counts["skipped"]) == (2, 1, 1)
    assert sum((counts["choices"], counts["ties"], counts["skipped"], counts["again"])) == 4
    assert counts["sentence"].startswith("4 votes: 2 choices")


def test_what_is_in_no_count_is_told_where_counts_are_explained(place: Place) -> None:
    vote(place, "left", "k1")
    assert "Not counted" not in whole_sentence(place.store, place.studio._model_id, False)
    vote(place, "left", "k2")
    place.studio.undo("ann")
    told = whole_sentence(place.store, place.studio._model_id, False)
    assert told.endswith("a run learns from. Not counted: 1 taken back or changed.")
    everything = {"taken back": 2, "in blind tests": 9, "on flagged pairs": 0}
    assert left_out_sentence(everything, 3) == (
        "Not counted: 2 taken back and 9 in blind tests. Of the choices 3 are excluded in "
        "Insights; a run skips them."
    )


def test_the_plan_of_a_run_says_of_which_votes_it_is(place: Place) -> None:
    vote(place, "left", "k1")
    vote(place, "tie", "k2")
    plan = place.studio.plan({})
    assert plan["counts"].startswith("2 votes: 1 choice that a run learns from, and 1 tie")
    assert "counts" not in place.studio.plan({"voter": "ann"})


def test_while_a_blind_test_is_mixed_in_no_count_tells_its_pairs_apart(place: Place) -> None:
    vote(place, "left", "k")
    place.studio._assigner.mix_in("t0001")
    counts = place.studio.stats()["counts"]
    assert (counts["choices"], counts["again"], counts["sentence"]) == (1, None, ALIKE)
    assert place.studio.counts_told() == ALIKE
    assert "counts" not in place.studio.plan({})
