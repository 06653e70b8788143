"""SDXL at its full size on cards of 8, 12 and 16 GB that count every byte, and refuse more."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from counted_card import META, CountedCard, full_size_pipeline

from align.card_by_shape import CardByShape
from align.contracts.rendering import RenderItem, RenderSettings
from align.device import Compute
from align.errors import DeviceFull, ModelUnavailable
from align.sampling.memory.ladder import MemoryLadder
from align.sampling.memory.needs import weight_needs
from align.sampling.memory.plan import USABLE_FRACTION, MemoryPlan, Offload

pytestmark = pytest.mark.long

GB = 10**9
SIZE = (1024, 1024)
SETTINGS = RenderSettings(*SIZE, 1, 5.0, "blurry", "")
ITEMS = [RenderItem("a cat", seed) for seed in range(2)]
COMPUTE = Compute(META, torch.bfloat16, None)
WEIGHTS = 7.1 * GB
"""UNet 5.1, encoders 1.6, VAE in fp32 0.3."""


@pytest.fixture(scope="module")
def counted():
    """What the sizes need, counted once for all cards."""
    ladder = MemoryLadder(full_size_pipeline(), COMPUTE, CountedCard(16 * GB))
    for size in (SIZE, (512, 512)):
        ladder._planner.fits_empty(size, guided=True)
    return ladder._planner._needs


class Session:
    """A sampler on a card: its ladder, what it told, and what it rendered."""

    def __init__(self, card: CountedCard, needs: dict) -> None:
        self.card, self.told, self.indices = card, [], []
        self.ladder = MemoryLadder(
            full_size_pipeline(), COMPUTE, card, self.told.append, lambda: "ComfyUI uses it."
        )
        self.ladder._planner._needs = needs

    def render(self, items=ITEMS, settings=SETTINGS) -> None:
        with self.card, CardByShape(None):
            self.ladder.place("SDXL", SIZE, guided=True)
            for indices, images in self.ladder.render(items, settings):
                assert {image.size for image in images} == {(settings.width, settings.height)}
                self.indices += indices

    @property
    def plan(self) -> MemoryPlan:
        return self.ladder._plan(SIZE, guided=True)


@pytest.fixture
def on_card(counted):
    """Opens a session on a card of so many GB, of which others hold some, unseen or not."""

    def open_one(size: float, others: float = 0, hidden: float = 0) -> Session:
        sizes = (int(amount * GB) for amount in (size, others, hidden))
        return Session(CountedCard(*sizes), counted)

    return open_one


@pytest.mark.parametrize(
    ("size", "offload", "tiled"),
    [(8, Offload.ENCODERS, True), (12, Offload.NOTHING, True), (16, Offload.NOTHING, False)],
)
def test_the_plan_fits_on_the_card_that_it_was_made_for(on_card, size, offload, tiled):
    session = on_card(size)
    session.render(ITEMS[:1])
    assert session.indices == [0] and session.card.refused == 0
    assert (session.plan.offload, session.plan.tiled) == (offload, tiled)
    # One image is less than fits, and still most of the card is used.
    assert 0.6 * size * GB < session.card.peak < USABLE_FRACTION * size * GB


def test_what_is_on_the_card_is_what_the_plan_says(on_card):
    whole, encoders, units = on_card(16), on_card(8), on_card(16, others=12)
    for session in (whole, encoders, units):
        with session.card:
            session.ladder.place("SDXL", SIZE, guided=True)
    assert whole.card.held == pytest.approx(WEIGHTS, rel=0.01)
    assert encoders.card.held == pytest.approx(5.13 * GB, rel=0.01)
    assert units.card.held < 0.1 * GB


def test_the_autoencoder_is_counted_in_the_format_that_it_is_placed_in():
    pipeline = full_size_pipeline()
    pipeline.vae.to(META).to(torch.bfloat16)
    assert weight_needs(pipeline).autoencoder == pytest.approx(0.335 * GB, rel=0.01)


def test_what_left_the_card_comes_back_to_it(on_card):
    session = on_card(16)
    offloading = session.ladder._offloading
    with session.card:
        session.ladder.place("SDXL", SIZE, guided=True)
        offloading.apply(Offload.DENOISER)
        assert session.card.held < 0.1 * GB
        offloading.apply(Offload.ENCODERS)
        assert session.card.held == pytest.approx(5.13 * GB, rel=0.01)
        offloading.apply(Offload.NOTHING)
    assert session.card.held == pytest.approx(WEIGHTS, rel=0.01)
    assert not session.ladder.pipeline.unet._forward_pre_hooks


def test_what_finds_no_room_on_its_way_back_stays_off_the_card(on_card):
    session = on_card(16)
    offloading = session.ladder._offloading
    with session.card:
        session.ladder.place("SDXL", SIZE, guided=True)
        offloading.apply(Offload.DENOISER)
        session.card.hidden = 14 * GB
        with pytest.raises(torch.OutOfMemoryError):
            offloading.apply(Offload.ENCODERS)
        assert offloading.applied is Offload.DENOISER and session.card.held < 0.1 * GB

        session.card.hidden = 0
        list(session.ladder.render(ITEMS[:1], SETTINGS))
        offloading.apply(Offload.NOTHING)
    assert session.card.held == pytest.approx(WEIGHTS, rel=0.01)
    assert not session.ladder.pipeline.unet._forward_pre_hooks


def test_a_card_that_others_fill_takes_the_network_part_by_part(on_card):
    session = on_card(12, others=8)
    # At 512 x 512 the autoencoder has one tile to decode, not nine.
    session.render(ITEMS[:1], replace(SETTINGS, width=512, height=512))
    assert session.plan.offload is Offload.DENOISER
    assert session.indices == [0] and session.card.refused == 0


def test_where_memory_runs_out_all_the_same_the_request_goes_on(on_card):
    session = on_card(16, hidden=9)
    session.render()
    assert session.card.refused > 0 and session.indices == [0, 1]
    assert session.plan.offload is Offload.ENCODERS and session.plan.tiled
    assert session.told and len(session.told) == len(set(session.told))


def test_too_little_for_anything_names_what_is_free_and_who_holds_the_rest(on_card):
    with pytest.raises(ModelUnavailable) as refused:
        on_card(8, others=7).render()
    assert str(refused.value) == (
        "SDXL does not fit into the memory of the card (0.9 of 7.5 GB are free). ComfyUI uses it. "
        "Close other programs that use it, or choose smaller images; it is tried again."
    )
    session = on_card(16, hidden=15)
    with pytest.raises(DeviceFull, match=r"image of 1024 x 1024 takes more memory .* ComfyUI"):
        session.render()


def test_a_card_that_is_too_small_for_anything_is_not_blamed_on_others(on_card):
    with pytest.raises(
        ModelUnavailable, match=r"with nothing else on the device: .* --devices cpu"
    ):
        on_card(1).render()
