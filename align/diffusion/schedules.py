"""Forward diffusion: the schedules that can be trained with, noisy latents and targets.

Shapes: B images, C latent channels, H x W latent pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import torch
from diffusers import (
    DDPMScheduler,
    EDMEulerScheduler,
    FlowMatchEulerDiscreteScheduler,
    SchedulerMixin,
)
from torch import Tensor

from align.client.model_defaults import schedule_of, unsupported_reason
from align.contracts.solvers import EDM, FLOW
from align.errors import WrongModel

EDM_MEAN, EDM_DEVIATION = -1.2, 1.2
"""Of ln σ in training, Karras et al. 2022 (arXiv 2206.00364), table 1."""
TrainingScheduler: TypeAlias = DDPMScheduler | FlowMatchEulerDiscreteScheduler | EDMEulerScheduler


def training_scheduler(pipeline_scheduler: SchedulerMixin) -> TrainingScheduler:
    """Return the pipeline's own noise schedule and prediction type, as a scheduler to train with.

    Raises:
        WrongModel: a schedule, or a prediction, that nothing here trains.
    """
    config = {**pipeline_scheduler.config, "_class_name": type(pipeline_scheduler).__name__}
    if reason := unsupported_reason(config):
        raise WrongModel(f"The model {reason}")
    kind = schedule_of(config)
    if kind == FLOW:
        timesteps = int(config["num_train_timesteps"])
        return FlowMatchEulerDiscreteScheduler(timesteps, shift=flow_shift(config))
    if kind == EDM:
        scheduler = EDMEulerScheduler.from_config(pipeline_scheduler.config)
        # Every training scheduler says what its schedule is; this one has no betas.
        scheduler.register_to_config(beta_schedule="edm")
        return scheduler
    return DDPMScheduler.from_config(pipeline_scheduler.config)


def flow_shift(config: Mapping[str, Any]) -> float:
    """Return the shift of a flow's schedule; solvers that know betas, too, have their own name."""
    return float(config.get("flow_shift", config.get("shift", 1.0)))


def usable_timesteps(scheduler: TrainingScheduler) -> int:
    """Return the number of timesteps, from 0 up, that can teach anything.

    At zero signal an ε-model gets the same input for both images of a pair and should predict the
    same noise, so z is 0 whatever it does: that last timestep is left out.
    """
    count = int(scheduler.config.num_train_timesteps)
    if not isinstance(scheduler, DDPMScheduler):
        return count
    blind = scheduler.config.prediction_type == "epsilon" and scheduler.alphas_cumprod[-1] < 1e-9
    return count - 1 if blind else count


def flow_time(scheduler: FlowMatchEulerDiscreteScheduler, timesteps_B: Tensor) -> Tensor:
    """Return the share of noise in 0..1 at integer timesteps, by the scheduler's own shift."""
    level_B = (timesteps_B + 1) / int(scheduler.config.num_train_timesteps)
    shift = float(scheduler.config.shift)
    return shift * level_B / (1 + (shift - 1) * level_B)


def network_timesteps(scheduler: TrainingScheduler, timesteps_B: Tensor) -> Tensor:
    """Convert integer timesteps to those that the network takes as input.

    Flow: t · num_train_timesteps; EDM: c_noise = ln(σ) / 4 (Karras et al. 2022, table 1).
    """
    if isinstance(scheduler, FlowMatchEulerDiscreteScheduler):
        timesteps = int(scheduler.config.num_train_timesteps)
        return flow_time(scheduler, timesteps_B) * timesteps
    if isinstance(scheduler, EDMEulerScheduler):
        return 0.25 * edm_sigma(scheduler, timesteps_B).log()
    return timesteps_B


def corrupt(
    scheduler: TrainingScheduler, latents_BCHW: Tensor, noise_BCHW: Tensor, timesteps_B: Tensor
) -> tuple[Tensor, Tensor]:
    """Return noisy latents, and the targets that the network should predict for them.

    x_t = √ᾱ x₀ + √(1-ᾱ) ε with target ε, or v = √ᾱ ε - √(1-ᾱ) x₀ (Salimans and Ho 2022, arXiv
    2202.00512); for a rectified flow x_t = (1-t) x₀ + t ε with target ε - x₀ (Liu et al. 2022,
    arXiv 2209.03003); for EDM see `_corrupt_edm`.
    """
    if isinstance(scheduler, FlowMatchEulerDiscreteScheduler):
        time_B111 = flow_time(scheduler, timesteps_B).view(-1, 1, 1, 1)
        noisy_BCHW = (1 - time_B111) * latents_BCHW + time_B111 * noise_BCHW
        return noisy_BCHW, noise_BCHW - latents_BCHW
    if isinstance(scheduler, EDMEulerScheduler):
        return _corrupt_edm(scheduler, latents_BCHW, noise_BCHW, timesteps_B)

    # A schedule of betas: the target depends on what the model predicts.
    noisy_BCHW = scheduler.add_noise(latents_BCHW, noise_BCHW, timesteps_B)
    if scheduler.config.prediction_type == "v_prediction":
        return noisy_BCHW, scheduler.get_velocity(latents_BCHW, noise_BCHW, timesteps_B)
    if scheduler.config.prediction_type == "sample":
        return noisy_BCHW, latents_BCHW
    return noisy_BCHW, noise_BCHW


def velocities(
    scheduler: TrainingScheduler, latents_BCHW: Tensor, noise_BCHW: Tensor, timesteps_B: Tensor
) -> tuple[Tensor, Tensor]:
    """Return true velocities, and by what a change of the prediction changes its velocity, [B].

    With them, changes of models that predict different things compare. v = α ε - σ x₀ with α and σ
    scaled to α² + σ² = 1, so Δv is Δε / α, Δx₀ / σ, and s times that of a rectified flow, whose α
    and σ are (1-t) / s and t / s. EDM's output has unit variance and counts as it is.
    """
    if isinstance(scheduler, EDMEulerScheduler):
        _, target_BCHW = _corrupt_edm(scheduler, latents_BCHW, noise_BCHW, timesteps_B)
        return target_BCHW, torch.ones(len(timesteps_B))
    if isinstance(scheduler, FlowMatchEulerDiscreteScheduler):
        time_B = flow_time(scheduler, timesteps_B)
        scale_B = ((1 - time_B) ** 2 + time_B**2).sqrt()
        alpha_B111, sigma_B111 = (
            (part_B / scale_B).view(-1, 1, 1, 1) for part_B in (1 - time_B, time_B)
        )
        return alpha_B111 * noise_BCHW - sigma_B111 * latents_BCHW, scale_B

    signal_B = scheduler.alphas_cumprod[timesteps_B]
    true_BCHW = scheduler.get_velocity(latents_BCHW, noise_BCHW, timesteps_B)
    scales_B = {"v_prediction": torch.ones_like(signal_B), "sample": (1 - signal_B).rsqrt()}
    return true_BCHW, scales_B.get(scheduler.config.prediction_type, signal_B.rsqrt())


def edm_sigma(scheduler: EDMEulerScheduler, timesteps_B: Tensor) -> Tensor:
    """Return the deviation σ of the noise at integer timesteps, which are quantiles of EDM's own.

    ln σ is normal with mean -1.2 and deviation 1.2 (Karras et al. 2022, arXiv 2206.00364, table 1).
    """
    # Apple's GPUs know no fp64.
    wide_B = (timesteps_B.cpu() if timesteps_B.device.type == "mps" else timesteps_B).double()
    quantile_B = (wide_B + 0.5) / scheduler.config.num_train_timesteps
    sigma_B = (EDM_MEAN + EDM_DEVIATION * torch.special.ndtri(quantile_B)).exp()
    smallest, largest = float(scheduler.config.sigma_min), float(scheduler.config.sigma_max)
    clamped_B: Tensor = sigma_B.clamp(smallest, largest).float()
    return clamped_B.to(timesteps_B.device)


def _corrupt_edm(
    scheduler: EDMEulerScheduler, latents_BCHW: Tensor, noise_BCHW: Tensor, timesteps_B: Tensor
) -> tuple[Tensor, Tensor]:
    """Return an EDM network's input, c_in x, and its target, (x₀ - c_skip x) / c_out.

    With x = x₀ + σ ε; the target has unit variance at every σ, so errors count alike, as the
    weights of Karras et al. 2022 (arXiv 2206.00364, section 5) make them.
    """
    sigma_B111 = edm_sigma(scheduler, timesteps_B).view(-1, 1, 1, 1)
    x_BCHW = latents_BCHW + sigma_B111 * noise_BCHW
    # The scheduler's own, at an output of nothing and of one: D(x) = c_skip x + c_out F(x).
    skipped_BCHW = scheduler.precondition_outputs(x_BCHW, torch.zeros_like(x_BCHW), sigma_B111)
    with_one_BCHW = scheduler.precondition_outputs(x_BCHW, torch.ones_like(x_BCHW), sigma_B111)
    target_BCHW = (latents_BCHW - skipped_BCHW) / (with_one_BCHW - skipped_BCHW)
    return scheduler.precondition_inputs(x_BCHW, sigma_B111), target_BCHW
