"""Defaults for rendering and training an SDXL pipeline, from its configurations.

Nothing is loaded: the same few files are read from a folder, from the cache or from the hub.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NotRequired, TypedDict

from align.client.architectures.families import by_pipeline
from align.contracts.models import MAX_CLIP_SKIP
from align.contracts.solvers import BETAS, EDM, FLOW
from align.errors import BrokenModel, WrongModel

DEFAULT_SOLVER = "EulerDiscreteScheduler"
PIPELINE = "StableDiffusionXLPipeline"
ENCODERS = ("text_encoder", "text_encoder_2")
"""Folders of the text encoders."""
SMALL_UNET_BYTES = 1_000_000_000
"""A UNet whose files are smaller is trained by the settings of the embedded model."""
FEW_STEP_SOLVERS = ("LCMScheduler", "TCDScheduler")
"""A folder that names one of these is of a distilled model, which is rendered without guidance."""
FEW_STEPS = 4
SDXL_LATENT_SIDE, MAX_LATENT_SIDE = 128, 1024
SDXL_VAE_CHANNELS = [128, 256, 512, 512]
TURBO_SIDE = 512
"""Full SDXL models are made for 1024 pixels, SDXL-Turbo for 512."""
FEW_STEP_NAMES = re.compile(
    r"(?:(?<![A-Za-z])|(?<=xl)|(?<=XL))"
    r"(turbo|lightning|lcm|tcd|dmd2?|schnell|hyper[-_ ]?(sd|sdxl|xl)|sdxs)(?![a-z])"
    r"|(?:Turbo|TURBO|Lightning|LIGHTNING|LCM|DMD|HyperSD|Hyper-SD)(?![a-z])"
    r"|(?<![A-Za-z0-9])[1248][-_ ]?(steps|step(?![-_ =]*\d))(?![a-z])",
)
"""In names such as sdxl-turbo, DreamShaperXLLightning or Hyper-SD; no turbochargers, and
no step of a training: epoch-4-step-2000."""
SOLVERS = re.compile(
    r"(DDIM|DDPM|DDIMParallel|DDPMParallel|PNDM|LMSDiscrete|EulerDiscrete|EulerAncestralDiscrete"
    r"|HeunDiscrete|KDPM2Discrete|KDPM2AncestralDiscrete|DPMSolverMultistep|DPMSolverSinglestep"
    r"|DPMSolverSDE|DEISMultistep|UniPCMultistep|SASolver|LCM|TCD)Scheduler"
)
"""Solvers of diffusers for the one noise schedule that Stable Diffusion's are trained on."""
EDM_SOLVERS = ("EDMEulerScheduler", "EDMDPMSolverMultistepScheduler")
FLOW_SOLVERS = re.compile(
    r"FlowMatch(EulerDiscrete|HeunDiscrete|LCM)Scheduler"
    r"|(UniPCMultistep|DPMSolverMultistep|DPMSolverSinglestep)Scheduler"
)
"""Solvers of diffusers for rectified flows; those of the second line know betas as well."""
FLOW_PREDICTION = "flow_prediction"
PREDICTIONS = ("epsilon", "v_prediction", "sample")
BETA_SCHEDULES = ("linear", "scaled_linear", "squaredcos_cap_v2", "sigmoid", "laplace")


class RenderDefaults(TypedDict):
    """Fields of `ModelInfo` that follow from configurations, or from a name alone."""

    preset: str
    width: int
    height: int
    steps: int
    guidance: float
    scheduler: NotRequired[str]
    schedule: NotRequired[str]
    max_clip_skip: NotRequired[int]


@dataclass(frozen=True)
class Configs:
    """The configurations of a pipeline, and how large its UNet is."""

    title: str
    """The model's name in error sentences: its folder or hub name."""
    index: dict[str, Any]
    unet: dict[str, Any]
    vae: dict[str, Any]
    scheduler: dict[str, Any]
    unet_bytes: int
    encoders: tuple[dict[str, Any], ...] = ()
    """Those of the text encoders; none where they are not known."""

    @property
    def max_clip_skip(self) -> int:
        """Return the largest clip skip: the embeddings below the first layer count as one, too."""
        counts = [encoder.get("num_hidden_layers") for encoder in self.encoders]
        layers = [count for count in counts if type(count) is int and count > 0]
        return min([MAX_CLIP_SKIP, *(count + 1 for count in layers)])

    @property
    def small(self) -> bool:
        """Return whether the UNet is far smaller than SDXL's, as that of the embedded model is."""
        return self.unet_bytes < SMALL_UNET_BYTES

    @property
    def solver(self) -> str:
        """Return the class name of its scheduler."""
        return str(self.scheduler.get("_class_name", DEFAULT_SOLVER))

    @property
    def side(self) -> int:
        """Return the width and height in pixels that it is made for; raises BrokenModel."""
        size, levels = self.unet.get("sample_size"), self.vae.get("block_out_channels")
        size = max(size, default=None) if isinstance(size, list) else size
        levels = SDXL_VAE_CHANNELS if levels is None else levels
        size = SDXL_LATENT_SIDE if size is None else size

        if type(size) is not int or not 0 < size <= MAX_LATENT_SIDE or not isinstance(levels, list):
            raise BrokenModel(
                f"{self.title} says that its latents are {size!r} wide, with the autoencoder's "
                f"levels {levels!r}, which cannot be. Copy or download its configurations again."
            )
        # Every level of the autoencoder but the last halves the image.
        return size * int(2 ** (len(levels) - 1))


def require_supported(configs: Configs) -> None:
    """Refuse a model that cannot be rendered, or whose training would use the wrong objective.

    Raises:
        WrongModel: another kind of pipeline, of UNet, of noise schedule or of prediction.
    """
    require_sdxl(configs.title, configs.index)
    _require_plain_unet(configs)
    if reason := unsupported_reason(configs.scheduler):
        raise WrongModel(f"{configs.title} {reason}")


def unsupported_reason(scheduler: dict[str, Any]) -> str | None:
    """Return why a model with this scheduler configuration cannot be trained, or None."""
    solver = str(scheduler.get("_class_name", DEFAULT_SOLVER))
    kind = scheduler.get("prediction_type") or PREDICTIONS[0]
    betas = scheduler.get("beta_schedule")

    if is_flow(scheduler):
        return _flow_problem(solver, scheduler)
    if not SOLVERS.fullmatch(solver) and solver not in EDM_SOLVERS:
        return (
            f"is made for {solver}, a scheduler whose noise schedule Palate does not know. Choose "
            "an SDXL model with one of the usual schedulers, such as Euler's or a DPM solver."
        )
    predictions = PREDICTIONS[:2] if solver in EDM_SOLVERS else PREDICTIONS
    if kind not in predictions:
        known = ", ".join(predictions) + f" with {solver}" * (solver in EDM_SOLVERS)
        return f"predicts {kind!r}, and Palate can train what predicts {known}. Choose another."
    if betas is not None and betas not in BETA_SCHEDULES and not scheduler.get("trained_betas"):
        known = ", ".join(BETA_SCHEDULES)
        return f"has the noise schedule {betas!r}, and Palate knows {known}. Choose another model."
    return None


def _flow_problem(solver: str, scheduler: dict[str, Any]) -> str | None:
    """Return why a flow-matching model with this solver cannot be trained, or None."""
    kind = scheduler.get("prediction_type") or PREDICTIONS[0]
    told = (bool(scheduler.get("use_flow_sigmas")), kind == FLOW_PREDICTION)
    is_told = solver.startswith("FlowMatch") or all(told)
    if not FLOW_SOLVERS.fullmatch(solver) or not is_told:
        return (
            f"is a flow-matching model whose scheduler does not say so in full ({solver}, "
            f"prediction {kind}, use_flow_sigmas {told[0]}), so its images would be noise. Name "
            f"FlowMatchEulerDiscreteScheduler in its scheduler_config.json, or set both "
            f"use_flow_sigmas and the prediction {FLOW_PREDICTION}."
        )
    if scheduler.get("use_dynamic_shifting") or scheduler.get("invert_sigmas"):
        return (
            "is a flow-matching model whose noise depends on the size of an image in a way that "
            "only its own architecture has (use_dynamic_shifting or invert_sigmas). Choose a "
            "model with a fixed shift."
        )
    return None


def schedule_of(scheduler: dict[str, Any]) -> str:
    """Return the kind of noise schedule of a scheduler's configuration: BETAS, EDM or FLOW."""
    if is_flow(scheduler):
        return FLOW
    return EDM if scheduler.get("_class_name") in EDM_SOLVERS else BETAS


def require_sdxl(title: str, index: dict[str, Any]) -> None:
    """Raise WrongModel unless this is the index of an SDXL pipeline."""
    kind = index.get("_class_name")
    kind = str(kind[-1] if isinstance(kind, list) else kind)
    if kind == PIPELINE:
        return
    family = by_pipeline(kind)
    if family is not None and not family.opens:
        raise WrongModel(f"{title} holds a {kind}: {family.name}{family.reason}")
    raise WrongModel(
        f"{title} holds a {kind}, and Palate tunes a {PIPELINE}. "
        "Choose an SDXL pipeline folder or hub name."
    )


def _require_plain_unet(configs: Configs) -> None:
    """Raise WrongModel for a UNet that is given more than SDXL's: inpainting, editing, faces."""
    given, latents = configs.unet.get("in_channels"), configs.vae.get("latent_channels")
    if given is not None and latents is not None and given != latents:
        raise WrongModel(
            f"{configs.title} has a UNet of {given} input channels for latents of {latents}: it "
            "fills in or edits images. Choose an SDXL model that makes images from text alone."
        )


def is_flow(scheduler: dict[str, Any]) -> bool:
    """Return whether a scheduler configuration is of a flow-matching model, whatever its solver."""
    return (
        str(scheduler.get("_class_name")).startswith("FlowMatch")
        or bool(scheduler.get("use_flow_sigmas"))
        or scheduler.get("prediction_type") == "flow_prediction"
    )


def kind_of(scheduler: dict[str, Any]) -> str:
    """Return what a scheduler's configuration says that a model predicts."""
    if is_flow(scheduler):
        return FLOW_PREDICTION
    return scheduler.get("prediction_type") or PREDICTIONS[0]


def preset_of(scheduler: dict[str, Any], small: bool) -> str:
    """Return the training preset of a model: "embedded", "sdxl" or "sdxl-v".

    Models that predict velocities have one of their own: the same beta weighs errors of another
    scale.
    """
    if small:
        return "embedded"
    # The output of an EDM network is a velocity of unit variance, by whatever name.
    edm = scheduler.get("_class_name") in EDM_SOLVERS
    velocity = scheduler.get("prediction_type") == "v_prediction"
    return "sdxl-v" if edm or velocity or is_flow(scheduler) else "sdxl"


def needs_few_steps(configs: Configs, name: str, hints: Sequence[str] = ()) -> bool:
    """Return whether a model is distilled, by its solver, UNet, timestep spacing or name.

    `hints` are other names and tags that its file has for it.

    Trailing timesteps alone do not tell: velocity models with zero terminal SNR have them, too, and
    take as many steps as any.
    """
    scheduler = configs.scheduler
    names = [name, *hints, *(c.get("_name_or_path") for c in (configs.index, configs.unet))]
    if configs.solver in FEW_STEP_SOLVERS or configs.unet.get("time_cond_proj_dim"):
        return True
    if any(FEW_STEP_NAMES.search(last_part(str(each or ""))) for each in names):
        return True

    zero_snr = scheduler.get("prediction_type") == "v_prediction" or scheduler.get(
        "rescale_betas_zero_snr"
    )
    if zero_snr or scheduler.get("timestep_spacing") != "trailing":
        return False
    turbo_sized = configs.side <= TURBO_SIDE and not configs.small
    return configs.solver == "EulerAncestralDiscreteScheduler" or turbo_sized


def last_part(path: str) -> str:
    """Return the last part of a folder's path or a hub name."""
    return re.split(r"[\\/]", path.rstrip("\\/"))[-1]


def render_defaults(configs: Configs, name: str, hints: Sequence[str] = ()) -> RenderDefaults:
    """Return size, steps, guidance, solver and training preset."""
    few = needs_few_steps(configs, name, hints)
    return {
        "preset": preset_of(configs.scheduler, configs.small),
        "width": configs.side,
        "height": configs.side,
        "steps": FEW_STEPS if few else steps_of(configs.solver, configs.small),
        "guidance": 1.0 if few else 1.7 if configs.small else 5.0,
        "scheduler": configs.solver,
        "schedule": schedule_of(configs.scheduler),
        "max_clip_skip": configs.max_clip_skip,
    }


def guessed_defaults(name: str) -> RenderDefaults:
    """Guess the defaults of a model from its name alone."""
    short = last_part(name)
    side = TURBO_SIDE if re.fullmatch(r"(?i)sdxl[-_]turbo(-fp16)?", short) else 1024
    few = bool(FEW_STEP_NAMES.search(short))
    return {
        "preset": "sdxl-v" if re.search(r"(?i)v[-_]?pred", short) else "sdxl",
        "width": side,
        "height": side,
        "steps": FEW_STEPS if few else 30,
        "guidance": 1.0 if few else 5.0,
    }


def steps_of(solver: str, small: bool) -> int:
    """Return the default number of denoising steps of a solver."""
    if solver in FEW_STEP_SOLVERS:
        return FEW_STEPS
    # Solvers of second order need fewer steps than Euler's for the same image.
    if "Multistep" in solver:
        return 8 if small else 20
    return 20 if small else 30
