"""Cached insights equal those computed anew, after anything that people do."""

import hashlib
import io
import json
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import plain_insights
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from PIL import Image as PILImage

from annotate.insights.insights import Insights
from storage import Image, StorageError, Store, new_id, recipe_key
from storage.acts import NewAnnotation, NewFlag, NewVote
from storage.records import Verdict

BASE = "emoji"
PEOPLE = ("ann", "bob", "cem", "dee")
PROMPTS = ("a cat", "a red fox", "a castle on a hill")

acts = st.tuples(
    st.sampled_from(
        ("vote", "vote", "vote", "vote", "undo", "again", "gold", "report", "decide", "exclude")
    ),
    st.sampled_from(PEOPLE),
    st.integers(0, 30),
    st.sampled_from(tuple(Verdict)),
)
reads = st.sampled_from((*PEOPLE, None))


def painted(store: Store, number: int) -> Image:
    content = io.BytesIO()
    colour = tuple(random.Random(number).randrange(256) for _ in range(3))
    PILImage.new("RGB", (8, 8), colour).save(content, "PNG")
    sha256 = hashlib.sha256(content.getvalue()).hexdigest()
    path = store.image_path(sha256)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.getvalue())
    recipe = {"number": number}
    return store.add_images([Image(new_id(), sha256, 8, 8, recipe, recipe_key(recipe), "base")])[0]


class Played:
    """A studio that goes on from whatever was done in it before."""

    def __init__(self, store: Store) -> None:
        self.store, self.chance = store, random.Random(0)
        store.ensure_base(BASE)
        images = [painted(store, number).image_id for number in range(12)]
        # Some pairs show the same two images, on either side.
        places = [(number % 12, (5 * number + 1) % 12) for number in range(24)] * 2
        self.pairs = [
            store.add_pair(PROMPTS[n % 3], images[a], images[b], BASE, "base").pair_id
            for n, (a, b) in enumerate(places)
            if a != b
        ]
        self.insights = Insights(store, BASE, self.chance, time.monotonic)

    def act(self, kind: str, who: str, number: int, verdict: str) -> None:
        pair_id = self.pairs[(7 * number) % len(self.pairs)]
        quality = self.store.quality
        try:
            if kind == "vote":
                key = new_id()
                self.store.vote(
                    NewVote.parse(pair_id, verdict, who, key, number * 50 if number % 5 else None)
                )
                if number % 3 == 0:
                    self.store.annotations.record(
                        NewAnnotation(key, who, "reason", "hands", "on", new_id())
                    )
            elif kind == "undo":
                self.store.undo(who)
            elif kind == "again":
                again = quality.control_pairs.add_copy(
                    pair_id, who, "repeat", swap=bool(number % 2)
                )
                self.store.vote(NewVote.parse(again.pair_id, verdict, who, new_id()))
            elif kind == "gold":
                pair = self.store.pair(pair_id)
                winner = (pair.left, pair.right, "")[number % 3]
                quality.control_pairs.mark_gold(BASE, pair_id, winner, who)
            elif kind == "report":
                self.store.flags.record(NewFlag(pair_id, who, "", new_id()))
            elif kind == "decide":
                reports = self.store.flags.all(BASE)
                decision = ("shown", "hidden")[number % 2]
                self.store.flags.decide(reports[number % len(reports)].flag_id, decision, who)
            elif kind == "exclude":
                quality.exclude(BASE, "why not", who, annotator=who)
        except (StorageError, ZeroDivisionError):
            pass  # Refused, as it may be: the votes are what they were.


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    folder: Path = tmp_path_factory.mktemp("insights")
    with Store(folder / "studio") as store:
        yield Played(store)


def plainly(played: Played, person: str | None) -> dict[str, Any]:
    files = plain_insights.voted_images(played.store, BASE)
    looks, left = played.insights.image_features.features_of(files.values(), 60.0)
    assert left == 0
    known = {image: looks[sha] for image, sha in files.items()}
    return plain_insights.report(played.store, BASE, known, person)


@pytest.mark.slow
@settings(
    max_examples=8,
    deadline=None,
    phases=[Phase.generate],  # The studio goes on, so that nothing can be made smaller afterwards.
    suppress_health_check=list(HealthCheck),
)
@given(st.lists(st.one_of(acts, acts, acts, reads), min_size=8, max_size=24))
def test_after_anything_that_people_do_it_is_what_adding_up_anew_gives(
    played: Played, done: list[Any]
) -> None:
    for one in (*done, None, "ann"):
        if isinstance(one, tuple):
            played.act(*one)
            continue
        told = played.insights.report(one, within_s=60.0)
        for name, value in plainly(played, one).items():
            assert json.dumps(told[name]) == json.dumps(value), name
        if one is not None and told["votes"]:
            own = played.insights.own(one)
            for name in own:
                assert own[name] == told[name] or name in ("measuring", "habits", "people"), name
            assert own["habits"][one] == told["habits"][one]


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Played]:
    """A studio of its own: in the shared one a vote of this name may be there, or hidden."""
    with Store(tmp_path / "studio") as store:
        yield Played(store)


@pytest.mark.slow
def test_the_next_answer_holds_every_vote_and_undo(fresh: Played) -> None:
    before = fresh.insights.report("eve")["votes"]
    for number in range(3):
        fresh.act("vote", "eve", number, "left")
        assert fresh.insights.report("eve")["votes"] == before + number + 1
        assert fresh.insights.own("eve")["votes"] == before + number + 1
    fresh.act("undo", "eve", 0, "left")
    assert fresh.insights.report("eve")["votes"] == before + 2


def test_what_was_added_up_once_is_shared_until_there_is_news(played: Played) -> None:
    played.act("vote", "flo", 4, "left")
    found: list[dict[str, Any]] = []
    threads = [
        threading.Thread(target=lambda: found.append(played.insights.report(within_s=60.0)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(one["prompts"]) for one in found}) == 1
    assert played.insights.report()["prompts"] is found[0]["prompts"]
    played.act("vote", "flo", 5, "left")
    assert played.insights.report()["prompts"] is not found[0]["prompts"]


def test_only_what_is_new_is_read(played: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    played.insights.report()
    read: list[int] = []
    after = type(played.store.quality.entries).after

    def counted(self: Any, base: str, vote_id: int, most: int) -> Any:
        found = after(self, base, vote_id, most)
        read.append(len(found))
        return found

    monkeypatch.setattr(type(played.store.quality.entries), "after", counted)
    played.act("vote", "gus", 6, "left")
    played.insights.report()
    assert sum(read) == 1
    played.insights.report()
    assert sum(read) == 1
