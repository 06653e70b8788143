"""A version that draws noise or one image always is told from one that merely changed."""

from __future__ import annotations

import pytest
import torch

from align.evaluation.checks import (
    check_holdout,
    check_images,
    check_prompt,
    check_train_probe,
    check_variety,
    spread,
)
from align.training.pair_accuracy import holdout_result, train_probe_result

pytestmark = pytest.mark.slow

P, S, SHAPE = 4, 2, (4, 16, 16)


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


GREY = torch.rand(8, 16, 16, generator=torch.Generator().manual_seed(0))


def test_equal_images_have_no_spread_and_independent_ones_that_of_their_noise():
    assert spread(noise(1, 1, *SHAPE).expand(2, 4, *SHAPE)) == pytest.approx(0.0, abs=1e-3)
    assert spread(noise(2, 4, *SHAPE)) == pytest.approx(2**0.5, rel=0.05)
    assert spread(3 * noise(2, 4, *SHAPE)) == pytest.approx(3 * spread(noise(2, 4, *SHAPE)))


def test_as_much_variety_as_the_base_passes():
    base = noise(P, S, *SHAPE)
    assert check_variety(base, base).value == pytest.approx(1.0)
    assert check_variety(0.5 * base, base).passed
    assert not check_variety(0.3 * base, base).passed


def test_one_image_whatever_the_prompt_is_held_back():
    by_seed = noise(1, S, *SHAPE).expand(P, S, *SHAPE)
    check = check_variety(by_seed, noise(P, S, *SHAPE))
    assert not check.passed and "prompts with one seed" in check.sentence


def test_one_image_whatever_the_seed_is_held_back():
    by_prompt = noise(P, 1, *SHAPE).expand(P, S, *SHAPE)
    check = check_variety(by_prompt, noise(P, S, *SHAPE))
    assert not check.passed and "seeds of one prompt" in check.sentence


def test_one_prompt_or_one_seed_alone_is_no_sign_of_collapse():
    assert check_variety(noise(1, 1, *SHAPE), noise(1, 1, *SHAPE)).value == 1.0


@pytest.mark.parametrize(
    ("latents", "word"),
    [
        (noise(8, *SHAPE) * 5, "8 noise"),
        (noise(8, *SHAPE) / 5, "8 noise"),
        (noise(8, *SHAPE).index_fill(0, torch.tensor([0]), torch.nan), "1 not finite"),
    ],
)
def test_what_is_no_image_is_counted_by_kind(latents, word):
    check = check_images(GREY, GREY, latents, noise(8, *SHAPE))
    assert not check.passed and word in check.sentence


def test_flat_images_are_counted_and_ordinary_ones_pass():
    base = noise(8, *SHAPE)
    assert check_images(GREY, GREY, base, base).passed
    check = check_images(GREY * 0 + 0.5, GREY, base, base)
    assert not check.passed and "8 flat" in check.sentence


def test_images_that_the_base_renders_flat_as_well_hold_no_version_back():
    base, flat = noise(8, *SHAPE), GREY * 0 + 0.5
    assert check_images(flat, flat, base, base).passed


def test_prompts_that_are_lost_are_held_back_relative_to_the_base():
    right, wrong = torch.ones(10, dtype=torch.bool), torch.zeros(10, dtype=torch.bool)
    assert check_prompt(right, right).passed
    assert not check_prompt(wrong, right).passed
    half = torch.arange(10) < 5
    assert check_prompt(half, half).value == 1.0


def test_unseen_pairs_ordered_against_the_people_hold_a_version_back():
    def told(right: int, of: int):
        return check_holdout(holdout_result(torch.arange(of) < right))

    assert told(10, 12).passed and told(5, 12).passed
    assert not told(1, 12).passed
    assert check_holdout(holdout_result(torch.empty(0))) is None


@pytest.mark.parametrize(
    ("right", "pairs", "passes"),
    [(64, 64, True), (40, 64, True), (28, 64, True), (20, 64, False), (0, 4, True), (0, 8, False)],
)
def test_flipped_choices_are_told_and_held_against_a_version_only_beyond_chance(
    right, pairs, passes
):
    accuracy_B = torch.zeros(pairs)
    accuracy_B[:right] = 1.0
    check = check_train_probe(train_probe_result(accuracy_B))
    assert check is not None and check.passed is passes
    assert check.value == pytest.approx(1 - right / pairs)
    assert f"{1 - right / pairs:.0%} of {pairs} choices" in check.sentence


def test_without_settled_pairs_nothing_is_said_of_them():
    assert check_train_probe(train_probe_result(torch.empty(0))) is None
