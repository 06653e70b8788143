"""Nobody waits for somebody else's database write: no guard is held over one.

A guard protects what is in memory, for a moment, and every request may need it. A turn lets one
long piece of work go on at a time, such as a measurement; whoever labels waits for none.
"""

import random
import sys
import threading
import time

import pytest
from places import until

from annotate.auth.accounts import Accounts
from annotate.auth.passwords import Scrypt
from annotate.labeling.assignment import PairAssigner
from annotate.labeling.new_acts import as_flag, as_ranking
from annotate.labeling.quality_control import GOLD_SHARE, REPEAT_SHARE
from storage.database import Database
from storage.tables.people import Role

TURNS = {
    *("_measuring", "_learning", "_rendering", "_busy", "_computing"),
    # A change of the look, a pair that is stored while the look stays, and the deletion of a run.
    *("_changing", "_publishing", "_deleting"),
}


class Watched:
    """A lock that knows which thread holds it."""

    def __init__(self, lock):
        self._lock, self.owner = lock, None

    def acquire(self, blocking=True, timeout=-1):
        taken = self._lock.acquire(blocking, timeout)
        if taken:
            self.owner = threading.get_ident()
        return taken

    def release(self):
        self.owner = None
        self._lock.release()

    def locked(self):
        return self._lock.locked()

    def __enter__(self):
        return self.acquire()

    def __exit__(self, *error):
        self.release()


@pytest.fixture
def watch(monkeypatch):
    """Watch every lock that is made by annotate from now on."""
    make = threading.Lock

    def watched():
        maker = str(sys._getframe(1).f_globals.get("__name__", ""))
        return Watched(make()) if maker.startswith("annotate.") else make()

    monkeypatch.setattr(threading, "Lock", watched)


def locks_of(thing, seen=None):
    """Return (owner, name, lock) of everything that an object of ours is made of."""
    seen = set() if seen is None else seen
    if id(thing) in seen or not type(thing).__module__.startswith("annotate."):
        return
    seen.add(id(thing))
    parts = getattr(thing, "__dict__", {})
    for name, part in parts.items():
        if isinstance(part, Watched):
            yield type(thing).__name__, name, part
        else:
            yield from locks_of(getattr(part, "__self__", part), seen)


@pytest.fixture
def writes(monkeypatch):
    """Return what notes each write: the names of the guards that its thread holds."""
    noted, guards, write = [], [], Database.write

    def watched(self, *args, **kwargs):
        me = threading.get_ident()
        noted.append(tuple(name for name, lock in guards if lock.owner == me))
        return write(self, *args, **kwargs)

    monkeypatch.setattr(Database, "write", watched)
    return noted, guards


@pytest.mark.slow
def test_no_guard_is_held_over_a_write(watch, writes, open_place):
    place = open_place(chance=random.Random(0))
    studio, store = place.studio, place.store
    accounts = Accounts(store.people, hashing=Scrypt(2, 1, 1))
    found = [*locks_of(studio), *locks_of(accounts)]
    names = {name for _, name, _ in found}
    assert {"_guard", "_control"} <= names <= {"_guard", "_control", *TURNS}
    owners = {owner for owner, name, _ in found if name not in TURNS}
    assert {"PairAssigner", "QuadAssigner", "PairPool", "BlindTests", "Accounts"} <= owners
    noted, guards = writes
    guards += [(f"{owner}.{name}", lock) for owner, name, lock in found if name not in TURNS]

    studio.insights.change(REPEAT_SHARE, 0.4, "me")
    studio.insights.change(GOLD_SHARE, 0.4, "me")
    place.label(1, annotator="bob")
    known = until(lambda: studio.pairs_ahead("cem", [], 1)["pairs"])[0]
    studio.insights.mark_gold(known["pair_id"], "left", "me")
    place.label(40)
    checks = store._database.read("SELECT count(*) FROM control_pairs")[0][0]
    assert checks > 3, "some were asked on purpose"
    give_all(place)
    studio._active_learner.learn()
    studio.insights.report()
    token = accounts.choose_password(accounts.add("ada", Role.ADMIN, "me"), "a long password")
    accounts.change_password("ada", "a long password", "a longer password", "here")
    accounts.person_of_token(token)
    accounts.sign_in("ada", "a longer password", "here")
    accounts.person_from_proxy("eve")
    assert len(noted) > 50 and {guard for held in noted for guard in held} == set()

    with studio._assigner._guard:
        store.add_prompts(["a dog"], "pasted")
    assert any("PairAssigner._guard" in held for held in noted), "this test would see it"


def give_all(place):
    studio = place.studio
    pair = until(lambda: studio.pairs_ahead("ann", [], 1)["pairs"])[0]
    studio.annotations.flag(as_flag(pair["pair_id"], "ann", "", "r1"))
    studio.undo("ann", "u1")
    quad = until(lambda: studio.quads_ahead("ann", [], 1)["pairs"])[0]
    studio.best_worst.rank(as_ranking(quad["pair_id"], 0, 1, "ann", "q1"))
    studio.undo("ann", "u2")
    studio.undo("ann", "u3")
    studio.annotations.set_options(["hands"], [], 2, "me")
    studio.sessions.begin("ann", 5)
    studio.sessions.set_state("ann", "paused")
    studio.stats("ann")


def test_others_get_their_pairs_while_one_is_written_for_somebody(place):
    until(lambda: place.studio._assigner.ready() > 4)
    asked, go_on = threading.Event(), threading.Event()

    def slow(annotator):
        if annotator == "ann":
            asked.set()
            go_on.wait(30)

    assigner = PairAssigner(
        place.store,
        place.studio._model_id,
        time.monotonic,
        random.Random(0),
        issue_control_pair=slow,
    )
    assigner.open("base")
    waiting = threading.Thread(target=assigner.assign, args=("ann", [], 1, False))
    waiting.start()
    assert asked.wait(30)
    assert len(assigner.assign("bob", [], 1, False).pairs) == 1
    assert len(assigner.assign("ann", [], 1, False).pairs) == 1, "on another device"
    go_on.set()
    waiting.join(30)
    assert len(assigner._leases.held("ann")) == 2
