"""The taste head: answers known by hand, symmetries, and a planted taste that it must find."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from torch.testing import assert_close

from align.data.snapshot import PreferencePair
from align.errors import BrokenModel, InvalidSettings, ModelNotFound, SnapshotError, WrongModel
from align.scoring.image_features import FEATURES, image_features, oklab, read_features
from align.scoring.taste_head import (
    fit_head,
    fit_taste,
    fit_weights,
    folds_by_prompt,
    load_taste_head,
)

pytestmark = pytest.mark.slow

seeds = st.integers(0, 10_000)


def random_pairs(seed: int, pairs: int = 12, features: int = 4):
    generator = torch.Generator().manual_seed(seed)
    chosen_MF = torch.randn(pairs, features, generator=generator) + 0.3
    rejected_MF = torch.randn(pairs, features, generator=generator)
    return chosen_MF, rejected_MF, [f"prompt {number % 6}" for number in range(pairs)]


def fit_to_memory(seed: int):
    return fit_head(*random_pairs(seed), ["a", "b", "c", "d"])


def paint(path: Path, seed: int, shade: int) -> Path:
    """A disc and a bar of any colours on a ground of this shade."""
    generator = torch.Generator().manual_seed(seed)
    numbers = torch.randint(0, 256, (10,), generator=generator).tolist()
    tint = [max(0, min(255, shade + n // 8 - 16)) for n in numbers[:3]]
    image = Image.new("RGB", (96, 96), tuple(tint))
    x, y = numbers[3] // 5, numbers[4] // 5
    pen = ImageDraw.Draw(image)
    pen.ellipse((x, y, x + 24, y + 24), fill=tuple(numbers[5:8]))
    pen.rectangle((y, x + 30, y + 40, x + 36), fill=tuple(numbers[7:10]))
    image.save(path)
    return path


def dark_over_light(folder: Path, pairs: int, start: int) -> list[PreferencePair]:
    """Votes of somebody who likes dark grounds, on grounds of which one is a little darker."""
    votes = []
    for number in range(start, start + pairs):
        shade = 40 + 13 * (number % 9)
        dark = paint(folder / f"{number}-dark.png", 2 * number, shade)
        light = paint(folder / f"{number}-light.png", 2 * number + 1, shade + 60)
        votes.append(PreferencePair(str(number), f"thing {number % 8}", dark, light))
    return votes


def test_one_feature_and_one_pair_have_the_weight_that_solves_the_equation_by_hand():
    # d = 1: the minimum of softplus(-w) + λ/2 w² is where σ(-w) = λ w; λ = σ(-1) puts it at 1.
    strength = 1 / (1 + math.e)
    assert_close(fit_weights(torch.ones(1, 1).double(), strength), torch.ones(1).double())


def test_votes_that_contradict_each_other_leave_no_taste():
    features_MF = torch.tensor([[1.0], [0.0]])
    head = fit_head(features_MF, features_MF.flip(0), ["a", "b"], ["x"])
    assert_close(head.weights[0], 0.0)
    assert head.preference(torch.ones(1, 1), torch.zeros(1, 1)).item() == 0.5


def test_three_wins_in_four_are_a_chance_of_three_quarters():
    chosen = torch.tensor([[1.0], [1.0], [1.0], [0.0]]).double()
    weights_F = fit_weights(chosen - (1 - chosen), 1e-9)
    assert_close(torch.sigmoid(weights_F), torch.tensor([0.75]).double(), atol=1e-6, rtol=0)


def test_fewer_than_two_votes_are_refused_with_the_number(tmp_path):
    votes = dark_over_light(tmp_path, 1, 0)
    with pytest.raises(SnapshotError, match="at least 2 decisive votes, and there are 1"):
        fit_taste(votes)
    with pytest.raises(SnapshotError, match="there are 0"):
        fit_taste([])


def test_identical_images_are_preferred_by_chance_and_by_half(tmp_path):
    vote = dark_over_light(tmp_path, 1, 0)[0]
    same = [PreferencePair(p, p, vote.chosen, vote.chosen) for p in ("a cat", "a dog")]
    head = fit_taste(same)
    assert set(head.weights) == {0.0}
    assert head.held_out_accuracy == 0.5


def test_votes_on_a_single_prompt_say_nothing_of_other_prompts():
    chosen_MF, rejected_MF, _ = random_pairs(0)
    head = fit_head(chosen_MF, rejected_MF, ["a cat"] * 12, ["a", "b", "c", "d"])
    assert head.held_out_accuracy is None


@given(seeds)
@settings(max_examples=4, deadline=None)
def test_swapping_two_images_turns_the_chance_around(seed):
    head = fit_to_memory(seed)
    first_NF, second_NF, _ = random_pairs(seed + 1)
    assert_close(head.preference(first_NF, second_NF), 1 - head.preference(second_NF, first_NF))


@given(seeds, st.permutations(range(12)))
@settings(max_examples=4, deadline=None)
def test_the_order_of_the_votes_changes_nothing_at_all(seed, order):
    chosen_MF, rejected_MF, prompts = random_pairs(seed)
    shuffled = fit_head(
        chosen_MF[list(order)],
        rejected_MF[list(order)],
        [prompts[number] for number in order],
        ["a", "b", "c", "d"],
    )
    assert shuffled == fit_to_memory(seed)


@given(seeds)
@settings(max_examples=4, deadline=None)
def test_the_opposite_votes_give_the_opposite_taste(seed):
    chosen_MF, rejected_MF, prompts = random_pairs(seed)
    opposite = fit_head(rejected_MF, chosen_MF, prompts, ["a", "b", "c", "d"])
    assert_close(torch.tensor(opposite.weights), -torch.tensor(fit_to_memory(seed).weights))
    assert opposite.held_out_accuracy == fit_to_memory(seed).held_out_accuracy


@given(seeds, st.floats(1e-3, 3.0))
@settings(max_examples=25, deadline=None)
def test_counting_every_vote_twice_changes_nothing(seed, strength):
    chosen_MF, rejected_MF, _ = random_pairs(seed)
    differences_MF = (chosen_MF - rejected_MF).double()
    twice_MF = differences_MF.repeat(2, 1)
    once_F, twice_F = (fit_weights(d, strength) for d in (differences_MF, twice_MF))
    assert_close(twice_F, once_F, atol=1e-8, rtol=1e-8)


@given(seeds, st.floats(1e-3, 3.0))
@settings(max_examples=25, deadline=None)
def test_the_fit_is_where_the_gradient_vanishes(seed, strength):
    chosen_MF, rejected_MF, _ = random_pairs(seed)
    differences_MF = (chosen_MF - rejected_MF).double()
    weights_F = fit_weights(differences_MF, strength).requires_grad_()
    losses_M = torch.nn.functional.softplus(-(differences_MF @ weights_F))
    (losses_M.mean() + strength / 2 * weights_F.square().sum()).backward()
    assert weights_F.grad.abs().max() < 1e-8


@given(st.lists(st.sampled_from("abcdefgh"), min_size=2, max_size=30))
def test_no_prompt_is_on_both_sides_and_every_vote_is_held_out_once(prompts):
    folds = folds_by_prompt(prompts)
    assert sum(fold.int() for fold in folds).eq(1).all() if folds else len(set(prompts)) == 1
    for fold in folds:
        held = {prompt for prompt, out in zip(prompts, fold.tolist(), strict=True) if out}
        kept = {prompt for prompt, out in zip(prompts, fold.tolist(), strict=True) if not out}
        assert held and kept and not held & kept


def test_it_finds_a_planted_taste_for_dark_grounds_in_images_it_never_saw(tmp_path):
    head = fit_taste(dark_over_light(tmp_path, 40, 0))
    unseen = dark_over_light(tmp_path, 60, 1000)
    chosen = head.score([vote.prompt for vote in unseen], [vote.chosen for vote in unseen])
    rejected = head.score([vote.prompt for vote in unseen], [vote.rejected for vote in unseen])
    assert (chosen > rejected).float().mean() >= 0.95
    assert head.held_out_accuracy is not None and head.held_out_accuracy >= 0.9
    assert chosen.dtype == torch.float32


def test_on_votes_by_coin_flip_it_does_not_claim_to_know(tmp_path):
    votes = dark_over_light(tmp_path, 60, 0)
    heads = torch.randint(0, 2, (60,), generator=torch.Generator().manual_seed(1)).tolist()
    flipped = [
        PreferencePair(v.key, v.prompt, *((v.chosen, v.rejected)[:: 1 if head else -1]))
        for v, head in zip(votes, heads, strict=True)
    ]
    accuracy = fit_taste(flipped).held_out_accuracy
    assert accuracy is not None and 0.25 < accuracy < 0.75


def test_the_average_image_of_the_votes_scores_zero(tmp_path):
    votes = dark_over_light(tmp_path, 6, 0)
    head = fit_taste(votes)
    images = [path for vote in votes for path in (vote.chosen, vote.rejected)]
    assert_close(head.score([""] * 12, images).mean(), torch.tensor(0.0), atol=1e-5, rtol=0)


def test_votes_for_neither_image_are_not_learned_from(tmp_path):
    votes = dark_over_light(tmp_path, 6, 0)
    both = PreferencePair("x", "x", votes[0].rejected, votes[0].chosen, kind="both_good")
    assert fit_taste([*votes, both]) == fit_taste(votes)


def test_a_saved_head_comes_back_to_the_bit(tmp_path):
    head = fit_to_memory(3)
    head.save(tmp_path / "taste.json")
    assert load_taste_head(tmp_path / "taste.json") == head


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "taste-head-1"}', "{"])
def test_a_damaged_file_is_named(tmp_path, text):
    path = tmp_path / "taste.json"
    path.write_text(text)
    with pytest.raises(BrokenModel, match=r"taste.json is not a whole taste head"):
        load_taste_head(path)


def test_a_head_with_a_weight_too_few_is_damaged(tmp_path):
    path = tmp_path / "taste.json"
    fit_to_memory(0).save(path)
    value = json.loads(path.read_text())
    path.write_text(json.dumps(value | {"weights": value["weights"][1:]}))
    with pytest.raises(BrokenModel):
        load_taste_head(path)


def test_a_missing_file_and_other_features_say_what_to_do(tmp_path):
    with pytest.raises(ModelNotFound, match="Fit a taste head on votes"):
        load_taste_head(tmp_path / "none.json")
    with pytest.raises(WrongModel, match="other features"):
        fit_to_memory(0).score([], [])
    with pytest.raises(InvalidSettings, match="1 prompts for 0 images"):
        fit_to_memory(0).score(["a"], [])


def test_white_black_and_red_have_the_published_oklab_values():
    # Ottosson's definition: white is L = 1; red is the value that CSS Color 4 lists for #f00.
    colours = torch.tensor([[1.0, 1, 1], [0, 0, 0], [1, 0, 0]]).T[:, :, None]
    expected = torch.tensor([[1.0, 0, 0], [0, 0, 0], [0.62796, 0.22486, 0.12585]]).T[:, :, None]
    assert_close(oklab(colours), expected.double(), atol=1e-4, rtol=0)


def test_a_plain_image_has_its_colour_everywhere_and_no_edges():
    features = dict(zip(FEATURES, image_features(torch.ones(3, 128, 128)).tolist(), strict=True))
    for name in ("mean L", "median", "border L", "L of cell 0", "L of cell 15"):
        assert features[name] == pytest.approx(1.0, abs=1e-6)
    for name in ("mean edge", "share of edges", "sharpness", "spread L", "spread of border a"):
        assert features[name] == pytest.approx(0.0, abs=1e-9)


def test_a_image_of_another_size_or_mode_has_nearly_the_same_features(tmp_path):
    Image.new("RGB", (64, 64), "navy").save(tmp_path / "small.png")
    Image.new("RGBA", (300, 300), "navy").save(tmp_path / "large.png")
    small_F, large_F = read_features([tmp_path / "small.png", tmp_path / "large.png"])
    assert_close(small_F, large_F, atol=1e-6, rtol=0)


def test_a_file_that_is_no_image_is_named(tmp_path):
    (tmp_path / "note.png").write_text("no image")
    with pytest.raises(SnapshotError, match=r"note\.png is not a readable image"):
        read_features([tmp_path / "note.png"])
