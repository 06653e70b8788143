"""A studio with every kind of vote, ranking, annotation and exclusion, on real images."""

from __future__ import annotations

import hashlib
import io
from typing import Any

from PIL import Image as Pixels
from storage_making import BASE

from storage import Image, Pair, Store, new_id, recipe_key
from storage.acts import NewAnnotation, NewFlag, NewRanking, NewVote, Selection
from storage.tables.pairs import KeptFrom, following

PROMPTS = (
    'a "cat", it\'s; 1,5 \u2028 \u2029 日本 👩‍🚀',
    "=SUM(A1:A9)",
    "+1 @home -2",
    "word " * 399 + "end",
    "a (red:1.3) [fox]",
)
"""Prompts that forms of text have to carry unchanged."""
ANN, BOB = "Ann Ärger", "bob"


def png(seed: int, width: int = 16, height: int = 16) -> bytes:
    """Return a small PNG of one color."""
    file = io.BytesIO()
    color = (seed % 256, seed * 7 % 256, 99)
    Pixels.new("RGB", (width, height), color).save(file, "PNG")
    return file.getvalue()


def add_image(store: Store, seed: int, prompt: str, **recipe: Any) -> Image:
    """Store a real image."""
    content = png(seed)
    sha256 = hashlib.sha256(content).hexdigest()
    path = store.image_path(sha256)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    known = {"base": BASE, "version": "base", "prompt": prompt, "seed": seed, **recipe}
    version = "imported" if "imported" in recipe else "base"
    return store.add_images([Image(new_id(), sha256, 16, 16, known, recipe_key(known), version)])[0]


def add_pair(store: Store, seed: int, prompt: str = "a cat", **recipe: Any) -> Pair:
    """Store a pair of two real images of its own."""
    left, right = (add_image(store, 2 * seed + side, prompt, **recipe) for side in (0, 1))
    return store.add_pair(prompt, left.image_id, right.image_id, BASE, "base")


def vote(store: Store, pair: Pair, verdict: str, key: str, who: str = ANN) -> int:
    """Record a vote and return its number."""
    return store.vote(NewVote.parse(pair.pair_id, verdict, who, key, 900)).row_id


def give_every_kind(store: Store) -> None:
    """Give a studio of the model BASE every kind of act that an export may meet."""
    give_votes(store)
    give_annotations(store)
    give_special_pairs(store)
    give_rankings(store)
    exclude_some(store)


def give_votes(store: Store) -> None:
    """Vote in each of the six ways, and take one vote back."""
    verdicts = ("left", "right", "tie", "both_good", "both_bad", "skip")
    for number, verdict in enumerate(verdicts):
        pair = add_pair(store, number, PROMPTS[number % len(PROMPTS)])
        vote(store, pair, verdict, f"v-{verdict}")
        vote(store, pair, "right", f"v-{verdict}-bob", BOB)
    vote(store, add_pair(store, 9), "left", "undone")
    store.undo(ANN)

    chosen = NewVote.parse(add_pair(store, 10, "chosen").pair_id, "left", ANN, "v-chosen", 700)
    store.vote(chosen, Selection("uncertain", 0.25))
    looked = add_pair(store, 11, "a look", prompt_prefix="score_9, ", prompt_suffix=", best")
    vote(store, looked, "left", "v-look")
    brought = add_pair(
        store, 12, "brought", imported="ab" * 32, original={"size": [16, 20], "crop": [0, 2]}
    )
    vote(store, brought, "right", "v-brought")


def give_annotations(store: Store) -> None:
    """Say of one vote that it is clear, why the other image lost, and what won by a criterion."""
    for number, (kind, name, value) in enumerate(
        [
            *(("strength", "", "2"), ("reason", "hands", "on"), ("reason", "=text", "on")),
            *(("criterion", "detail", "left"), ("criterion", "prompt", "tie")),
        ]
    ):
        note = NewAnnotation("v-left", ANN, kind, name, value, f"note-{number}")
        store.annotations.record(note)


def give_special_pairs(store: Store) -> None:
    """Vote on a kept, a flagged, a repeated and a gold pair, and on one of a blind test."""
    first = add_pair(store, 20, "kept")
    vote(store, first, "left", "v-first")
    new = add_image(store, 43, "kept")
    follower = following(first, first.left, new.image_id, ANN)
    kept = store.kept_pairs.add(follower, BASE, KeptFrom(first.pair_id, "v-first", ANN))
    vote(store, kept, "right", "v-kept")

    flagged = add_pair(store, 22, "flagged")
    vote(store, flagged, "left", "v-flagged")
    store.flags.record(NewFlag(flagged.pair_id, BOB, "a face of mine", "flag"))

    control = store.quality.control_pairs
    vote(store, control.add_copy(first.pair_id, ANN, "repeat", swap=True), "right", "v-repeat")
    control.mark_gold(BASE, first.pair_id, first.left, ANN)
    vote(store, control.add_copy(first.pair_id, BOB, "gold", swap=False), "left", "v-gold", BOB)

    store.version_labels.add_import(BASE, store.version_labels.new_import(), {})
    trial = store.blind_tests.create(BASE, "base", "v1", ["tested"])
    sides = (add_image(store, 46, "tested").image_id, add_image(store, 47, "tested").image_id)
    tested = store.blind_tests.add_pair(trial, 0, "tested", "overall", sides, swap=False)
    vote(store, tested, "left", "v-tested")


def give_rankings(store: Store) -> None:
    """Rank four images, and skip four others."""
    for start in (50, 54):
        images = [add_image(store, start + n, f"four {start}").image_id for n in range(4)]
        quad = store.quads.add(f"four {start}", images, BASE, "base")
        places = (2, 0) if start == 50 else (None, None)
        store.rankings.record(NewRanking(quad.quad_id, *places, ANN, f"r-{start}", 1200))


def exclude_some(store: Store) -> None:
    """Exclude one vote and one annotator, each with a reason, and weigh another."""
    excluded = vote(store, add_pair(store, 30, "excluded"), "left", "v-excluded")
    vote(store, add_pair(store, 31, "of a third"), "left", "v-carl", "carl")
    store.quality.exclude(BASE, "Carl said he clicked", ANN, vote_id=excluded)
    store.quality.exclude(BASE, "carl is a robot", ANN, annotator="carl")
    store.quality.set_weights(BASE, {BOB: (0.5, "often disagrees")}, ANN)
