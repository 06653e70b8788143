"""Solvers end where they should, on every kind of schedule, and never change what a model predicts.

The network here is the best one for images of independent normal numbers, which is known by hand.
"""

from __future__ import annotations

import pytest
import torch
from diffusers import (
    DDPMScheduler,
    DPMSolverMultistepScheduler,
    EDMDPMSolverMultistepScheduler,
    EDMEulerScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    FlowMatchHeunDiscreteScheduler,
    LCMScheduler,
    PNDMScheduler,
    UniPCMultistepScheduler,
)
from torch.testing import assert_close

from align.client.model_defaults import FLOW_PREDICTION, schedule_of
from align.contracts.solvers import BETAS, EDM, FLOW, SOLVERS, solver_names
from align.diffusion.schedules import corrupt, training_scheduler
from align.errors import InvalidSettings
from align.families.schedulers import full_config, read_as, with_solver, zero_snr_betas

pytestmark = pytest.mark.slow

NUMPY_2 = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
"""What diffusers' solvers of second order say with it."""

MEAN, DEVIATION = 0.6, 0.4
"""Of the numbers in an image."""
SHAPE = (2, 4, 32, 32)
STEPS = 30
SDXL_BETAS = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
ZERO_SNR = {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}
FLOW_SOLVER = {"use_flow_sigmas": True, "prediction_type": FLOW_PREDICTION, "flow_shift": 3.0}
OWN = {
    "noise": EulerDiscreteScheduler(**SDXL_BETAS, timestep_spacing="leading", steps_offset=1),
    "velocity": EulerDiscreteScheduler(**SDXL_BETAS, **ZERO_SNR, prediction_type="v_prediction"),
    "edm": EDMEulerScheduler(sigma_min=0.002, sigma_max=80.0, sigma_data=0.5),
    "edm velocity": EDMDPMSolverMultistepScheduler(
        sigma_min=0.002, sigma_max=120.0, sigma_data=1.0, sigma_schedule="exponential",
        prediction_type="v_prediction",
    ),
    "flow": FlowMatchEulerDiscreteScheduler(shift=3.0),
    "flow by UniPC": UniPCMultistepScheduler(**FLOW_SOLVER),
    "flow by DPM++": DPMSolverMultistepScheduler(**FLOW_SOLVER),
    "flow by Heun": FlowMatchHeunDiscreteScheduler(shift=3.0),
}  # fmt: skip
CASES = [
    (kind, name)
    for kind, own in OWN.items()
    for name in (type(own).__name__, *solver_names(schedule_of(full_config(own))))
]


def best_network(own, seen, timestep):
    """The prediction of least error for what the network sees, by the model's own schedule."""
    kind, predicts = schedule_of(full_config(own)), own.config.get("prediction_type")
    if kind == EDM:
        sigma = (4 * timestep).exp()
        data = own.config.sigma_data
        noisy = seen * (sigma**2 + data**2) ** 0.5
        best = denoised(noisy, 1.0, sigma)
        skipped = data**2 / (sigma**2 + data**2) * noisy
        scale = sigma * data / (sigma**2 + data**2) ** 0.5
        return (best - skipped) / (scale if predicts == "epsilon" else -scale)
    if kind == FLOW:
        time = timestep / 1000
        best = denoised(seen, 1 - time, time)
        return (seen - best) / time
    signal = interpolated(own.alphas_cumprod.double().clamp(min=2.0**-24), float(timestep))
    alpha, sigma = signal**0.5, (1 - signal) ** 0.5
    best = denoised(seen, alpha, sigma)
    noise = (seen - alpha * best) / sigma
    return noise if predicts == "epsilon" else alpha * noise - sigma * best


def denoised(noisy, alpha, sigma):
    """The mean of the image in alpha · image + sigma · noise."""
    variance = alpha**2 * DEVIATION**2 + sigma**2
    return MEAN + alpha * DEVIATION**2 / variance * (noisy - alpha * MEAN)


def interpolated(signal_T, timestep):
    """ᾱ between whole timesteps, as solvers interpolate it: straight in ln σ."""
    log_sigma_T = 0.5 * ((1 - signal_T) / signal_T).log()
    low = min(int(timestep), len(log_sigma_T) - 2)
    share = timestep - low
    log_sigma = (1 - share) * log_sigma_T[low] + share * log_sigma_T[low + 1]
    return 1 / (1 + (2 * log_sigma).exp())


def walk(scheduler, own, steps=STEPS):
    """Go from noise to images as the pipeline's call does."""
    generator = [torch.Generator().manual_seed(seed) for seed in range(SHAPE[0])]
    scheduler.set_timesteps(steps)
    noise = torch.cat([torch.randn(1, *SHAPE[1:], generator=one) for one in generator])
    x = noise * scheduler.init_noise_sigma
    takes = "generator" in type(scheduler).step.__code__.co_varnames
    for timestep in scheduler.timesteps:
        seen = scheduler.scale_model_input(x, timestep)
        output = best_network(own, seen, timestep).float()
        extra = {"generator": generator} if takes else {}
        x = scheduler.step(output, timestep, x, **extra, return_dict=False)[0]
    return x


@NUMPY_2
@pytest.mark.parametrize(("kind", "name"), CASES)
def test_a_solver_ends_at_images_of_the_right_mean_and_spread(kind, name):
    own = OWN[kind]
    images = walk(with_solver(own, name), own)
    assert images.isfinite().all()
    assert float(images.mean()) == pytest.approx(MEAN, abs=0.03)
    if name not in ("LCM", "TCD"):
        # Those jump, and so keep less of the spread than a network that was distilled for them.
        assert float(images.std()) == pytest.approx(DEVIATION, abs=0.09)


@NUMPY_2
@pytest.mark.parametrize("name", [solver.name for solver in SOLVERS])
@pytest.mark.parametrize("kind", ["noise", "velocity"])
def test_a_solver_keeps_the_betas_and_what_the_model_predicts(kind, name):
    own = OWN[kind]
    made = with_solver(own, name)
    assert made.config.prediction_type == own.config.prediction_type
    signal, told = made.alphas_cumprod.clamp(min=2.0**-24), own.alphas_cumprod
    assert_close(signal, told, rtol=1e-4, atol=1e-7)


@NUMPY_2
@pytest.mark.parametrize("name", solver_names())
def test_few_steps_are_enough_for_every_solver_to_run(name):
    assert walk(with_solver(OWN["noise"], name), OWN["noise"], steps=3).isfinite().all()


def test_steps_of_a_model_without_signal_at_the_end_are_never_spaced_by_noise():
    assert not with_solver(OWN["velocity"], "DPM++ 2M Karras").config.use_karras_sigmas
    assert with_solver(OWN["noise"], "DPM++ 2M Karras").config.use_karras_sigmas


def test_the_model_s_own_solver_is_left_as_it_is():
    own = OWN["noise"]
    assert with_solver(own, "EulerDiscreteScheduler") is own
    assert with_solver(own, "") is own


def test_a_named_solver_spreads_steps_from_the_noisiest_one_down():
    made = with_solver(OWN["noise"], "Euler")
    made.set_timesteps(10)
    assert float(made.timesteps[0]) == 999
    trailing = with_solver(OWN["velocity"], "Euler")
    assert trailing.config.timestep_spacing == "trailing"


def test_a_distilled_model_keeps_its_own_number_of_steps():
    own = LCMScheduler(**SDXL_BETAS, original_inference_steps=8)
    assert with_solver(own, "LCM").config.original_inference_steps == 8


@pytest.mark.parametrize(
    ("kind", "name", "words"),
    [
        ("noise", "Oiler", "There is no sampler 'Oiler'"),
        ("flow", "DDIM", "DDIM cannot render this model"),
        ("edm", "UniPC", r"another kind \(edm\).*Euler, DPM\+\+ 2M"),
    ],
)
def test_a_solver_that_cannot_be_is_refused_with_those_that_can(kind, name, words):
    with pytest.raises(InvalidSettings, match=words):
        with_solver(OWN[kind], name)


@pytest.mark.parametrize("kind", OWN)
def test_a_perfect_network_goes_from_one_noise_level_to_the_next_by_diffusers_own_step(kind):
    """What training shows the network, and asks of it, is what sampling gives it and does of it."""
    own = OWN[kind]
    training = training_scheduler(own)
    latents, noise = torch.randn(1, *SHAPE[1:]), torch.randn(1, *SHAPE[1:])
    sampling = with_solver(own, "Euler")
    sampling.set_timesteps(10)

    timestep, at = sampling.timesteps[4], 4
    level, lower = (levels(sampling, schedule_of(full_config(own)), i) for i in (at, at + 1))
    x, x_next = (alpha * latents + sigma * noise for alpha, sigma in (level, lower))
    seen, target = corrupt_at(training, latents, noise, timestep)
    sampling._init_step_index(timestep)

    assert_close(sampling.scale_model_input(x, timestep), seen, rtol=0, atol=1e-5)
    stepped = sampling.step(target, timestep, x, return_dict=False)[0]
    assert_close(stepped, x_next, rtol=1e-5, atol=1e-5)


def levels(sampling, kind, index):
    """Shares of image and noise in what a sampler of Euler's holds at a step."""
    sigma = sampling.sigmas[index]
    return (1 - sigma, sigma) if kind == FLOW else (1.0, sigma)


def corrupt_at(training, latents, noise, timestep):
    """Training's input and target at the network's own timestep of sampling."""
    if isinstance(training, EDMEulerScheduler):
        sigma = (4 * timestep).exp()
        quantile = torch.special.ndtr((sigma.double().log() + 1.2) / 1.2)
        return corrupt(training, latents, noise, 1000 * quantile.view(1) - 0.5)
    if isinstance(training, FlowMatchEulerDiscreteScheduler):
        time, shift = timestep / 1000, training.config.shift
        unshifted = time / (shift - (shift - 1) * time)
        return corrupt(training, latents, noise, (1000 * unshifted - 1).view(1))
    return corrupt(training, latents, noise, timestep.long().view(1))


def test_a_model_is_read_as_predicting_velocities_with_zero_terminal_snr():
    read = read_as(OWN["noise"], "v_prediction", zero_terminal_snr=True)
    assert isinstance(read, EulerDiscreteScheduler)
    assert_close(read.alphas_cumprod, OWN["velocity"].alphas_cumprod)
    images = walk(read, OWN["velocity"])
    assert float(images.mean()) == pytest.approx(MEAN, abs=0.03)
    trained = training_scheduler(read)
    assert (trained.config.prediction_type, float(trained.alphas_cumprod[-1])) == (
        "v_prediction",
        0.0,
    )


@pytest.mark.parametrize("kind", ["noise", "velocity", "flow"])
@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction", FLOW_PREDICTION])
def test_any_reading_can_be_sampled_and_trained(kind, prediction):
    read = read_as(OWN[kind], prediction, zero_terminal_snr=False)
    wanted = FLOW if prediction == FLOW_PREDICTION else BETAS
    assert schedule_of(full_config(read)) == wanted
    assert walk(with_solver(read, ""), read).isfinite().all()
    assert training_scheduler(read) is not None


def test_a_reading_keeps_a_solver_that_can_rescale_and_takes_euler_s_for_others():
    ancestral = EulerAncestralDiscreteScheduler(**SDXL_BETAS)
    read = read_as(ancestral, "v_prediction", zero_terminal_snr=True)
    assert isinstance(read, EulerAncestralDiscreteScheduler)
    read = read_as(PNDMScheduler(**SDXL_BETAS), "v_prediction", zero_terminal_snr=True)
    assert isinstance(read, EulerDiscreteScheduler)
    assert read.config.beta_end == SDXL_BETAS["beta_end"]


def test_betas_without_signal_at_the_end_are_told_by_the_product_of_their_signals():
    betas = torch.tensor(zero_snr_betas(OWN["velocity"]))
    assert_close((1 - betas).cumprod(0), OWN["velocity"].alphas_cumprod, rtol=1e-3, atol=1e-7)
    assert DDPMScheduler(trained_betas=betas.tolist()).alphas_cumprod[-1] > 0
