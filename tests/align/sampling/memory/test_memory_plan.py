"""The plan of rendering in little memory, by numbers known by hand."""

from __future__ import annotations

import pytest

from align.sampling.memory.plan import (
    ALLOWANCE,
    GIB,
    TILED_BELOW,
    USABLE_FRACTION,
    MemoryPlan,
    Offload,
    SizeNeeds,
    Stage,
    WeightNeeds,
    choose_plan,
    explain,
    next_rung,
)

SIZE = (100, 100)
WEIGHTS = WeightNeeds(
    denoiser=5 * GIB, autoencoder=GIB, text_encoders=(GIB, GIB), unit=GIB // 8, unstreamed=GIB // 8
)
NEEDS = SizeNeeds(SIZE, row=GIB // 4, decode=3 * GIB, tiled_decode=GIB)
"""An image with guidance takes half a GiB beside 8 GiB of weights."""


def plan_of(usable_gib: float, total_gib: float = 100, guided: bool = True) -> MemoryPlan | None:
    """The plan where so much can be used after all allowances."""
    room = int((usable_gib * GIB + ALLOWANCE) / USABLE_FRACTION) + 2
    return choose_plan(WEIGHTS, NEEDS, guided, room, int(total_gib * GIB))


def test_what_fits_whole_stays_on_the_card_and_the_rest_is_for_images():
    plan = plan_of(12)
    assert (plan.offload, plan.tiled) == (Offload.NOTHING, False)
    assert plan.images(SIZE, guided=True) == 8 and plan.images(SIZE, guided=False) == 16
    assert plan.decoded(SIZE) == 1


def test_images_of_another_size_are_counted_by_their_pixels():
    plan = plan_of(12)
    assert plan.images((200, 100), guided=True) == 4 and plan.images((50, 100), True) == 16
    assert plan.images((4000, 4000), guided=True) == 1, "never none"


def test_decoding_in_tiles_comes_before_anything_leaves_the_card():
    plan = plan_of(10)
    assert (plan.offload, plan.tiled, plan.decoded(SIZE)) == (Offload.NOTHING, True, 2)


def test_encoders_leave_the_card_before_the_denoiser_does():
    assert plan_of(8.9).offload is Offload.ENCODERS
    # The autoencoder visits beside the denoiser, and needs a tile: 5 + 1 + 1.
    assert plan_of(7).offload is Offload.ENCODERS
    assert plan_of(6.9).offload is Offload.DENOISER


def test_what_does_not_fit_part_by_part_has_no_plan():
    # Of the denoiser 1/8 stays; the autoencoder and a tile take 2 GiB beside it.
    assert plan_of(2.125).offload is Offload.DENOISER
    assert plan_of(2.1) is None


def test_small_cards_decode_in_tiles_even_where_a_whole_image_would_fit():
    assert plan_of(12, total_gib=TILED_BELOW / GIB).tiled is False
    assert plan_of(12, total_gib=TILED_BELOW / GIB - 0.1).tiled is True


def test_images_that_are_no_larger_than_a_tile_are_decoded_whole():
    small = SizeNeeds(SIZE, row=GIB // 4, decode=GIB, tiled_decode=GIB)
    plan = choose_plan(WEIGHTS, small, True, 100 * GIB, 8 * GIB)
    assert not plan.tiled


def test_what_was_offloaded_for_want_of_memory_stays_off():
    plan = choose_plan(WEIGHTS, NEEDS, True, 100 * GIB, 100 * GIB, Offload.ENCODERS)
    assert plan.offload is Offload.ENCODERS


def test_two_plans_together_are_as_strict_as_either():
    first = MemoryPlan(pass_pixels=10, tiled=True)
    second = MemoryPlan(decode_pixels=5, offload=Offload.ENCODERS)
    assert first.stricter(second) == MemoryPlan(10, 5, True, Offload.ENCODERS)


@pytest.mark.parametrize("stage", Stage)
def test_the_ladder_halves_then_tiles_then_offloads_and_then_ends(stage):
    plan, tried, rungs = MemoryPlan(), 5, []
    while rung := next_rung(plan, stage, tried, 100, offloads=True):
        plan, tried = plan.stricter(rung), max(1, tried // 2)
        rungs.append(rung)
    name = "decode_pixels" if stage is Stage.DECODING else "pass_pixels"
    assert rungs[:2] == [MemoryPlan(**{name: 200}), MemoryPlan(**{name: 100})]
    # A pass of the denoiser decodes nothing, so that tiles would not help it.
    tiles = [] if stage is Stage.DENOISING else [MemoryPlan(tiled=True)]
    assert rungs[2:] == [
        *tiles,
        MemoryPlan(offload=Offload.ENCODERS),
        MemoryPlan(offload=Offload.DENOISER),
    ]


def test_on_shared_memory_everything_stays_in_place_or_there_is_no_plan():
    room = 9 * GIB
    assert choose_plan(WEIGHTS, NEEDS, True, room, room).offload is Offload.ENCODERS
    assert choose_plan(WEIGHTS, NEEDS, True, room, room, most=Offload.NOTHING) is None


def test_where_main_memory_is_the_devices_own_nothing_is_offloaded():
    plan = MemoryPlan(tiled=True)
    assert next_rung(plan, Stage.OTHER, 1, 100, offloads=False) is None


def test_what_is_done_for_want_of_memory_is_one_sentence():
    assert explain(MemoryPlan(), SIZE, True) == ""
    plan = MemoryPlan(pass_pixels=20_000, tiled=True, offload=Offload.DENOISER)
    assert explain(plan, SIZE, True) == (
        "For want of memory it renders 1 image at a time, decodes them in tiles and brings the "
        "network to the card part by part, which takes longer."
    )
    assert "2 images at a time" in explain(MemoryPlan(pass_pixels=40_000), SIZE, True)
