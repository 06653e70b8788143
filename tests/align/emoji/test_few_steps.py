"""Consistency distillation, on a path that is known by hand."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from diffusers import UniPCMultistepScheduler
from torch.testing import assert_close

from align.emoji.few_steps import DenoisingPath, TextConditioning, inconsistency, pseudo_huber
from align.emoji.settings import FewStepsSettings
from align.errors import InvalidSettings

pytestmark = pytest.mark.slow

B, C, SIDE = 3, 2, 4
CLEAN = torch.randn(B, C, SIDE, SIDE, generator=torch.manual_seed(0))
NOISE = torch.randn(B, C, SIDE, SIDE, generator=torch.manual_seed(1))
TEXT = TextConditioning(torch.ones(B, 5, 8), torch.ones(B, 8), torch.zeros(B, 6))


class OneImage:
    """A network that knows the one clean image of each batch, and so its exact velocity.

    Without conditioning it is off by `offset`, which guidance then carries on.
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


def make_path(offset: float = 0.0, prediction: str = "v_prediction", **settings) -> DenoisingPath:
    schedule = UniPCMultistepScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        prediction_type=prediction,
        rescale_betas_zero_snr=True,
    )
    pipeline = SimpleNamespace(unet=OneImage(schedule, offset), scheduler=schedule)
    return DenoisingPath(pipeline, FewStepsSettings(**settings))  # type: ignore[arg-type]


def test_a_model_that_predicts_noise_is_refused():
    with pytest.raises(InvalidSettings, match=r"velocities, not epsilon"):
        make_path(prediction="epsilon")


def test_the_route_leads_from_pure_noise_to_the_image():
    path = make_path(stretches=4)
    assert path.timestep_N1.tolist() == [0, 249, 499, 749, 999]
    assert path.signal_N1[0] == 1 and path.signal_N1[-1] < 1e-6
    first, last = torch.zeros(B, dtype=torch.long), torch.full((B,), 4)
    assert_close(path.add_noise(CLEAN, NOISE, last), NOISE, atol=1e-3, rtol=0)
    assert_close(path.add_noise(CLEAN, NOISE, first), CLEAN)


@pytest.mark.parametrize("place", [1, 2, 4])
def test_a_step_of_an_exact_model_stays_on_the_path(place):
    path, index_B = make_path(stretches=4), torch.full((B,), place)
    next_BCHW = path.ddim_step(path.add_noise(CLEAN, NOISE, index_B), index_B, TEXT)
    assert_close(next_BCHW, path.add_noise(CLEAN, NOISE, index_B - 1), atol=1e-3, rtol=1e-3)


def test_at_its_end_the_path_is_where_it_is_whatever_the_network_says():
    anything = torch.randn(B, C, SIDE, SIDE)
    assert torch.equal(
        make_path().predict_clean(anything, torch.zeros(B, dtype=torch.long), TEXT), anything
    )


def test_an_exact_model_agrees_with_itself_from_everywhere():
    index_B = torch.tensor([1, 20, 40])
    assert_close(
        inconsistency(make_path(stretches=40), CLEAN, NOISE, index_B, TEXT),
        torch.zeros(B, C, SIDE, SIDE),
        atol=1e-3,
        rtol=0,
    )


def test_the_adapter_learns_where_the_guided_model_goes():
    index_B = torch.full((B,), 40)
    # From pure noise the velocity is minus the image: guidance 4 takes 3 times the offset off it.
    next_noisy = make_path(offset=0.1, stretches=40, guidance=4.0).ddim_step(NOISE, index_B, TEXT)
    path = make_path(stretches=40)
    noise = path.add_noise(CLEAN + 0.3, NOISE, index_B - 1)
    assert_close(next_noisy, noise, atol=2e-3, rtol=1e-3)


def test_small_errors_count_by_their_square_and_large_ones_as_they_are():
    assert pseudo_huber(torch.full((2, 3), 1e-5), 1e-2).item() == pytest.approx(5e-9, rel=0.01)
    assert pseudo_huber(torch.full((2, 3), 5.0), 1e-3).item() == pytest.approx(5.0, rel=1e-3)
    assert pseudo_huber(torch.zeros(2, 3), 1e-3).item() == 0
