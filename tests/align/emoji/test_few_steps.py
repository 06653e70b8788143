"""Consistency distillation, on a path that is known by hand."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from diffusers import UniPCMultistepScheduler
from torch.testing import assert_close

from align.emoji.few_steps import Route, Told, inconsistency, pseudo_huber
from align.emoji.settings import FewStepsSettings
from align.errors import InvalidSettings

B, C, SIDE = 3, 2, 4
CLEAN = torch.randn(B, C, SIDE, SIDE, generator=torch.manual_seed(0))
NOISE = torch.randn(B, C, SIDE, SIDE, generator=torch.manual_seed(1))
SAID = Told(torch.ones(B, 5, 8), torch.ones(B, 8), torch.zeros(B, 6))


class OneImage:
    """A network that knows the one clean image of each batch, and so its exact velocity.

    Told nothing it is off by `offset`, which guidance then carries on.
    """

    def __init__(self, schedule, offset: float = 0.0) -> None:
        self._signal_T = schedule.alphas_cumprod
        self._offset = offset

    def __call__(self, noisy_BCHW, timestep_B, encoder_hidden_states, added_cond_kwargs):
        signal_B111 = self._signal_T[timestep_B].view(-1, 1, 1, 1)
        clean_BCHW = CLEAN.repeat(len(noisy_BCHW) // B, 1, 1, 1)
        velocity_BCHW = (signal_B111.sqrt() * noisy_BCHW - clean_BCHW) / (1 - signal_B111).sqrt()
        empty_B111 = (encoder_hidden_states.sum(dim=(1, 2)) == 0).view(-1, 1, 1, 1)
        return SimpleNamespace(sample=velocity_BCHW + self._offset * empty_B111)

    def disable_adapters(self) -> None:
        pass

    def enable_adapters(self) -> None:
        pass


def route(offset: float = 0.0, prediction: str = "v_prediction", **settings) -> Route:
    schedule = UniPCMultistepScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        prediction_type=prediction,
        rescale_betas_zero_snr=True,
    )
    pipeline = SimpleNamespace(unet=OneImage(schedule, offset), scheduler=schedule)
    return Route(pipeline, FewStepsSettings(**settings))  # type: ignore[arg-type]


def test_a_model_that_predicts_noise_is_refused():
    with pytest.raises(InvalidSettings, match=r"velocities, not epsilon"):
        route(prediction="epsilon")


def test_the_route_leads_from_pure_noise_to_the_image():
    path = route(stretches=4)
    assert path.timestep_N1.tolist() == [0, 249, 499, 749, 999]
    assert path.signal_N1[0] == 1 and path.signal_N1[-1] < 1e-6
    first, last = torch.zeros(B, dtype=torch.long), torch.full((B,), 4)
    assert_close(path.noisy(CLEAN, NOISE, last), NOISE, atol=1e-3, rtol=0)
    assert_close(path.noisy(CLEAN, NOISE, first), CLEAN)


@pytest.mark.parametrize("place", [1, 2, 4])
def test_a_step_of_an_exact_model_stays_on_the_path(place):
    path, place_B = route(stretches=4), torch.full((B,), place)
    nearer_BCHW = path.onward(path.noisy(CLEAN, NOISE, place_B), place_B, SAID)
    assert_close(nearer_BCHW, path.noisy(CLEAN, NOISE, place_B - 1), atol=1e-3, rtol=1e-3)


def test_at_its_end_the_path_is_where_it_is_whatever_the_network_says():
    anything = torch.randn(B, C, SIDE, SIDE)
    assert torch.equal(route().end(anything, torch.zeros(B, dtype=torch.long), SAID), anything)


def test_an_exact_model_agrees_with_itself_from_everywhere():
    place_B = torch.tensor([1, 20, 40])
    assert_close(
        inconsistency(route(stretches=40), CLEAN, NOISE, place_B, SAID),
        torch.zeros(B, C, SIDE, SIDE),
        atol=1e-3,
        rtol=0,
    )


def test_the_adapter_learns_where_the_guided_model_goes():
    place_B = torch.full((B,), 40)
    # From pure noise the velocity is minus the image: guidance 4 takes 3 times the offset off it.
    nearer = route(offset=0.1, stretches=40, guidance=4.0).onward(NOISE, place_B, SAID)
    path = route(stretches=40)
    noise = path.noisy(CLEAN + 0.3, NOISE, place_B - 1)
    assert_close(nearer, noise, atol=2e-3, rtol=1e-3)


def test_small_errors_count_by_their_square_and_large_ones_as_they_are():
    assert pseudo_huber(torch.full((2, 3), 1e-5), 1e-2).item() == pytest.approx(5e-9, rel=0.01)
    assert pseudo_huber(torch.full((2, 3), 5.0), 1e-3).item() == pytest.approx(5.0, rel=1e-3)
    assert pseudo_huber(torch.zeros(2, 3), 1e-3).item() == 0
