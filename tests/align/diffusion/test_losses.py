"""Objectives where the answer is known by hand, then by symmetry, gradient and limit."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from align.client.objectives import OBJECTIVES
from align.diffusion import losses
from align.diffusion.losses import (
    LossParams,
    PairErrors,
    denoising_error,
    implicit_accuracy,
    mapo_score,
    preference_logits,
    rank_dpo,
    rank_weights,
)

KAPPA = 2500.0
LN_2 = math.log(2)

error = st.floats(0.01, 0.5)
four_errors = st.tuples(error, error, error, error)
near_errors = st.tuples(error, *[st.floats(-2e-3, 2e-3)] * 3).map(
    lambda v: (v[0], v[0] + v[1] + 4e-3, v[0] + v[2] + 4e-3, v[0] + v[3] + 4e-3)
)
"""Errors as they are in practice: policy and reference hardly differ, so z is of order one."""
shares = st.floats(0.02, 0.98)
smoothings = st.floats(0.01, 0.45)


def pair(values=(0.1, 0.1, 0.1, 0.1), share=0.75, weight=1.0, liked=(1.0, -1.0), baseline=0.0):
    chosen, rejected, ref_chosen, ref_rejected = (
        torch.tensor([value], dtype=torch.float64) for value in values
    )
    one = torch.ones(1, dtype=torch.float64)
    return PairErrors(
        chosen,
        rejected,
        ref_chosen,
        ref_rejected,
        share * one,
        weight * one,
        torch.tensor(liked, dtype=torch.float64),
        baseline * one,
    )


def swapped(errors: PairErrors) -> PairErrors:
    return PairErrors(
        errors.rejected_B,
        errors.chosen_B,
        errors.ref_rejected_B,
        errors.ref_chosen_B,
        1 - errors.share_B,
        errors.weight_B,
        errors.liked_2B.flip(0),
        errors.baseline,
    )


def value(name: str, errors: PairErrors, **numbers: float) -> torch.Tensor:
    return getattr(losses, OBJECTIVES[name].function)(errors, LossParams(KAPPA, **numbers))


def slope(name: str, errors: PairErrors, **numbers: float) -> float:
    """dL/dz of an objective of z: by autograd through the chosen image's error."""
    leaf = errors.chosen_B.clone().requires_grad_()
    value(name, replace(errors, chosen_B=leaf), **numbers).sum().backward()
    return float(leaf.grad) / -KAPPA


def sigma(z: float) -> float:
    return 1 / (1 + math.exp(-z))


@pytest.mark.parametrize("name", OBJECTIVES)
def test_every_objective_has_a_function_and_gives_one_value_a_pair(name):
    errors_B = torch.rand(4, 5) * 1e-3
    ones_B = torch.ones(5)
    errors = PairErrors(*errors_B, 0.7 * ones_B, ones_B, torch.ones(10), torch.zeros(()))
    losses_B = getattr(losses, OBJECTIVES[name].function)(errors, LossParams(KAPPA))
    assert losses_B.shape == (5,) and losses_B.isfinite().all()
    order = torch.tensor([3, 0, 4, 1, 2])
    moved = PairErrors(*errors_B[:, order], 0.7 * ones_B, ones_B, torch.ones(10), torch.zeros(()))
    losses_again_B = getattr(losses, OBJECTIVES[name].function)(moved, LossParams(KAPPA))
    assert_close(losses_again_B, losses_B[order])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("dpo", LN_2),
        ("cdpo", LN_2),
        ("robust", LN_2),
        ("ipo", 0.25),
        ("dpop", LN_2),
        ("hinge", 1.0),
        ("soft", LN_2),
        ("smpo", LN_2),
        ("kto", 0.5),
        ("rank", LN_2),
        ("mapo", 0.1 + 0.1 * LN_2),
        ("sft", 0.1),
    ],
)
def test_where_a_policy_equal_to_its_reference_starts(name, expected):
    assert_close(value(name, pair()), torch.tensor([expected], dtype=torch.float64))


@pytest.mark.parametrize("name", ["dpo", "dpop", "hinge", "rank", "kto", "mapo", "sft"])
@given(near_errors)
def test_a_smaller_error_on_the_chosen_image_never_costs(name, values):
    errors = pair(values)
    leaf = errors.chosen_B.clone().requires_grad_()
    value(name, replace(errors, chosen_B=leaf)).sum().backward()
    assert float(leaf.grad) >= 0


@pytest.mark.slow
@given(near_errors, shares, smoothings)
def test_gradients_are_those_of_the_closed_forms(values, share, smoothing):
    errors = pair(values, share)
    z = float(errors.logits_B(KAPPA))
    closed = {
        "dpo": -sigma(-z),
        "cdpo": -(1 - smoothing) * sigma(-z) + smoothing * sigma(z),
        "robust": (-(1 - smoothing) * sigma(-z) - smoothing * sigma(z)) / (1 - 2 * smoothing),
        "ipo": 2 * (z - 0.5),
        "hinge": -1.0 if z < 1 else 0.0,
        "soft": -share * sigma(-z) + (1 - share) * sigma(z),
        "smpo": -(push := 10.0 * (2 * share - 1)) * sigma(-push * z),
        "rank": -sigma(-z),
    }
    for name, expected in closed.items():
        assert slope(name, errors, smoothing=smoothing) == pytest.approx(
            expected, rel=1e-6, abs=1e-7
        )


@given(near_errors)
def test_the_rejected_image_is_pushed_as_hard_as_the_chosen_one(values):
    errors = pair(values)
    chosen, rejected = (e.clone().requires_grad_() for e in (errors.chosen_B, errors.rejected_B))
    value("dpo", replace(errors, chosen_B=chosen, rejected_B=rejected)).sum().backward()
    assert_close(chosen.grad, -rejected.grad)
    assert 0 <= float(chosen.grad) <= KAPPA


@given(four_errors)
def test_swapping_the_images_turns_z_around(values):
    errors = pair(values)
    z, turned = errors.logits_B(KAPPA), swapped(errors).logits_B(KAPPA)
    assert_close(turned, -z)
    assert_close(value("dpo", errors) - value("dpo", swapped(errors)), -z)
    assert_close(implicit_accuracy(z) + implicit_accuracy(turned), torch.ones(1).double())


@pytest.mark.parametrize("name", ["soft", "smpo"])
@given(near_errors, shares)
def test_soft_labels_do_not_mind_which_image_is_called_chosen(name, values, share):
    errors = pair(values, share)
    assert_close(value(name, errors), value(name, swapped(errors)))


@given(near_errors)
def test_objectives_meet_in_their_limits(values):
    errors = pair(values)
    dpo = value("dpo", errors)
    for name in ("cdpo", "robust"):
        assert_close(value(name, errors, smoothing=0.0), dpo)
    assert_close(value("soft", replace(errors, share_B=torch.ones(1).double())), dpo)
    sure = replace(errors, share_B=torch.ones(1).double())
    assert_close(value("smpo", sure, sharpness=1.0), dpo)
    assert_close(value("rank", errors), dpo)
    assert_close(value("dpop", errors, dpop_lambda=0.0), dpo)
    assert_close(value("mapo", errors, mapo_weight=0.0), value("sft", errors))


@given(near_errors, st.floats(0.1, 50.0))
def test_dpo_positive_is_dpo_where_the_chosen_image_gains_and_dearer_where_it_loses(values, anchor):
    errors = pair(values)
    gained = replace(errors, ref_chosen_B=errors.chosen_B + 1e-3)
    assert_close(value("dpop", gained, dpop_lambda=anchor), value("dpo", gained))
    lost = replace(errors, ref_chosen_B=errors.chosen_B - 1e-3)
    assert float(value("dpop", lost, dpop_lambda=anchor)) > float(value("dpo", lost))


def test_an_anchor_costs_what_either_image_lost_and_no_gain_pays_for_it():
    # Of 1 unit lost and 2 gained at κ 2500, only the loss counts, and half of it.
    errors = pair((0.1004, 0.0992, 0.1, 0.1))
    expected = torch.tensor([0.5], dtype=torch.float64)
    assert_close(losses.anchor_loss(errors, LossParams(KAPPA)), expected)
    assert_close(losses.anchor_loss(swapped(errors), LossParams(KAPPA)), expected)


def test_dpo_positive_by_hand():
    # Lw - Rw = 4e-4 and Ll - Rl = 8e-4 are 1 and 2 units at κ 2500: z = 1, and λ = 3 takes 3 away.
    errors = pair((0.1004, 0.1008, 0.1, 0.1))
    expected = torch.tensor([math.log1p(math.exp(2.0))], dtype=torch.float64)
    assert_close(value("dpop", errors, dpop_lambda=3.0), expected)


@given(near_errors, smoothings)
def test_robust_dpo_is_unbiased_under_flipped_votes(values, smoothing):
    errors = pair(values)
    right = value("robust", errors, smoothing=smoothing)
    wrong = value("robust", swapped(errors), smoothing=smoothing)
    assert_close((1 - smoothing) * right + smoothing * wrong, value("dpo", errors))


def at(z: float, share: float = 0.75) -> PairErrors:
    """A pair whose logit is z."""
    return pair((0.1 - z / KAPPA, 0.1, 0.1, 0.1), share)


@given(smoothings, shares)
def test_smoothed_and_soft_labels_stop_at_their_target(smoothing, share):
    assert slope("cdpo", at(math.log((1 - smoothing) / smoothing)), smoothing=smoothing) == (
        pytest.approx(0.0, abs=1e-7)
    )
    assert slope("soft", at(math.log(share / (1 - share)), share)) == pytest.approx(0.0, abs=1e-7)
    assert slope("ipo", at(0.5)) == pytest.approx(0.0, abs=1e-7)


def test_robust_dpo_never_stops_pushing():
    assert slope("robust", at(40.0), smoothing=0.1) == pytest.approx(-0.1 / 0.8)


def test_an_even_vote_teaches_nothing():
    assert slope("soft", at(0.0, 0.5)) == slope("smpo", at(0.0, 0.5)) == slope("smpo", at(2.0, 0.5))
    assert slope("smpo", at(1.0, 0.5)) == 0.0


@given(four_errors, st.floats(0.0, 0.1))
def test_what_both_images_gain_alike_changes_nothing(values, shift):
    errors = pair(values)
    both = replace(errors, chosen_B=errors.chosen_B + shift, rejected_B=errors.rejected_B + shift)
    assert_close(both.logits_B(KAPPA), errors.logits_B(KAPPA), atol=1e-9, rtol=1e-9)
    assert_close(value("ipo", both), value("ipo", errors), atol=1e-6, rtol=1e-9)


@given(near_errors, st.floats(1.0, 5000.0))
def test_z_is_linear_in_kappa_and_a_weak_one_leaves_ln_2(values, kappa):
    errors = pair(values)
    assert_close(errors.logits_B(kappa), kappa * errors.logits_B(1.0))
    assert float(losses.dpo(errors, LossParams(1e-6))) == pytest.approx(LN_2, abs=1e-6)


def test_one_unit_of_z_is_a_four_ten_thousandth_of_error_at_kappa_2500():
    zero = torch.zeros(1)
    assert_close(preference_logits(zero - 4e-4, zero, zero, zero, KAPPA), torch.ones(1))


@given(st.floats(0.0, 200.0))
def test_the_merit_of_mapo_falls_from_one_without_a_gap(x):
    merit = float(mapo_score(torch.tensor([x], dtype=torch.float64)))
    half = 0.5 * x
    exact = 1.0 if half == 0 else half / math.expm1(half)
    assert merit == pytest.approx(exact, rel=1e-6, abs=1e-12)


@given(four_errors)
def test_mapo_never_looks_at_the_reference(values):
    errors = pair(values)
    blind = replace(errors, ref_chosen_B=errors.chosen_B * math.nan, ref_rejected_B=errors.chosen_B)
    assert_close(value("mapo", blind), value("mapo", errors))
    assert_close(value("sft", blind), errors.chosen_B)


def test_mapo_pushes_a_hundred_times_harder_on_the_margin_than_on_the_image():
    """β T s/2 σ(0) = 12.5 at small errors, against 1 for the chosen image's own error."""
    leaf = torch.tensor([1e-6], dtype=torch.float64, requires_grad=True)
    value("mapo", replace(pair((1e-6,) * 4), rejected_B=leaf)).sum().backward()
    assert float(leaf.grad) == pytest.approx(-12.5, rel=1e-3)


@given(near_errors, st.floats(0.0, 3.0))
def test_kto_turns_around_with_its_label_and_ignores_what_reward_and_baseline_share(values, q):
    liked, not_liked = pair(values, baseline=q), pair(values, liked=(-1.0, 1.0), baseline=q)
    assert_close(value("kto", liked) + value("kto", not_liked), torch.ones(1).double())
    shifted = replace(
        liked,
        ref_chosen_B=liked.ref_chosen_B + 1 / KAPPA,
        ref_rejected_B=liked.ref_rejected_B + 1 / KAPPA,
        baseline=liked.baseline + 1,
    )
    assert_close(value("kto", shifted), value("kto", liked))


def test_kto_lets_no_gradient_into_its_baseline():
    errors = replace(pair(), baseline=torch.zeros(1, dtype=torch.float64))
    leaf = errors.chosen_B.clone().requires_grad_()
    value("kto", replace(errors, chosen_B=leaf)).sum().backward()
    assert float(leaf.grad) == pytest.approx(KAPPA * 0.25 / 2)


GOLDEN = {(0, 1): 0.2197, (0, 2): 0.5339, (0, 3): 0.8214, (1, 2): 0.0619, (1, 3): 0.1697}


def test_the_weights_of_a_clear_ranking_of_four_are_these():
    weights = rank_weights(torch.tensor([[1.0, 2 / 3, 1 / 3, 0.0]], dtype=torch.float64))[0]
    for (i, j), expected in (GOLDEN | {(2, 3): 0.0260}).items():
        assert float(weights[i, j]) == pytest.approx(expected, abs=5e-5)
    assert float(weights.triu().sum()) == pytest.approx(1.8325, abs=5e-4)


@given(four_errors)
def test_a_ranking_of_two_is_dpo_with_a_weight(values):
    errors = pair(values)
    gaps = torch.stack(
        [errors.chosen_B - errors.ref_chosen_B, errors.rejected_B - errors.ref_rejected_B], dim=1
    )
    merits = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    weight = float(rank_weights(merits)[0, 0, 1])
    assert weight == pytest.approx(0.5325, abs=5e-5)
    assert_close(rank_dpo(gaps, merits, KAPPA), weight * value("dpo", errors))
    assert_close(
        value("rank", replace(errors, weight_B=torch.tensor([weight]).double())),
        rank_dpo(gaps, merits, KAPPA),
    )


@pytest.mark.slow
@given(st.lists(st.floats(0, 1), min_size=2, max_size=6), st.randoms())
def test_the_order_of_a_list_does_not_matter_and_equal_merits_weigh_nothing(merits, chance):
    order = list(range(len(merits)))
    chance.shuffle(order)
    gaps = [chance.uniform(-1e-3, 1e-3) for _ in merits]
    merit, gap = (torch.tensor([v], dtype=torch.float64) for v in (merits, gaps))
    assert_close(rank_dpo(gap[:, order], merit[:, order], KAPPA), rank_dpo(gap, merit, KAPPA))
    start = rank_dpo(0 * gap, merit, KAPPA)
    assert_close(start, LN_2 * rank_weights(merit).triu().sum(dim=(1, 2)))
    assert float(rank_dpo(gap, torch.full_like(merit, 0.3), KAPPA)) == 0.0


def test_the_error_is_reduced_in_fp32_even_when_the_network_ran_in_bf16():
    predicted_BCHW = torch.randn(2, 4, 16, 16).bfloat16()
    target_BCHW = torch.randn(2, 4, 16, 16)
    error_B = denoising_error(predicted_BCHW, target_BCHW)
    assert error_B.dtype == torch.float32
    assert_close(error_B, (predicted_BCHW.float() - target_BCHW).pow(2).flatten(1).mean(1))


def test_the_error_does_not_depend_on_the_size_of_the_image():
    small = denoising_error(torch.ones(1, 4, 8, 8), torch.zeros(1, 4, 8, 8))
    large = denoising_error(torch.ones(1, 4, 64, 64), torch.zeros(1, 4, 64, 64))
    assert_close(small, large)


@given(st.sampled_from([-1e6, 1e6]), st.sampled_from(["dpo", "cdpo", "soft", "smpo", "kto"]))
def test_an_extreme_margin_stays_finite(z, name):
    errors = at(z)
    assert value(name, errors).isfinite().all() and math.isfinite(slope(name, errors))


def test_the_gradient_at_the_prediction_is_the_closed_form():
    """∂/∂pred_w = κσ(-z) · 2(pred_w - y)/N, per pair, in float64."""
    predicted_BCHW = torch.randn(2, 4, 8, 8, dtype=torch.float64, requires_grad=True)
    target_BCHW = torch.randn(2, 4, 8, 8, dtype=torch.float64)
    chosen_B, rejected_B = (predicted_BCHW - target_BCHW).square().mean(dim=(1, 2, 3)).chunk(2)
    errors = replace(
        pair(),
        chosen_B=chosen_B,
        rejected_B=rejected_B,
        ref_chosen_B=chosen_B.detach() + 2e-4,
        ref_rejected_B=rejected_B.detach(),
    )
    value("dpo", errors).sum().backward()
    scale = KAPPA * sigma(-errors.logits_B(KAPPA).item()) * 2 / predicted_BCHW[0].numel()
    sign = torch.tensor([1.0, -1.0], dtype=torch.float64).view(2, 1, 1, 1)
    assert_close(predicted_BCHW.grad, sign * scale * (predicted_BCHW - target_BCHW).detach())
