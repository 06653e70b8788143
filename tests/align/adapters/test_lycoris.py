"""The change of each family is what its definition says, entry by entry."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from align.adapters.low_rank import hadamard, kronecker, product_of
from align.adapters.lycoris import apply_change

pytestmark = pytest.mark.slow


def numbers(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def entries(shape: tuple[int, ...]):
    return product(*map(range, shape))


def delta(parts: dict[str, Tensor], own: Tensor, scale: float = 1.0) -> Tensor:
    weight = apply_change(parts, scale, own, None).weight
    assert weight is not None
    return weight - own


@pytest.mark.slow
def test_a_lora_is_the_product_of_its_halves_times_its_scale():
    up, down, own = numbers(3, 2), numbers(2, 4), numbers(3, 4)
    found = delta({"lora.up": up, "lora.down": down}, own, 0.5)
    for o, i in entries((3, 4)):
        meant = 0.5 * sum(up[o, r] * down[r, i] for r in range(2))
        assert_close(found[o, i], meant, rtol=1e-5, atol=1e-6)


def test_the_middle_of_a_locon_stands_between_its_halves():
    up, mid, down = numbers(3, 2, 1, 1), numbers(2, 2, 3, 3, seed=1), numbers(2, 4, 1, 1, seed=2)
    found = delta({"lora.up": up, "lora.mid": mid, "lora.down": down}, numbers(3, 4, 3, 3))
    for o, i, k, m in entries((3, 4, 3, 3)):
        meant = sum(up[o, a, 0, 0] * mid[a, b, k, m] * down[b, i, 0, 0] for a, b in entries((2, 2)))
        assert_close(found[o, i, k, m], meant, rtol=1e-5, atol=1e-5)


def test_a_loha_multiplies_two_products_entry_by_entry():
    parts = {f"loha.w{n}_a": numbers(3, 2, seed=n) for n in (1, 2)}
    parts |= {f"loha.w{n}_b": numbers(2, 4, seed=n + 2) for n in (1, 2)}
    own = numbers(3, 4)
    for o, i in entries((3, 4)):
        halves = [
            sum(parts[f"loha.w{n}_a"][o, r] * parts[f"loha.w{n}_b"][r, i] for r in range(2))
            for n in (1, 2)
        ]
        assert_close(delta(parts, own)[o, i], halves[0] * halves[1], rtol=1e-4, atol=1e-5)
    # As a LoRA its rank is the product of the two.
    factors = product_of("loha", parts)
    assert factors is not None and factors.rank == 4
    assert_close(factors.whole, hadamard(parts), rtol=1e-4, atol=1e-5)


def test_a_loha_of_convolutions_in_tuckers_form_has_a_core_for_each_half():
    parts = {f"loha.w{n}_a": numbers(2, 3, seed=n) for n in (1, 2)}
    parts |= {f"loha.w{n}_b": numbers(2, 4, seed=n + 2) for n in (1, 2)}
    parts |= {f"loha.t{n}": numbers(2, 2, 3, 3, seed=n + 4) for n in (1, 2)}
    found = delta(parts, numbers(3, 4, 3, 3))
    for o, i, k, m in entries((3, 4, 3, 3)):
        halves = [
            sum(
                parts[f"loha.t{n}"][a, b, k, m]
                * parts[f"loha.w{n}_a"][a, o]
                * parts[f"loha.w{n}_b"][b, i]
                for a, b in entries((2, 2))
            )
            for n in (1, 2)
        ]
        assert_close(found[o, i, k, m], halves[0] * halves[1], rtol=1e-4, atol=1e-5)


LARGE = numbers(3, 5, seed=1)
LARGE_A, LARGE_B = numbers(3, 2, seed=2), numbers(2, 5, seed=3)
SMALL = numbers(2, 4)
SMALL_A, SMALL_B = numbers(2, 1, seed=4), numbers(1, 4, seed=5)


@pytest.mark.parametrize(
    ("parts", "small", "large"),
    [
        ({"lokr.w1": SMALL, "lokr.w2": LARGE}, SMALL, LARGE),
        ({"lokr.w1": SMALL, "lokr.w2_a": LARGE_A, "lokr.w2_b": LARGE_B}, SMALL, LARGE_A @ LARGE_B),
        ({"lokr.w1": SMALL.T, "lokr.w2_a": LARGE_A, "lokr.w2_b": LARGE_B}, SMALL.T,
         LARGE_A @ LARGE_B),
        ({"lokr.w1_a": SMALL_A, "lokr.w1_b": SMALL_B, "lokr.w2": LARGE}, SMALL_A @ SMALL_B, LARGE),
        ({"lokr.w1_a": SMALL_A, "lokr.w1_b": SMALL_B, "lokr.w2_a": LARGE_A, "lokr.w2_b": LARGE_B},
         SMALL_A @ SMALL_B, LARGE_A @ LARGE_B),
    ],
    ids=["whole", "large in two", "upright", "small in two", "both in two"],
)  # fmt: skip
def test_a_lokr_puts_the_large_matrix_at_every_entry_of_the_small_one(parts, small, large):
    rows, columns = len(small) * 3, small.shape[1] * 5
    found = delta(parts, numbers(rows, columns), 0.5)
    for o, i in entries((rows, columns)):
        meant = 0.5 * small[o // 3, i // 5] * large[o % 3, i % 5]
        assert_close(found[o, i], meant, rtol=1e-4, atol=1e-5)
    factors = product_of("lokr", parts)
    assert (factors is None) == ("lokr.w2" in parts)
    if factors is not None:
        assert_close(factors.whole, kronecker(parts), rtol=1e-4, atol=1e-5)


def test_a_lokr_of_convolutions_repeats_the_kernel():
    parts = {"lokr.w1": SMALL, "lokr.w2_a": numbers(2, 3), "lokr.w2_b": numbers(2, 5, seed=1)}
    parts["lokr.t2"] = numbers(2, 2, 3, 3, seed=2)
    found = delta(parts, numbers(6, 20, 3, 3))
    for o, i, k, m in entries((6, 20, 3, 3)):
        large = sum(
            parts["lokr.t2"][a, b, k, m]
            * parts["lokr.w2_a"][a, o % 3]
            * parts["lokr.w2_b"][b, i % 5]
            for a, b in entries((2, 2))
        )
        assert_close(found[o, i, k, m], SMALL[o // 3, i // 5] * large, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("kernel", [(), (3, 3)], ids=["linear", "convolution"])
def test_a_glora_changes_the_input_of_its_layer_and_adds_a_product(old, kernel):
    ones = (1, 1) if kernel else ()
    a1, a2 = numbers(4, 2, *ones), numbers(2, 4, *ones, seed=1)
    b1, b2 = numbers(3, 2, *ones, seed=2), numbers(2, 4, *kernel, seed=3)
    # LyCORIS once stored each product's matrices the other way round.
    pairs = ((a2, a1), (b2, b1)) if old else ((a1, a2), (b1, b2))
    parts = {f"glora.{p}{n + 1}": pairs[i][n] for i, p in enumerate("ab") for n in (0, 1)}
    own = numbers(3, 4, *kernel, seed=4)
    mixed = a1.flatten(1) @ a2.flatten(1)
    meant = torch.einsum("oi...,ij->oj...", own, mixed)
    meant = meant + torch.einsum("or,ri...->oi...", b1.flatten(1), b2)
    assert_close(delta(parts, own, 0.5), 0.5 * meant, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("by_input", [False, True])
@pytest.mark.parametrize("kernel", [(), (3, 3)], ids=["linear", "convolution"])
def test_an_ia3_stretches_a_layers_outputs_or_inputs(by_input, kernel):
    own = numbers(3, 4, *kernel)
    factors = numbers(4 if by_input else 3)
    shape = (1, -1, 1, 1) if kernel else (-1,)
    parts = {"any.weight": factors.reshape(shape), "ia3.on_input": torch.tensor(by_input)}
    found = apply_change(parts, 1.0, own, None).weight
    for o, i in entries((3, 4)):
        meant = own[o, i] * (1 + factors[i if by_input else o])
        assert_close(found[o, i], meant, rtol=1e-5, atol=1e-6)


def turned_by_hand(blocks: Tensor) -> Tensor:
    """The orthogonal matrix of each block: (1 + Q) (1 - Q)⁻¹ with Q skew."""
    skew = blocks - blocks.transpose(-1, -2)
    one = torch.eye(blocks.shape[-1])
    return torch.linalg.solve((one - skew).transpose(-1, -2), (one + skew).transpose(-1, -2)).mT


def test_an_oft_turns_each_block_of_outputs():
    blocks, own = numbers(3, 2, 2), numbers(6, 4, seed=1)
    found = apply_change({"oft.blocks": blocks}, 0.0, own, None).weight
    turns = turned_by_hand(blocks)
    for o, i in entries((6, 4)):
        meant = sum(turns[o // 2, n, o % 2] * own[o // 2 * 2 + n, i] for n in range(2))
        assert_close(found[o, i], meant, rtol=1e-4, atol=1e-5)
    # Turning keeps lengths.
    assert_close(found.norm(), own.norm())


def test_a_butterfly_turns_ever_farther_apart_and_keeps_lengths():
    blocks, own = numbers(2, 2, 4, 4), numbers(8, 3, seed=1)
    found = apply_change({"oft.blocks": blocks}, 0.0, own, None).weight
    turns, rows = turned_by_hand(blocks), own
    for stage in range(2):
        stride = 2**stage * 2
        # Outputs o and o + stride stand side by side, then come blocks of four.
        order = [c * 2 * stride + g * stride + k for c in range(4 // stride) for k in range(stride)
                 for g in range(2)]  # fmt: skip
        mixed = torch.block_diag(*turns[stage]) @ rows[order]
        rows = torch.empty_like(mixed)
        rows[order] = mixed
    assert_close(found, rows, rtol=1e-4, atol=1e-5)
    assert_close(found.norm(), own.norm())


def test_the_bound_of_an_oft_is_a_share_of_the_width():
    blocks, own = numbers(3, 2, 2), numbers(6, 4, seed=1)
    skew = blocks - blocks.mT
    smaller = blocks * (6 * 0.01 / skew.norm())
    bounded = apply_change({"oft.blocks": blocks}, 0.01, own, None).weight
    assert_close(bounded, apply_change({"oft.blocks": smaller}, 0.0, own, None).weight)
    loose = apply_change({"oft.blocks": blocks}, 100.0, own, None).weight
    assert_close(loose, apply_change({"oft.blocks": blocks}, 0.0, own, None).weight)


@pytest.mark.parametrize("by_input", [False, True])
@pytest.mark.parametrize("kernel", [(), (3, 3)], ids=["linear", "convolution"])
def test_a_dora_has_the_length_that_it_learned_of_each_output_or_input(by_input, kernel):
    own = numbers(3, 4, *kernel)
    ones = (1, 1) if kernel else ()
    up, down = numbers(3, 2, *ones), numbers(2, 4, *kernel, seed=1)
    lengths = numbers(*((1, 4) if by_input else (3, 1)), *ones, seed=2).abs()
    parts = {"lora.up": up, "lora.down": down, "any.dora_scale": lengths}
    found = apply_change(parts, 0.5, own, None).weight
    plain = own + delta({"lora.up": up, "lora.down": down}, own, 0.5)
    for n in range(4 if by_input else 3):
        mine, other = (found[:, n], plain[:, n]) if by_input else (found[n], plain[n])
        assert_close(mine, other / other.norm() * lengths.flatten()[n], rtol=1e-4, atol=1e-5)


ONES, TWO = torch.ones(2, 2), torch.ones(2)


@pytest.mark.parametrize(
    ("parts", "meant"),
    [
        ({"full.diff": ONES, "full.diff_b": TWO}, ([[1, 3], [1, 1]], [6, 6])),
        ({"full.set_weight": ONES}, ([[1, 1], [1, 1]], None)),
        ({"norm.w_norm": ONES, "norm.b_norm": TWO}, ([[1, 3], [1, 1]], [6, 6])),
        ({"any.bias": TWO}, (None, [1, 1])),
        (
            {"lora.up": torch.ones(2, 1), "lora.down": torch.ones(1, 2), "lora.up_bias": TWO},
            ([[2, 4], [2, 2]], [7, 7]),
        ),
    ],
    ids=["full", "set", "norm", "a tuned bias", "a bias beside a LoRA"],
)  # fmt: skip
def test_differences_are_added_and_whole_weights_put_in_place(parts, meant):
    own, bias = torch.tensor([[0.0, 2], [0, 0]]), torch.tensor([5.0, 5])
    scale = 2.0 if "lora.up" in parts else 1.0
    found = apply_change(parts, scale, own, bias)
    for mine, right in zip((found.weight, found.bias), meant, strict=True):
        assert (mine is None) == (right is None)
        if right is not None:
            assert mine.tolist() == right


@pytest.mark.parametrize(
    "parts",
    [
        {"full.diff": torch.ones(3, 3)},
        {"any.weight": torch.ones(3), "ia3.on_input": torch.tensor(False)},
        {"oft.blocks": torch.ones(2, 2, 2)},
        {"oft.blocks": torch.ones(2)},
        {"full.diff": torch.ones(2, 2), "lora.up": torch.ones(2, 1), "lora.down": torch.ones(1, 2)},
        {"full.diff": torch.ones(2, 2), "any.dora_scale": torch.ones(2, 1)},
        {"full.diff_b": torch.ones(2)},
        {"lora.up": torch.ones(2, 1), "lora.down": torch.ones(3, 2)},
    ],
)
def test_what_does_not_fit_is_no_number_by_chance(parts):
    with pytest.raises((ValueError, RuntimeError)):
        apply_change(parts, 1.0, torch.ones(2, 2), None)
