"""Diffusion-DPO where the answer is known by hand, then by symmetry and gradient."""

from __future__ import annotations

import math

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from align.loss import (
    denoising_error,
    diffusion_dpo_loss,
    implicit_accuracy,
    preference_logits,
)

errors = st.lists(st.floats(0.0, 1 / 128, width=32), min_size=4, max_size=4).map(
    lambda values: [torch.tensor([value]) for value in values]
)


def test_a_policy_equal_to_its_reference_scores_ln_2():
    errors_B = torch.rand(2, 5)
    logits_B = preference_logits(*errors_B, *errors_B, kappa=2500.0)
    assert_close(diffusion_dpo_loss(logits_B), torch.full((5,), math.log(2)))
    assert implicit_accuracy(logits_B).tolist() == [0.5] * 5


def test_one_unit_of_z_is_a_four_ten_thousandth_of_error_at_kappa_2500():
    zero = torch.zeros(1)
    logits = preference_logits(torch.tensor([-4e-4]), zero, zero, zero, kappa=2500.0)
    assert_close(logits, torch.ones(1))
    assert_close(diffusion_dpo_loss(logits), torch.tensor([math.log1p(math.exp(-1.0))]))


@given(errors)
def test_swapping_the_pictures_turns_z_around(values):
    chosen, rejected, ref_chosen, ref_rejected = values
    z = preference_logits(chosen, rejected, ref_chosen, ref_rejected, 2500.0)
    swapped = preference_logits(rejected, chosen, ref_rejected, ref_chosen, 2500.0)
    assert_close(swapped, -z)
    difference = diffusion_dpo_loss(z) - diffusion_dpo_loss(swapped)
    assert_close(difference, -z, atol=1e-4, rtol=1e-4)
    assert_close(implicit_accuracy(z) + implicit_accuracy(swapped), torch.ones(1))


@given(errors, st.floats(0.0, 0.01))
def test_what_both_pictures_gain_alike_changes_nothing(values, shift):
    chosen, rejected, ref_chosen, ref_rejected = (value.double() for value in values)
    z = preference_logits(chosen, rejected, ref_chosen, ref_rejected, 2500.0)
    both = preference_logits(chosen + shift, rejected + shift, ref_chosen, ref_rejected, 2500.0)
    assert_close(both, z, atol=1e-9, rtol=1e-9)


@given(errors)
def test_the_gradient_is_kappa_sigma_of_minus_z(values):
    chosen, rejected, ref_chosen, ref_rejected = (value.double() for value in values)
    chosen.requires_grad_()
    rejected.requires_grad_()
    z = preference_logits(chosen, rejected, ref_chosen, ref_rejected, 2500.0)
    diffusion_dpo_loss(z).sum().backward()
    expected = 2500.0 * torch.sigmoid(-z.detach())
    assert_close(chosen.grad, expected)
    assert_close(rejected.grad, -expected)


def test_preferring_the_chosen_picture_more_lowers_the_loss():
    same = torch.full((1,), 0.1)
    better = preference_logits(same - 1e-4, same, same, same, 2500.0)
    worse = preference_logits(same, same - 1e-4, same, same, 2500.0)
    assert diffusion_dpo_loss(better) < math.log(2) < diffusion_dpo_loss(worse)


def test_the_error_is_reduced_in_fp32_even_when_the_network_ran_in_bf16():
    predicted_BCHW = torch.randn(2, 4, 16, 16).bfloat16()
    target_BCHW = torch.randn(2, 4, 16, 16)
    error_B = denoising_error(predicted_BCHW, target_BCHW)
    assert error_B.dtype == torch.float32
    assert_close(error_B, (predicted_BCHW.float() - target_BCHW).pow(2).flatten(1).mean(1))


def test_the_error_does_not_depend_on_the_size_of_the_picture():
    small = denoising_error(torch.ones(1, 4, 8, 8), torch.zeros(1, 4, 8, 8))
    large = denoising_error(torch.ones(1, 4, 64, 64), torch.zeros(1, 4, 64, 64))
    assert_close(small, large)


def test_an_extreme_margin_stays_finite():
    z = torch.tensor([-1e6, 1e6])
    assert_close(diffusion_dpo_loss(z), torch.tensor([1e6, 0.0]))
