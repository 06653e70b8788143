import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from storage_making import BASE, make_pairs

from storage import Pair, Store
from storage.acts import NewVote
from storage.database import Database

pytestmark = pytest.mark.slow

THREADS = 8
VOTES = 50


def in_threads(work: Callable[[int], list]) -> list[list]:
    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(work, range(THREADS)))


def vote_on(store: Store, pairs: list[Pair], annotator: str, prefix: str) -> list:
    return [
        store.vote(NewVote.parse(pair.pair_id, "left", annotator, f"{prefix}{number}"))
        for number, pair in enumerate(pairs)
    ]


def test_threads_with_keys_of_their_own_each_count_every_vote_once(store):
    pairs = make_pairs(store, VOTES)

    receipts = in_threads(lambda n: vote_on(store, pairs, f"annotator {n}", f"{n}-"))

    assert not any(receipt.duplicate for thread in receipts for receipt in thread)
    assert store.counts(BASE).votes == THREADS * VOTES
    assert store._database.read("SELECT count(DISTINCT key) FROM votes") == [(THREADS * VOTES,)]


def test_threads_that_send_the_same_keys_count_each_once_between_them(store):
    pairs = make_pairs(store, VOTES)

    receipts = in_threads(lambda _: vote_on(store, pairs, "ann", "k"))

    firsts = [receipt for thread in receipts for receipt in thread if not receipt.duplicate]
    assert len(firsts) == store.counts(BASE).votes == VOTES
    assert len({receipt.row_id for thread in receipts for receipt in thread}) == VOTES


def test_sums_asked_for_while_others_vote_and_undo_agree_with_the_rows(store):
    pairs = make_pairs(store, 10)

    def vote_and_ask(number: int) -> list:
        annotator = f"annotator {number}"
        for step, pair in enumerate(pairs):
            store.vote(
                NewVote.parse(
                    pair.pair_id, "left" if step % 2 else "tie", annotator, f"{number}-{step}"
                )
            )
            store.counts(BASE)
            if step % 3 == number % 3:
                store.undo(annotator)
            store.waiting_pairs(BASE)
        return []

    in_threads(vote_and_ask)

    kept, unlearned = store.counts(BASE), store.decisive_since_last_run(BASE)
    store._counts.invalidate()
    assert store.counts(BASE) == kept
    assert store.decisive_since_last_run(BASE) == unlearned


def test_the_end_waits_for_a_query_of_another_thread(tmp_path: Path) -> None:
    database = Database(tmp_path / "palate.duckdb")
    reading, over = threading.Event(), threading.Event()

    def read() -> None:
        with database.reading() as cursor:
            cursor.execute("SELECT * FROM range(1000000)")
            reading.set()
            over.wait(30)
            assert len(cursor.fetchall()) == 1_000_000

    with ThreadPoolExecutor(2) as threads:
        read_all = threads.submit(read)
        assert reading.wait(30)
        closing = threads.submit(database.close)
        with pytest.raises(TimeoutError):
            closing.result(timeout=0.3)
        over.set()
        read_all.result(timeout=30)
        closing.result(timeout=30)
