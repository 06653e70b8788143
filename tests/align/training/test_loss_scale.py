"""fp16 on a CPU: gradients that would be lost in it, and ones that would leave it."""

from __future__ import annotations

import pytest
import torch

from align.training.loss_scale import GROWTH_INTERVAL, INITIAL_SCALE, LossScale, finite_gradients


def test_only_fp16_is_scaled():
    assert LossScale.of(torch.float16).factor == INITIAL_SCALE
    for other in (None, torch.bfloat16):
        scale = LossScale.of(other)
        assert scale.factor == 1 and not scale.lower()
        scale.keep()
        assert scale.factor == 1


def test_the_factor_falls_at_once_and_grows_again_after_many_steps():
    scale = LossScale.of(torch.float16)
    assert scale.lower() and scale.factor == INITIAL_SCALE / 2
    for _ in range(GROWTH_INTERVAL):
        scale.keep()
    assert (scale.factor, scale.steps) == (INITIAL_SCALE, 0)


def gradient_of(scale, loss_factor):
    """The gradient of a small network in fp16, its weights in fp32, and its norm."""
    torch.manual_seed(0)
    layer, seen = torch.nn.Linear(8, 8), torch.rand(4, 8)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)

    def backward():
        with torch.autocast("cpu", dtype=torch.float16):
            found = layer(seen)
        (found.float().sum() * loss_factor * scale.factor).backward()
        return scale.factor

    used, norm = finite_gradients(
        scale, optimizer, backward, lambda: torch.nn.utils.clip_grad_norm_(layer.parameters(), 1e9)
    )
    return layer.weight.grad, used, norm


@pytest.mark.slow
def test_gradients_too_small_for_fp16_are_kept():
    true, _, _ = gradient_of(LossScale(1.0), 1.0)
    lost, _, _ = gradient_of(LossScale(1.0), 1e-9)
    kept, _, _ = gradient_of(LossScale.of(torch.float16), 1e-9)
    assert not lost.any()
    assert torch.allclose(kept * 1e9, true, rtol=0.05)


def test_gradients_too_large_for_fp16_are_taken_again_with_less():
    true, _, _ = gradient_of(LossScale(1.0), 1.0)
    scale = LossScale.of(torch.float16)
    taken, used, norm = gradient_of(scale, 1000.0)
    assert 1 < used == scale.factor < INITIAL_SCALE
    assert torch.allclose(taken / 1000, true, rtol=0.01)
    assert norm == pytest.approx(float(true.square().sum().add(8 * 16).sqrt()) * 1000, rel=0.1)


def test_what_no_factor_helps_is_told_by_the_norm():
    _, used, norm = gradient_of(LossScale.of(torch.float16), float("inf"))
    assert used == 1 and not norm < float("inf")
