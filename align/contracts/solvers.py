"""Solvers under the names that people know, each as a class of diffusers with its options.

A solver walks from noise to an image; the model's schedule (what is noise, and what the network
predicts) is never its choice. The page offers these names; `align.families.schedulers` makes
schedulers of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

Options: TypeAlias = Mapping[str, str | bool | int]
BETAS, EDM, FLOW = "betas", "edm", "flow"
"""Kinds of noise schedules: Stable Diffusion's, Karras et al. 2022's, and rectified flows."""


@dataclass(frozen=True, slots=True)
class SolverClass:
    """A scheduler of diffusers, by name, and its options besides the model's schedule."""

    scheduler: str
    options: Options


@dataclass(frozen=True, slots=True)
class Solver:
    """A solver, and what it is for each kind of noise schedule that it can walk."""

    name: str
    """As AUTOMATIC1111's web UI spells it."""
    classes: Mapping[str, SolverClass]
    """By the kind of schedule: BETAS, EDM or FLOW."""
    few_steps: bool = False
    """For models distilled to few steps alone."""


def _solver(
    name: str,
    betas: str,
    options: Options | None = None,
    *,
    edm: tuple[str, Options] | None = None,
    flow: tuple[str, Options] | None = None,
    few_steps: bool = False,
) -> Solver:
    """Return a solver; on betas its steps are spread as the common UIs do unless options say."""
    classes = {BETAS: SolverClass(betas, {"timestep_spacing": "linspace"} | dict(options or {}))}
    for kind, known in ((EDM, edm), (FLOW, flow)):
        if known:
            classes[kind] = SolverClass(*known)
    return Solver(name, MappingProxyType(classes), few_steps)


_KARRAS: Options = MappingProxyType({"use_karras_sigmas": True})
_EXPONENTIAL: Options = MappingProxyType({"use_exponential_sigmas": True})
_TRAILING: Options = MappingProxyType({"timestep_spacing": "trailing"})
_LEADING: Options = MappingProxyType({"timestep_spacing": "leading"})
_SDE: Options = MappingProxyType({"algorithm_type": "sde-dpmsolver++"})
_SECOND: Options = MappingProxyType({"solver_order": 2})
_SINGLE: Options = MappingProxyType({"solver_order": 2, "lower_order_final": True})
_MULTISTEP, _SINGLESTEP = "DPMSolverMultistepScheduler", "DPMSolverSinglestepScheduler"
_EDM_MULTISTEP, _FLOW_EULER = "EDMDPMSolverMultistepScheduler", "FlowMatchEulerDiscreteScheduler"
_FLOW_HEUN, _FLOW_LCM = "FlowMatchHeunDiscreteScheduler", "FlowMatchLCMScheduler"

SOLVERS: tuple[Solver, ...] = (
    _solver("Euler", "EulerDiscreteScheduler", edm=("EDMEulerScheduler", {}),
            flow=(_FLOW_EULER, {})),
    _solver("Euler Karras", "EulerDiscreteScheduler", _KARRAS),
    _solver("Euler SGM Uniform", "EulerDiscreteScheduler", _TRAILING),
    _solver("Euler a", "EulerAncestralDiscreteScheduler"),
    _solver("Euler a SGM Uniform", "EulerAncestralDiscreteScheduler", _TRAILING),
    _solver("Heun", "HeunDiscreteScheduler", flow=(_FLOW_HEUN, {})),
    _solver("Heun Karras", "HeunDiscreteScheduler", _KARRAS),
    _solver("DPM2", "KDPM2DiscreteScheduler"),
    _solver("DPM2 Karras", "KDPM2DiscreteScheduler", _KARRAS),
    _solver("DPM2 a", "KDPM2AncestralDiscreteScheduler"),
    _solver("DPM2 a Karras", "KDPM2AncestralDiscreteScheduler", _KARRAS),
    _solver("DPM++ 2M", _MULTISTEP, _SECOND, edm=(_EDM_MULTISTEP, _SECOND),
            flow=(_MULTISTEP, _SECOND)),
    _solver("DPM++ 2M Karras", _MULTISTEP, {**_SECOND, **_KARRAS}),
    _solver("DPM++ 2M Exponential", _MULTISTEP, {**_SECOND, **_EXPONENTIAL}),
    _solver("DPM++ 2M SGM Uniform", _MULTISTEP, {**_SECOND, **_TRAILING}),
    _solver("DPM++ 2M SDE", _MULTISTEP, {**_SECOND, **_SDE},
            edm=(_EDM_MULTISTEP, {**_SECOND, **_SDE})),
    _solver("DPM++ 2M SDE Karras", _MULTISTEP, {**_SECOND, **_SDE, **_KARRAS}),
    _solver("DPM++ 2M SDE Exponential", _MULTISTEP, {**_SECOND, **_SDE, **_EXPONENTIAL}),
    _solver("DPM++ 2S", _SINGLESTEP, _SINGLE, flow=(_SINGLESTEP, _SINGLE)),
    _solver("DPM++ 2S Karras", _SINGLESTEP, {**_SINGLE, **_KARRAS}),
    _solver("DEIS", "DEISMultistepScheduler"),
    _solver("UniPC", "UniPCMultistepScheduler", flow=("UniPCMultistepScheduler", {})),
    _solver("UniPC Karras", "UniPCMultistepScheduler", _KARRAS),
    _solver("DDIM", "DDIMScheduler", {**_LEADING, "clip_sample": False, "set_alpha_to_one": False}),
    _solver("DDPM", "DDPMScheduler", {**_LEADING, "clip_sample": False}),
    _solver("PLMS", "PNDMScheduler",
            {**_LEADING, "skip_prk_steps": True, "set_alpha_to_one": False}),
    _solver("LCM", "LCMScheduler", {}, flow=(_FLOW_LCM, {}), few_steps=True),
    _solver("TCD", "TCDScheduler", {}, few_steps=True),
)  # fmt: skip
"""Every solver, the usual ones first.

SGM Uniform is what diffusers calls trailing timesteps. Solvers that need a package which is not
installed with the project (DPM++ SDE, LMS) are left out.
"""
OTHER_NAMES: Mapping[str, str] = MappingProxyType({
    "euler_ancestral": "Euler a", "euler ancestral": "Euler a", "heunpp2": "Heun",
    "dpm_2": "DPM2", "dpm_2_ancestral": "DPM2 a",
    "dpmpp_2m": "DPM++ 2M", "dpmpp_2m_sde": "DPM++ 2M SDE", "dpmpp_2s": "DPM++ 2S",
    "uni_pc": "UniPC", "uni_pc_bh2": "UniPC", "pndm": "PLMS",
})  # fmt: skip
"""Names in lower case that ComfyUI and diffusers have for them."""


def find_solver(name: str) -> Solver | None:
    """Return the solver of this name, in any case and as A1111 or ComfyUI spells it, or None."""
    wanted = " ".join(name.lower().split())
    base, _, spread = wanted.rpartition(" ")
    spellings = {wanted, OTHER_NAMES.get(wanted, "").lower()}
    if base in OTHER_NAMES:
        # ComfyUI keeps the spacing apart from the solver: dpmpp_2m karras.
        spellings.add(f"{OTHER_NAMES[base]} {spread}".lower())
    return next((solver for solver in SOLVERS if solver.name.lower() in spellings), None)


def few_step_solver(told: str) -> str:
    """Return the solver for a model distilled to few steps, by what its names tell of the kind.

    Lightning and Hyper-SD are made for trailing timesteps without noise, LCM and DMD for
    consistency steps, and Turbo for ancestral ones.
    """
    words = told.lower()
    if any(word in words for word in ("lcm", "dmd")):
        return "LCM"
    if "tcd" in words:
        return "TCD"
    known = any(word in words for word in ("lightning", "hyper"))
    return "Euler SGM Uniform" if known else "Euler a SGM Uniform"


def solver_names(schedule: str = BETAS) -> list[str]:
    """List the names of the solvers for a kind of noise schedule."""
    return [solver.name for solver in SOLVERS if schedule in solver.classes]


def is_own_solver(name: str) -> bool:
    """Return whether a name stands for the model's own solver: its class of diffusers, or none."""
    return not name or name.endswith("Scheduler")


def name_of_class(scheduler: str) -> str:
    """Return the name that people know for a class of diffusers, the class without one."""
    for solver in SOLVERS:
        if any(made.scheduler == scheduler for made in solver.classes.values()):
            return solver.name
    return scheduler.removesuffix("Scheduler")


def solver_problem(name: str, schedule: str = BETAS) -> str | None:
    """Return why images of a model with this kind of schedule cannot be rendered so, or None."""
    if is_own_solver(name):
        return None
    solver = find_solver(name)
    known = ", ".join(solver_names(schedule))
    if solver is None:
        return f"There is no sampler {name!r}. Choose the model's own, or one of: {known}."
    if schedule not in solver.classes:
        return (
            f"{solver.name} cannot render this model, whose noise schedule is of another kind "
            f"({schedule}). Choose the model's own, or one of: {known}."
        )
    return None
