"""Leases: indexed answers equal those of a walk through every queue."""

from hypothesis import given, settings
from hypothesis import strategies as st

from annotate.labeling.leases import Leases
from storage.records import Pair

PEOPLE = ("ann", "bob", "cem")
STREAMS = ("base", "v1")
acts = st.tuples(
    st.sampled_from(("add", "take", "take", "vote", "vote", "undo", "rest", "drop", "switch")),
    st.sampled_from(PEOPLE),
    st.integers(0, 11),
)


def pair_of(number: int) -> Pair:
    return Pair(f"p{number}", "a cat", "l", "r", STREAMS[number % 2])


@settings(deadline=None)
@given(st.lists(acts, max_size=60), st.integers(1, 3))
def test_whatever_is_done_the_next_pair_and_the_count_are_as_the_lines_say(
    done: list[tuple[str, str, int]], overlap: int
) -> None:
    leases, asked = Leases(), {number: set[str]() for number in range(12)}
    for number in range(8):
        leases.add(pair_of(number))
    for kind, who, number in done:
        pair, stream = pair_of(number), STREAMS[number % 2]
        if kind == "add" and len(asked[number]) < overlap and not held(leases, pair):
            leases.drop(pair.pair_id)
            leases.add(pair, frozenset(asked[number]))
        elif kind == "take":
            expected = next_of(leases, who, stream)
            assert leases.take(who, stream) == expected
            assert expected is None or expected in leases.held(who)
        elif kind == "vote" and who not in asked[number]:
            asked[number].add(who)
            leases.voted(pair.pair_id, who, overlap)
        elif kind == "undo" and who in asked[number]:
            asked[number].remove(who)
            leases.reopen(who, pair, frozenset(asked[number]))
        elif kind == "rest":
            leases.release(who)
        elif kind == "drop":
            leases.drop(pair.pair_id)
        elif kind == "switch":
            leases.release_unopened(stream)
        for one in STREAMS:
            assert leases.ready(one) == sum(pair.stream == one for pair in leases._waiting)


def held(leases: Leases, pair: Pair) -> bool:
    return pair.pair_id in leases.leased_ids()


def next_of(leases: Leases, who: str, stream: str) -> Pair | None:
    """The pair that comes next, by looking at every pair."""
    again = [pair for pair in leases._partly_voted if pair.stream == stream]
    unfinished = [pair for pair in again if who not in leases._asked[pair.pair_id]]
    waiting = [pair for pair in leases._waiting if pair.stream == stream]
    return next(iter([*unfinished, *waiting]), None)
