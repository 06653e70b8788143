"""A run on restored votes trains the very same adapter."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest
import torch
from PIL import Image as Pixels
from safetensors.torch import load_file
from storage_making import BASE

from align.client.models import describe_model
from align.client.trainer import TrainerProcess
from align.training.session import train_folder
from storage import Image, Store, new_id, recipe_key
from storage.acts import NewAnnotation, NewRanking, NewVote
from storage.exports.exported_votes import ExportChoice
from storage.exports.pickapic.pickapic_export import PickapicExport, write_pickapic
from storage.merging.vote_restore import VoteRestore

pytestmark = pytest.mark.slow

SMALL = {"steps": 3, "train_batch_size": 2, "rank": 2, "check_prompts": 0, "holdout_fraction": 0}
SMALL |= {"micro_batch_size": 2, "gradient_checkpointing": "none", "base_format": "model"}


def add_image(store: Store, seed: int, prompt: str) -> str:
    """Store an image of noise under a look of its own, large enough to be trained on."""
    file = io.BytesIO()
    Pixels.effect_noise((64, 64), 30 + seed).convert("RGB").save(file, "PNG")
    sha256 = store.imported_images.write_image(file.getvalue())
    assert sha256 == hashlib.sha256(file.getvalue()).hexdigest()
    recipe = {"base": BASE, "version": "base", "prompt": prompt, "seed": seed}
    recipe |= {"prompt_prefix": "score_9"} if seed % 3 == 0 else {}
    image = Image(new_id(), sha256, 64, 64, recipe, recipe_key(recipe), "base")
    return store.add_images([image])[0].image_id


def give_votes(store: Store) -> None:
    """Give choices of two annotators, ties, a clear one, a weight and a ranking."""
    for number in range(6):
        prompt = f"a (cat:1.2) number {number}"
        sides = [add_image(store, 2 * number + side, prompt) for side in (0, 1)]
        pair = store.add_pair(prompt, *sides, BASE, "base")
        verdict = ("left", "right", "right", "both_bad", "left", "tie")[number]
        store.vote(NewVote.parse(pair.pair_id, verdict, "Ann", f"a{number}"))
        store.vote(NewVote.parse(pair.pair_id, "right", "bob", f"b{number}"))
    store.annotations.record(NewAnnotation("a0", "Ann", "strength", "", "2", "note"))
    store.quality.set_weights(BASE, {"bob": (0.5, "often disagrees")}, "Ann")
    four = [add_image(store, 20 + number, "four cats") for number in range(4)]
    quad = store.quads.add("four cats", four, BASE, "base")
    store.rankings.record(NewRanking(quad.quad_id, 1, 3, "Ann", "r0"))


def adapter(store: Store, folder: Path, model: Path) -> dict[str, torch.Tensor]:
    snapshot = store.write_snapshot(BASE, settle_s=0)
    TrainerProcess().prepare(folder, snapshot.path, describe_model(str(model)), SMALL)
    train_folder(folder)
    return dict(load_file(folder / "adapter.safetensors"))


def test_a_run_on_restored_votes_gives_the_same_adapter_to_the_bit(
    store, tmp_path, small_model_folder
):
    give_votes(store)
    exported = tmp_path / "exported"
    exported.mkdir()
    with store.exports.votes(ExportChoice(excluded=True)) as votes:
        write_pickapic(exported, "t", store.opening.database, PickapicExport(votes), False)
    with Store(tmp_path / "restored") as restored:
        restored.ensure_base(BASE)
        VoteRestore(restored).run(exported)

        first = adapter(store, tmp_path / "one", small_model_folder)
        second = adapter(restored, tmp_path / "two", small_model_folder)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert any(value.abs().max() > 0 for value in first.values())
