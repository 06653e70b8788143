"""How votes were given: repeats teach nothing, exclusions and weights are rows with reasons."""

import json

import pytest
from storage_making import BASE, make_image, make_pair, make_pairs

from storage import InvalidExclusion, Pair, Store, UnknownPair
from storage.acts import ActReceipt, NewVote


def vote(store: Store, pair: Pair, verdict: str = "left", who: str = "ada") -> ActReceipt:
    return store.vote(NewVote.parse(pair.pair_id, verdict, who, f"{pair.pair_id} {who}"))


def lines(store: Store, voter: str | None = None) -> tuple[list[dict], dict]:
    snapshot = store.write_snapshot(BASE, settle_s=0, voter=voter)
    text = (snapshot.path / "pairs.jsonl").read_text("utf-8")
    manifest = json.loads((snapshot.path / "manifest.json").read_text("utf-8"))
    return [json.loads(line) for line in text.splitlines()], manifest


def test_a_repeat_is_a_pair_of_its_own_with_sides_swapped_for_one_person(store):
    pair = make_pair(store)
    vote(store, pair)
    again = store.quality.control_pairs.add_copy(pair.pair_id, "ada", "repeat", swap=True)
    assert (again.left, again.right, again.check) == (pair.right, pair.left, "repeat")
    assert again.pair_id != pair.pair_id and store.pair(again.pair_id) == again
    assert again.pair_id not in {one.pair_id for one in store.waiting_pairs(BASE)}


def test_a_vote_on_a_repeat_counts_as_a_vote_and_is_not_trained_on(store):
    pair = make_pair(store)
    vote(store, pair)
    again = store.quality.control_pairs.add_copy(pair.pair_id, "ada", "repeat", swap=True)
    for reopened in (False, True):
        if not reopened:
            vote(store, again, "right")
        else:
            store.undo("ada")
            vote(store, again, "right", "bob")
        counts = store.counts(BASE)
        assert (counts.votes, counts.decisive) == (2, 1)
        assert store.decisive_since_last_run(BASE) == store.decisive(BASE, "ada") == 1
        rows, manifest = lines(store)
        assert len(rows) == 1 and manifest["counts"]["preference"] == 1


def test_undo_opens_a_repeat_as_what_it_was(store):
    pair = make_pair(store)
    vote(store, pair)
    again = store.quality.control_pairs.add_copy(pair.pair_id, "ada", "repeat", swap=True)
    vote(store, again)
    assert store.undo("ada").about == again


def test_only_votes_long_enough_ago_are_repeated_and_each_once(store):
    pairs = make_pairs(store, 8)
    for number, pair in enumerate(pairs):
        vote(store, pair, "skip" if number == 0 else "left")
    repeatable = lambda: store.quality.control_pairs.repeatable(BASE, "ada", 5, 100)  # noqa: E731
    assert set(repeatable()) == {pairs[1].pair_id, pairs[2].pair_id}
    store.quality.control_pairs.add_copy(pairs[1].pair_id, "ada", "repeat", swap=True)
    assert repeatable() == [pairs[2].pair_id]
    assert store.quality.control_pairs.repeatable(BASE, "bob", 0, 100) == []


def test_a_gold_pair_is_asked_of_everybody_once(store):
    pair, checks = make_pair(store), store.quality.control_pairs
    checks.mark_gold(BASE, pair.pair_id, pair.left, "admin")
    assert checks.gold(BASE) == {pair.pair_id: pair.left}
    assert checks.unseen_gold(BASE, "ada") == [pair.pair_id]
    checks.add_copy(pair.pair_id, "ada", "gold", swap=False)
    assert checks.unseen_gold(BASE, "ada") == []
    assert checks.unseen_gold(BASE, "bob") == [pair.pair_id]
    checks.mark_gold(BASE, pair.pair_id, "", "admin")
    assert checks.gold(BASE) == {} and checks.unseen_gold(BASE, "bob") == []
    with pytest.raises(UnknownPair):
        checks.mark_gold(BASE, "0" * 16, "", "admin")
    with pytest.raises(UnknownPair):
        checks.mark_gold(BASE, pair.pair_id, make_image(store, 99).image_id, "admin")


def test_an_excluded_vote_is_left_out_with_its_reason_and_comes_back_when_that_is_lifted(store):
    first, second = make_pairs(store, 2)
    receipts = [vote(store, pair) for pair in (first, second)]
    number = store.quality.exclude(BASE, " slipped ", "admin", vote_id=receipts[0].row_id)
    assert store.counts(BASE).votes == 2 and store.decisive_since_last_run(BASE) == 1
    rows, manifest = lines(store)
    assert [row["pair_id"] for row in rows] == [second.pair_id]
    assert manifest["excluded"] == {"slipped": 1} and manifest["counts"]["unsettled"] == 0
    sql = "SELECT vote_id, reason FROM excluded_votes"
    assert store._database.read(sql) == [(receipts[0].row_id, "slipped")]
    store.quality.lift(BASE, number, "admin")
    store.quality.lift(BASE, number, "admin")
    assert len(lines(store)[0]) == 2 and store.decisive(BASE, "ada") == 2
    (row,) = store.quality.exclusions(BASE)
    assert (row.reason, row.who, row.lifted is None) == ("slipped", "admin", False)


def test_excluding_a_person_leaves_out_all_their_votes_and_nobody_elses(store):
    first, second = make_pairs(store, 2)
    vote(store, first, who="bob")
    vote(store, second)
    store.quality.exclude(BASE, "random clicks", "admin", annotator="bob")
    store.vote(NewVote.parse(first.pair_id, "right", "ada", "k9"))
    rows, manifest = lines(store)
    assert len(rows) == 2 and manifest["excluded"] == {"random clicks": 1}
    assert store.decisive(BASE, "bob") == 0


@pytest.mark.parametrize(
    ("reason", "meant"),
    [("", {"annotator": "ada"}), ("x" * 301, {"annotator": "ada"}), ("why", {"vote_id": 999}),
     ("why", {"annotator": "nobody"}), ("a\x00b", {"annotator": "ada"})],
)  # fmt: skip
def test_an_exclusion_without_a_reason_or_of_nothing_is_refused(store, reason, meant):
    vote(store, make_pair(store))
    with pytest.raises(InvalidExclusion):
        store.quality.exclude(BASE, reason, "admin", **meant)
    with pytest.raises(InvalidExclusion, match="no exclusion 5"):
        store.quality.lift(BASE, 5, "admin")
    assert store.quality.exclusions(BASE) == []


def test_a_weight_reaches_the_trainer_and_is_named_in_the_manifest(store):
    first, second = make_pairs(store, 2)
    vote(store, first)
    vote(store, second, who="bob")
    store.quality.set_weights(
        BASE, {"ada": (1.0, "as good as anybody"), "bob": (0.4, "random")}, "app"
    )
    store.quality.set_weights(BASE, {"bob": (0.4, "random, again")}, "app")
    assert [
        (name, one.weight, one.reason) for name, one in store.quality.weights(BASE).items()
    ] == [("bob", 0.4, "random")]
    rows, manifest = lines(store)
    assert [row.get("weight") for row in rows] == [None, 0.4]
    assert list(manifest["weights"].values()) == [0.4]
    store.quality.set_weights(BASE, {"bob": (1.0, "more votes")}, "app")
    assert "weights" not in lines(store)[1]


def test_what_images_look_like_is_kept_by_measure(store):
    store.quality.add_image_features(1, {"ab": [0.5, 1.0]})
    store.quality.add_image_features(1, {"ab": [0.7, 1.0], "cd": [0.1, 0.2]})
    assert store.quality.image_features(1) == {"ab": [0.5, 1.0], "cd": [0.1, 0.2]}
    assert store.quality.image_features(2) == {}
