"""Things to test on, made through the store itself."""

import hashlib

from storage import Image, Pair, Store, Version, new_id, recipe_key
from storage.acts import NewVote

BASE = "emoji"


def make_image(store: Store, seed: int) -> Image:
    """Store an image (its bytes stand for a PNG) made from a recipe with this seed."""
    content = f"image {seed}".encode()
    sha256 = hashlib.sha256(content).hexdigest()
    path = store.image_path(sha256)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    recipe = {"base": BASE, "version": "base", "prompt": "a cat", "seed": seed}
    image = Image(new_id(), sha256, 128, 128, recipe, recipe_key(recipe), "base")
    return store.add_images([image])[0]


def make_pair(store: Store, seed: int = 0, prompt: str = "a cat") -> Pair:
    """Store a pair of two images of its own."""
    left, right = make_image(store, 2 * seed), make_image(store, 2 * seed + 1)
    return store.add_pair(prompt, left.image_id, right.image_id, BASE, "base")


def make_pairs(store: Store, number: int) -> list[Pair]:
    """Store pairs that share two images."""
    left, right = make_image(store, 0).image_id, make_image(store, 1).image_id
    return [store.add_pair(f"cat {n}", left, right, BASE, "base") for n in range(number)]


def annotations_of(store: Store, vote_key: str) -> list[tuple[str, str, str]]:
    """Return (kind, name, value) of the current annotations of a vote."""
    sql = "SELECT kind, name, value FROM current_annotations WHERE vote_key = ? ORDER BY kind, name"
    return store._database.read(sql, [vote_key])


def make_run(store: Store, parent: str = "base") -> str:
    """Store a run on one vote."""
    if not store.counts(BASE).votes:
        store.vote(NewVote.parse(make_pair(store).pair_id, "left", "ann", "k1"))
    snapshot = store.write_snapshot(BASE, settle_s=0)
    return store.create_run(snapshot.snapshot_id, BASE, parent, {}, "click").run_id


def make_version(store: Store, parent: str = "base") -> Version:
    """Store a version that a run made."""
    run_id = make_run(store, parent)
    adapter = store.run_dir(run_id) / "adapter.safetensors"
    return store.add_version(BASE, parent, run_id, adapter, {"pairs": 1})
