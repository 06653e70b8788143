"""Undo takes back whatever was given last, newest first, and what is learned follows."""

import itertools
import re
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from storage_making import BASE, annotations_of, make_image, make_pair, make_pairs

from storage import InvalidFlag, InvalidKey, NothingToUndo, NoVotes, Store, new_id
from storage.acts import NewAnnotation, NewFlag, NewRanking, NewVote
from storage.schema import read_migrations

pytestmark = pytest.mark.slow


def kinds(store, who="ann"):
    """Take back everything of a person, and say what it was, newest first."""
    found = []
    while True:
        try:
            found.append(store.undo(who).kind)
        except NothingToUndo:
            return found


def quad_of(store):
    images = [make_image(store, 100 + n).image_id for n in range(4)]
    return store.quads.add("a cat", images, BASE, "base")


def give_everything(store):
    first, second, third = make_pairs(store, 3)
    quad = quad_of(store)
    store.vote(NewVote.parse(first.pair_id, "left", "ann", "v1"))
    store.annotations.record(NewAnnotation("v1", "ann", "strength", "", "2", "m1"))
    store.flags.record(NewFlag(second.pair_id, "ann", "", "r1"))
    store.rankings.record(NewRanking(quad.quad_id, 0, 1, "ann", "q1"))
    store.vote(NewVote.parse(third.pair_id, "right", "ann", "v2"))
    store.annotations.record(NewAnnotation("v2", "ann", "reason", "hands", "on", "m2"))
    store.annotations.record(NewAnnotation("v2", "ann", "criterion", "detail", "left", "m3"))


RENAMED_SINCE = {
    "reports": "flags",
    "report_id": "flag_id",
    "remarks": "vote_annotations",
    "remark_id": "annotation_id",
}
"""Tables and columns that had other names when acts got an order."""
NEWEST_FIRST = ["criterion", "reason", "vote", "ranking", "report", "strength", "vote"]


@pytest.mark.slow
def test_everything_that_was_given_is_taken_back_newest_first(store):
    give_everything(store)
    assert kinds(store) == NEWEST_FIRST
    assert store.counts(BASE).votes == 0 and not annotations_of(store, "v1")


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.sampled_from(["vote", "rank", "flag", "annotate", "undo", "again"]), max_size=12)
)
def test_whatever_is_given_counts_once_and_comes_back_newest_first(store, done):
    who, given, sent = new_id(), [], []
    for step in done:
        votes = [act for act in given if isinstance(act, NewVote)]
        if step == "undo" and given:
            expected, key = given.pop(), new_id()
            assert {store.undo(who, key).key for _ in range(2)} == {expected.key}
        elif step == "again" and sent:
            record(store, sent[len(sent) // 2])
        elif step not in ("undo", "again") and (step != "annotate" or votes):
            given.append(record(store, act_of(store, step, who, votes)))
            sent.append(given[-1])
    newest = [act.key for act in reversed(given)]
    assert [store.undo(who).key for _ in newest] == newest and not kinds(store, who)


def act_of(store, kind, who, votes):
    """Make an act of a kind on something that nobody was asked about yet."""
    if kind == "annotate":
        return NewAnnotation(votes[0].key, who, "strength", "", "2", new_id())
    if kind == "rank":
        return NewRanking(quad_of(store).quad_id, 0, 1, who, new_id())
    (pair,) = make_pairs(store, 1)
    if kind == "flag":
        return NewFlag(pair.pair_id, who, "", new_id())
    return NewVote.parse(pair.pair_id, "left", who, new_id())


def record(store, act):
    """Record an act where its kind belongs, and return it."""
    if isinstance(act, NewVote):
        store.vote(act)
    elif isinstance(act, NewRanking):
        store.rankings.record(act)
    else:
        (store.flags if isinstance(act, NewFlag) else store.annotations).record(act)
    return act


@pytest.mark.parametrize("step", [timedelta(0), timedelta(days=-1), timedelta(days=1)])
def test_the_order_is_that_of_coming_whatever_the_clock_says(store, clock, step, monkeypatch):
    original = store.annotations.record

    def record(*args):
        clock.now += step
        original(*args)

    monkeypatch.setattr(store.annotations, "record", record)
    give_everything(store)
    clock.now -= 5 * step
    assert kinds(store) == NEWEST_FIRST


@pytest.mark.slow
def test_an_undo_after_a_reopening_is_the_same(tmp_path):
    with Store(tmp_path / "studio") as store:
        give_everything(store)
        assert store.undo("ann", "u1").name == "detail"
    with Store(tmp_path / "studio") as store:
        assert store.undo("ann", "u1").name == "detail"
        assert kinds(store) == NEWEST_FIRST[1:]


@pytest.mark.slow
def test_what_others_gave_is_left_alone(store):
    give_everything(store)
    pair = make_pair(store, 9)
    store.vote(NewVote.parse(pair.pair_id, "left", "bob", "b1"))
    store.flags.record(NewFlag(pair.pair_id, "bob", "", "b2"))
    assert kinds(store) == NEWEST_FIRST
    assert store.flags.is_hidden(pair.pair_id)
    assert kinds(store, "bob") == ["report", "vote"]


def test_each_undo_counts_once_and_its_key_is_its_own(store, pair):
    store.vote(NewVote.parse(pair.pair_id, "left", "ann", "v1"))
    store.flags.record(NewFlag(pair.pair_id, "ann", "", "r1"))
    first, again = store.undo("ann", "u1"), store.undo("ann", "u1")
    assert (first.kind, again.kind, store.counts(BASE).votes) == ("report", "report", 1)
    for used in ("v1", "r1"):
        with pytest.raises(InvalidKey):
            store.undo("ann", used)
    assert store.undo("ann", "u2").kind == "vote"
    assert store.undo("ann", "u1").kind == "report"
    with pytest.raises(NothingToUndo):
        store.undo("ann", "u3")


def test_an_undone_flag_hides_nothing_and_its_votes_are_trained_on_again(store, pair, clock):
    store.vote(NewVote.parse(pair.pair_id, "left", "bob", "v1"))
    store.flags.record(NewFlag(pair.pair_id, "ann", "odd", "r1"))
    clock.move(60)
    with pytest.raises(NoVotes):
        store.write_snapshot(BASE)
    undone = store.undo("ann")
    assert (undone.about, undone.opens, undone.hidden) == (pair, True, False)
    assert store.write_snapshot(BASE).counts["preference"] == 1
    assert [p.pair_id for p in store.pairs.open(BASE, 2)] == [pair.pair_id]
    (report,) = store.flags.all(BASE)
    assert (report.note, report.decision) == ("odd", "withdrawn")
    with pytest.raises(InvalidFlag, match="'ann' has taken flag 1 back"):
        store.flags.decide(1, "hidden", "cem")
    store.flags.record(NewFlag(pair.pair_id, "ann", "odd", "r2"))
    assert store.flags.is_hidden(pair.pair_id)


def test_a_pair_that_somebody_else_flagged_too_stays_hidden(store, pair):
    store.flags.record(NewFlag(pair.pair_id, "ann", "", "r1"))
    store.flags.record(NewFlag(pair.pair_id, "bob", "", "r2"))
    undone = store.undo("ann")
    assert (undone.opens, undone.hidden) == (False, True)
    assert store.undo("bob").opens and not store.flags.is_hidden(pair.pair_id)


@pytest.mark.parametrize("decision", ["shown", "hidden"])
def test_a_flag_that_was_decided_stays_and_the_act_before_it_goes(store, decision):
    first, second = make_pairs(store, 2)
    store.vote(NewVote.parse(first.pair_id, "left", "ann", "v1"))
    store.flags.record(NewFlag(second.pair_id, "ann", "", "r1"))
    store.flags.decide(1, decision, "cem")
    undone = store.undo("ann")
    assert (undone.kind, undone.flag_decided) == ("vote", True)
    assert store.flags.all(BASE)[0].decision == decision
    with pytest.raises(NothingToUndo, match="decided"):
        store.undo("ann")


def test_a_mark_taken_back_leaves_the_one_before_it(store, pair, clock):
    store.vote(NewVote.parse(pair.pair_id, "left", "ann", "v1"))
    store.annotations.record(NewAnnotation("v1", "ann", "strength", "", "2", "m1"))
    store.annotations.record(NewAnnotation("v1", "ann", "strength", "", "", "m2"))
    assert not annotations_of(store, "v1")
    store.undo("ann")
    assert [value for *_, value in annotations_of(store, "v1")] == ["2"]
    clock.move(60)
    lines = (store.write_snapshot(BASE).path / "pairs.jsonl").read_text("utf-8")
    assert '"strength": 2' in lines
    store.undo("ann")
    assert not annotations_of(store, "v1")


def test_what_an_older_app_recorded_is_taken_back_in_its_order(tmp_path, clock):
    """The order of what was there before is made from the times."""
    ticks = itertools.count()
    with Store(tmp_path / "studio", lambda: clock() + timedelta(seconds=next(ticks))) as store:
        give_everything(store)
        sql = next(one.sql for one in read_migrations() if one.name == "undo")
        start = sql.index("INSERT INTO acts")
        order = sql[start : sql.index(";", start)]
        for before, now in RENAMED_SINCE.items():
            order = re.sub(rf"\b{before}\b", now, order)
        store._database.write(lambda cursor: cursor.execute("DELETE FROM acts"))
        store._database.write(lambda cursor: cursor.execute(order))
        assert kinds(store) == NEWEST_FIRST
