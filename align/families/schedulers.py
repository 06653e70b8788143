"""Schedulers of diffusers for SDXL's pipeline: of a named solver, or of another reading of a model.

A model's own scheduler says two things at once: its noise schedule with what the network predicts,
which are facts, and how to walk along it, which anybody may choose.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import diffusers
import torch
from diffusers import (
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    FlowMatchHeunDiscreteScheduler,
    FlowMatchLCMScheduler,
    SchedulerMixin,
)
from torch import Tensor

from align.client.model_defaults import FLOW_PREDICTION, schedule_of
from align.contracts.solvers import (
    BETAS,
    EDM,
    FLOW,
    SolverClass,
    find_solver,
    is_own_solver,
    solver_problem,
)
from align.diffusion.schedules import flow_shift
from align.errors import InvalidSettings

FACTS: Mapping[str, tuple[str, ...]] = {
    BETAS: (
        "num_train_timesteps", "beta_start", "beta_end", "beta_schedule", "trained_betas",
        "prediction_type", "rescale_betas_zero_snr", "steps_offset", "timestep_spacing",
    ),
    EDM: ("num_train_timesteps", "prediction_type", "sigma_min", "sigma_max", "sigma_data",
          "sigma_schedule", "rho"),
    FLOW: ("num_train_timesteps", "shift_terminal"),
}  # fmt: skip
"""What a scheduler's configuration says about the model, by the kind of schedule."""
NOISE_SPACINGS = ("use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas")
"""Options that space steps by noise levels instead of timesteps."""
SMALLEST_SIGNAL = 2.0**-24
"""ᾱ that diffusers' solvers have in place of zero at zero terminal SNR, where σ is finite."""
FLOW_SHIFT = 3.0
"""Shift of a flow model that does not tell its own: that of Stable Diffusion 3."""
SDXL_BETAS = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}


class _ForPipeline:
    """What SDXL's pipeline asks of a scheduler, and schedulers of flows do not have."""

    init_noise_sigma = 1.0

    def scale_model_input(self, sample: Tensor, timestep: object = None) -> Tensor:
        """Return the input as it is: a flow's latents are never larger than noise."""
        return sample


class FlowEuler(_ForPipeline, FlowMatchEulerDiscreteScheduler):  # type: ignore[misc]
    """Euler's steps along a flow, for SDXL's pipeline."""


class FlowHeun(_ForPipeline, FlowMatchHeunDiscreteScheduler):  # type: ignore[misc]
    """Heun's steps along a flow, for SDXL's pipeline."""


class FlowLCM(_ForPipeline, FlowMatchLCMScheduler):  # type: ignore[misc]
    """Consistency steps along a flow, for SDXL's pipeline."""


FLOW_CLASSES: Mapping[str, Any] = {
    "FlowMatchEulerDiscreteScheduler": FlowEuler,
    "FlowMatchHeunDiscreteScheduler": FlowHeun,
    "FlowMatchLCMScheduler": FlowLCM,
}


def with_solver(own: SchedulerMixin, name: str) -> SchedulerMixin:
    """Return the solver of this name on a model's own schedule.

    The name of a class of diffusers, or none, stands for the model's own solver.

    Raises:
        InvalidSettings: no such solver, or none for this kind of schedule.
    """
    if is_own_solver(name):
        return for_pipeline(own)
    schedule = schedule_of(full_config(own))
    if problem := solver_problem(name, schedule):
        raise InvalidSettings(problem)
    solver = find_solver(name)
    assert solver is not None
    return _made(own, schedule, solver.classes[schedule])


def for_pipeline(own: SchedulerMixin) -> SchedulerMixin:
    """Return a model's own scheduler in a form that SDXL's pipeline can call."""
    flow = FLOW_CLASSES.get(type(own).__name__)
    return own if flow is None else flow.from_config(own.config)


def full_config(scheduler: SchedulerMixin) -> dict[str, Any]:
    """Return a scheduler's configuration with its class, as its file has it."""
    return {**scheduler.config, "_class_name": type(scheduler).__name__}


def _made(own: SchedulerMixin, schedule: str, made: SolverClass) -> SchedulerMixin:
    """Return a scheduler of another class with the facts of a model's own."""
    kind = FLOW_CLASSES.get(made.scheduler) or getattr(diffusers, made.scheduler)
    accepted = set(inspect.signature(kind.__init__).parameters)
    # A solver of the model's own class keeps what is measured for it, such as a distilled model's
    # number of original steps.
    same = type(own).__name__ == made.scheduler
    known = tuple(own.config) if same else FACTS[schedule]
    facts = {name: own.config[name] for name in known if name in own.config}
    options = dict(made.options)

    if schedule == FLOW:
        facts |= _flow_facts(own, accepted)
    if schedule == BETAS:
        options |= _spacing(own, options)
        # The solver's name says how noise levels are spaced, and so leaves out the model's choice.
        facts |= dict.fromkeys(NOISE_SPACINGS, False)
        if facts.get("rescale_betas_zero_snr"):
            # By noise level most steps would lie between the last two timesteps, where σ is 4096,
            # and diffusers rounds them to one.
            options = {name: v for name, v in options.items() if name not in NOISE_SPACINGS}
        if facts.get("rescale_betas_zero_snr") and "rescale_betas_zero_snr" not in accepted:
            facts["trained_betas"] = zero_snr_betas(own)
    return kind(**{name: v for name, v in (facts | options).items() if name in accepted})


def _flow_facts(own: SchedulerMixin, accepted: set[str]) -> dict[str, Any]:
    """Return a flow's facts under the names that the class accepts."""
    shift = flow_shift(own.config)
    if "shift" in accepted:
        return {"shift": shift}
    return {"use_flow_sigmas": True, "prediction_type": FLOW_PREDICTION, "flow_shift": shift}


def _spacing(own: SchedulerMixin, options: Mapping[str, Any]) -> dict[str, str]:
    """Return the spacing of a model that is made for trailing timesteps, unless named otherwise."""
    trailing = own.config.get("timestep_spacing") == "trailing"
    keeps = trailing and options.get("timestep_spacing") == "linspace"
    return {"timestep_spacing": "trailing"} if keeps else {}


def zero_snr_betas(own: SchedulerMixin) -> list[float]:
    """Return the betas of a schedule that ends without signal, for solvers that cannot rescale.

    Lin et al. 2023 (arXiv 2305.08891), Algorithm 1, as the model's own scheduler applied it.
    """
    signal_T = own.alphas_cumprod.double().clamp(min=SMALLEST_SIGNAL)
    before_T = torch.cat([signal_T.new_ones(1), signal_T[:-1]])
    betas: list[float] = (1 - signal_T / before_T).tolist()
    return betas


def read_as(own: SchedulerMixin, prediction: str, zero_terminal_snr: bool) -> SchedulerMixin:
    """Return the scheduler of a model that is taken to predict this, whatever its own says.

    Args:
        own: the scheduler it was loaded with.
        prediction: epsilon, v_prediction, sample or flow_prediction.
        zero_terminal_snr: the schedule of betas ends in noise alone (Lin et al. 2023, arXiv
            2305.08891), and so steps begin at its last timestep.
    """
    schedule = schedule_of(full_config(own))
    if prediction == FLOW_PREDICTION:
        return own if schedule == FLOW else FlowMatchEulerDiscreteScheduler(shift=FLOW_SHIFT)
    if schedule == FLOW:
        own = EulerDiscreteScheduler(**SDXL_BETAS, steps_offset=1, timestep_spacing="leading")

    kind = type(own)
    changes: dict[str, Any] = {"prediction_type": prediction}
    if schedule != EDM:
        changes["rescale_betas_zero_snr"] = zero_terminal_snr
    if schedule != EDM and zero_terminal_snr:
        changes["timestep_spacing"] = "trailing"
        # Not every solver of betas can rescale them; Euler's can.
        accepted = inspect.signature(kind.__init__).parameters
        kind = kind if "rescale_betas_zero_snr" in accepted else EulerDiscreteScheduler
    return kind.from_config(own.config, **changes)
