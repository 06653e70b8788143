from __future__ import annotations

import pytest
import torch
from diffusers import (
    CMStochasticIterativeScheduler,
    DDPMScheduler,
    DPMSolverMultistepScheduler,
    EDMDPMSolverMultistepScheduler,
    EDMEulerScheduler,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    UniPCMultistepScheduler,
)
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from align.data.batch import NoiseSample, noise_samples_of_step
from align.diffusion.noise import epoch_order, sample_noise
from align.diffusion.schedules import (
    corrupt,
    edm_sigma,
    flow_time,
    network_timesteps,
    training_scheduler,
    usable_timesteps,
)
from align.errors import WrongModel

pytestmark = pytest.mark.slow

SHAPE = (4, 8, 8)


@given(st.integers(0, 2**31), st.text(max_size=20), st.integers(0, 10_000))
def test_equal_keys_give_equal_samples(seed, pair, index):
    noise, timestep = sample_noise(seed, pair, index, SHAPE, 1000)
    again, timestep_again = sample_noise(seed, pair, index, SHAPE, 1000)
    assert torch.equal(noise, again) and timestep == timestep_again
    assert 0 <= timestep < 1000


def test_every_part_of_the_key_matters():
    noise, _ = sample_noise(0, "pair", 0, SHAPE, 1000)
    for key in ((1, "pair", 0), (0, "other", 0), (0, "pair", 1)):
        assert not torch.equal(noise, sample_noise(*key, SHAPE, 1000)[0])


def test_timesteps_of_a_pair_cover_the_schedule_evenly():
    timesteps = torch.tensor([sample_noise(0, "pair", k, (1,), 1000)[1] for k in range(100)])
    assert torch.histc(timesteps.float(), bins=10, min=0, max=1000).min() >= 9


def test_noise_is_standard_normal():
    values = torch.stack([sample_noise(0, "pair", k, SHAPE, 1000)[0] for k in range(200)])
    assert abs(values.mean()) < 0.01 and abs(values.std() - 1) < 0.01


def test_epsilon_models_predict_the_noise_and_v_models_the_velocity():
    latents, noise = torch.randn(3, *SHAPE), torch.randn(3, *SHAPE)
    timesteps = torch.tensor([1, 500, 998])
    epsilon, v = DDPMScheduler(), DDPMScheduler(prediction_type="v_prediction")
    noisy, target = corrupt(epsilon, latents, noise, timesteps)
    assert torch.equal(target, noise)
    _, velocity = corrupt(v, latents, noise, timesteps)
    alpha = epsilon.alphas_cumprod[timesteps].sqrt().view(-1, 1, 1, 1)
    sigma = (1 - alpha**2).sqrt()
    assert_close(noisy, alpha * latents + sigma * noise)
    assert_close(velocity, alpha * noise - sigma * latents)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 5))
def test_every_epoch_visits_every_pair_once(count, batch, seed):
    steps = -(-3 * count // batch)
    samples = [d for step in range(steps) for d in noise_samples_of_step(step, batch, count, seed)]
    for epoch in range(3):
        rows = sorted(d.row for d in samples if d.index == epoch)
        assert rows == list(range(count))
    assert len(set(samples)) == len(samples)


def test_the_order_changes_from_epoch_to_epoch():
    assert epoch_order(0, 0, 50) != epoch_order(0, 1, 50)
    assert noise_samples_of_step(0, 2, 50, 0) == [
        NoiseSample(row, 0) for row in epoch_order(0, 0, 50)[:2]
    ]


def test_a_flow_model_goes_straight_from_image_to_noise_by_its_own_shift():
    latents, noise = torch.randn(3, *SHAPE), torch.randn(3, *SHAPE)
    timesteps = torch.tensor([0, 499, 999])
    for shift in (1.0, 3.0):
        flow = FlowMatchEulerDiscreteScheduler(shift=shift)
        noisy, target = corrupt(flow, latents, noise, timesteps)
        time = flow_time(flow, timesteps).view(-1, 1, 1, 1)
        assert_close(noisy, (1 - time) * latents + time * noise)
        assert_close(target, noise - latents)
        assert_close(noisy[2], noise[2])
        # The scheduler's own table, which runs from pure noise down.
        table = flow.timesteps.flip(0)
        assert_close(network_timesteps(flow, timesteps), table[timesteps])


@given(st.integers(0, 998), st.integers(0, 2**31))
def test_errors_of_epsilon_v_and_flow_predictions_are_multiples_of_each_other(step, seed):
    """‖ε-ε̂‖² = ᾱ‖v-v̂‖² and, for a flow, (1-t)²‖u-û‖²: a mistake in x₀ seen in each form."""
    generator = torch.Generator().manual_seed(seed)
    latents, wrong, noise = (torch.randn(1, *SHAPE, generator=generator).double() for _ in range(3))
    at, v = torch.tensor([step]), DDPMScheduler(prediction_type="v_prediction")
    noisy, target = corrupt(v, latents, noise, at)
    alpha = v.alphas_cumprod[step].double().sqrt()
    sigma = (1 - alpha**2).sqrt()
    guessed_noise = (noisy - alpha * wrong) / sigma
    guessed_v = alpha * guessed_noise - sigma * wrong
    assert_close((noise - guessed_noise).square().sum(),
                 alpha**2 * (target - guessed_v).square().sum(), rtol=1e-4, atol=1e-6)  # fmt: skip
    flow = FlowMatchEulerDiscreteScheduler()
    noisy, target = corrupt(flow, latents, noise, at)
    time = flow_time(flow, at).double()
    velocity = (noisy - wrong) / time
    guessed_noise = noisy + (1 - time) * velocity
    scaled = (1 - time) ** 2 * (target - velocity).square()
    assert_close((noise - guessed_noise).square().sum(), scaled.sum(), rtol=1e-4, atol=1e-6)


def test_a_timestep_without_any_signal_is_left_out_for_epsilon_models_alone():
    zero_snr = {"rescale_betas_zero_snr": True}
    assert usable_timesteps(DDPMScheduler(**zero_snr)) == 999
    assert usable_timesteps(DDPMScheduler(**zero_snr, prediction_type="v_prediction")) == 1000
    assert usable_timesteps(DDPMScheduler()) == 1000
    assert usable_timesteps(FlowMatchEulerDiscreteScheduler()) == 1000


def test_the_pipeline_s_own_scheduler_decides():
    assert isinstance(training_scheduler(EulerDiscreteScheduler()), DDPMScheduler)
    flow = training_scheduler(FlowMatchEulerDiscreteScheduler(shift=3.0))
    assert flow.config.shift == 3.0
    told = {"use_flow_sigmas": True, "prediction_type": "flow_prediction", "flow_shift": 2.5}
    for solver in (UniPCMultistepScheduler(**told), DPMSolverMultistepScheduler(**told)):
        flow = training_scheduler(solver)
        assert isinstance(flow, FlowMatchEulerDiscreteScheduler)
        assert flow.config.shift == 2.5


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_a_perfect_edm_network_gives_the_image_back(prediction):
    settings = {"sigma_min": 0.002, "sigma_max": 80.0, "sigma_data": 0.5}
    made = EDMDPMSolverMultistepScheduler(prediction_type=prediction, **settings)
    scheduler = training_scheduler(made)
    latents, noise = torch.randn(4, 3, 2, 2), torch.randn(4, 3, 2, 2)
    timesteps = torch.tensor([0, 400, 700, 999])

    seen, target = corrupt(scheduler, latents, noise, timesteps)

    sigma = edm_sigma(scheduler, timesteps).view(-1, 1, 1, 1)
    x = latents + sigma * noise
    assert torch.allclose(seen, made.precondition_inputs(x, sigma), atol=1e-5)
    found = made.precondition_outputs(x, target, sigma)
    assert torch.allclose(found, latents, atol=1e-3)
    told = network_timesteps(scheduler, timesteps)
    assert torch.allclose(told, made.precondition_noise(sigma).flatten())


def test_edm_noise_grows_with_the_timestep_and_stays_in_range():
    scheduler = training_scheduler(EDMEulerScheduler(sigma_min=0.02, sigma_max=5.0))
    sigma = edm_sigma(scheduler, torch.arange(1000))
    assert bool((sigma.diff() >= 0).all())
    assert (sigma.min(), sigma.max()) == (torch.tensor(0.02), torch.tensor(5.0))
    middle = edm_sigma(scheduler, torch.tensor([499, 500])).log().mean()
    assert float(middle) == pytest.approx(-1.2, abs=1e-3)


@pytest.mark.parametrize(
    ("scheduler", "words"),
    [
        (FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True), "flow"),
        (DPMSolverMultistepScheduler(use_flow_sigmas=True), "flow-matching model"),
        (EulerDiscreteScheduler(prediction_type="noise_and_hope"), "predicts 'noise_and_hope'"),
        (CMStochasticIterativeScheduler(), "CMStochasticIterativeScheduler, a scheduler whose"),
    ],
)
def test_what_cannot_be_trained_right_is_refused(scheduler, words):
    with pytest.raises(WrongModel, match=words):
        training_scheduler(scheduler)
