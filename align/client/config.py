"""Settings of a run: presets by size of model, checked before anything loads (no torch here)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from align.client.objectives import OBJECTIVES
from align.client.planning.trackers import NO_TRACKER, TRACKERS, require_tracker
from align.errors import InvalidSettings
from align.files import parse_json


def _setting(default: Any, low: float, high: float) -> Any:
    return field(default=default, metadata={"low": low, "high": high})


def _choice(default: str, choices: Iterable[str]) -> Any:
    return field(default=default, metadata={"choices": tuple(choices)})


def _text(default: str) -> Any:
    return field(default=default, metadata={"text": True})


LEGACY_SETTINGS = {
    "start": "init_from",
    "batch_pairs": "train_batch_size",
    "micro_pairs": "micro_batch_size",
    "targets": "target_modules",
    "anchor": "dpop_lambda",
    "anchors": "anchor_fraction",
    "draws": "noise_samples_per_pair",
    "noise_floor": "min_timestep_fraction",
    "checks": "check_prompts",
    "held_out": "holdout_fraction",
    "processes": "num_processes",
}
"""Former names of settings and the present ones; both are accepted for one release."""
LEGACY_CHECKPOINTING = {"on": "all", "off": "none"}
"""Former values of `gradient_checkpointing` and the present ones."""
MIN_RESOLUTION, MAX_RESOLUTION = 64, 4096
"""Of the setting `resolution`, where it is not 0."""
BETA = _setting(5000.0, 2.0, 2e6)
"""β of Diffusion-DPO's public code (`beta_dpo`), accepted in place of `kappa`, which is half."""
BUDGETS = {"gentle": 0.5, "normal": 1.0, "strong": 2.0}
"""Values of `budget`, and by how much each multiplies a model's own `steps` and `max_minutes`."""


@dataclass(frozen=True)
class TrainConfig:
    """Settings of a run; the docstring under a field is its help text."""

    objective: str = _choice("dpo", OBJECTIVES)
    """What is learned from the votes: the loss, by name."""
    init_from: str = _text("base")
    """The version whose adapter a run goes on from; base starts anew from all votes."""
    steps: int = _setting(200, 1, 100_000)
    """Optimizer steps: twice as many take twice as long. A limit in minutes may end it sooner."""
    max_minutes: float = _setting(0.0, 0.0, 100_000.0)
    """Minutes that a run may take on this device, loading and release checks included: it takes as
    many of its steps as fit, by its own pace. Pauses do not count. 0: no limit."""
    resolution: int = _setting(0, 0, MAX_RESOLUTION)
    """Images are trained at as many pixels as a square of this side has, in their own aspect ratio,
    and never at more than the model is made for. 0: as many as that, or 768 on a device with less
    than 16 GB."""
    train_batch_size: int = _setting(8, 1, 4096)
    """Pairs per optimizer step, over all processes."""
    micro_batch_size: int = _setting(8, 0, 4096)
    """Pairs per forward pass; fewer take less memory and give the same result. 0: what fits."""
    rank: int = _setting(16, 1, 512)
    """Rank of the LoRA adapter: how much it can change, and how large its file is."""
    adapter: str = _choice("lora", ("lora", "dora", "full"))
    """lora; dora: the same with the size of weights learned apart, slower; full: no adapter, every
    weight of the UNet learns, for many votes and much memory."""
    target_modules: str = _choice("attention", ("attention", "all"))
    """Layers with an adapter: attention's, or every linear and convolution inside the blocks."""
    kappa: float = _setting(2500.0, 1.0, 1e6)
    """Strength κ on mean squared errors (half of the paper's β); larger stays nearer the base.
    2500 is for models that predict noise. In velocities errors are larger where there is much
    noise, and the same strength is reached at about 50."""
    smoothing: float = _setting(0.1, 0.0, 0.49)
    """Share of the votes that `cdpo` and `robust` take to be wrong."""
    sharpness: float = _setting(10.0, 0.01, 100.0)
    """How much surer votes push harder in `smpo` (its γ)."""
    mapo_weight: float = _setting(0.1, 0.0, 100.0)
    """Weight of the preference beside the chosen image's own error in `mapo` (its β)."""
    dpop_lambda: float = _setting(1.0, 0.0, 1000.0)
    """How much `dpop` holds on to the chosen images (its λ)."""
    noise_samples_per_pair: int = _setting(64, 1, 100_000)
    """Samples of noise and timestep a pair; then they come round again, and with them what is known
    of the reference."""
    learning_rate: float = _setting(2e-4, 1e-8, 1.0)
    """Peak learning rate of AdamW: how far a step goes. Too high a rate spoils the images."""
    warmup_steps: int = _setting(20, 0, 100_000)
    """Steps over which the learning rate rises from zero."""
    min_timestep_fraction: float = _setting(0.0, 0.0, 0.99)
    """Timesteps below this share of the schedule are left out; 0 is the paper's uniform choice."""
    prompt_dropout: float = _setting(0.0, 0.0, 1.0)
    """Share of the noise samples that show the UNet no prompt, so that a taste about looks reaches
    every prompt. With 1 nothing can be learned that depends on the prompt."""
    anchor_fraction: float = _setting(0.0, 0.0, 0.9)
    """Share of the noise samples that teach no preference, only to denoise both images as well as
    the base does: against drift over rounds that go on from one another."""
    check_prompts: int = _setting(8, 0, 1000)
    """Prompts that the base and the new version render twice after a run, to check it before people
    see it; 0 leaves that out."""
    max_grad_norm: float = _setting(1.0, 1e-6, 1e6)
    """The gradient's norm is clipped to this."""
    holdout_fraction: float = _setting(0.12, 0.0, 0.5)
    """Share of the prompts whose pairs are kept out of training to judge it; at most 1,000 pairs,
    and only of those chosen here where there are 20."""
    patience: int = _setting(2, 0, 1000)
    """End the run after so many evaluations in a row that are clearly below the best; 0 never."""
    checkpoint_every: int = _setting(20, 1, 100_000)
    """Steps between checkpoints; a killed run goes on from the last one."""
    gradient_checkpointing: str = _choice("auto", ("auto", "none", "some", "all"))
    """Which blocks are computed again in the backward pass: slower, less memory. some: those with
    the largest activations, until half of them are gone. auto: the first of none, some, all with
    which one pair (or `micro_batch_size` of them) fits."""
    optimizer: str = _choice("adamw", ("adamw", "adamw8bit"))
    """adamw8bit keeps AdamW's moments in 8 bits; it needs bitsandbytes."""
    base_format: str = _choice("auto", ("auto", "model", "int8", "nf4"))
    """Linear layers of the base: model keeps their format; auto takes the first of model, int8 and
    nf4 (needs bitsandbytes) that fits. The adapter is for the whole base, as ever."""
    compile: str = _choice("off", ("off", "on"))
    """on compiles the UNet's repeated blocks at the start of a run (a minute or more), for faster
    steps; where no compiler is there, the run goes on without and says so."""
    precision: str = _choice("auto", ("auto", "fp32"))
    """auto takes bf16 or fp16 where the device is quick at it; fp32 is slower and exact."""
    num_processes: int = _setting(1, 1, 64)
    """Processes (GPUs) that share a batch, started by accelerate."""
    seed: int = _setting(0, 0, 2**31 - 1)
    """Seed of the adapter, the order of pairs and the noise."""
    tracker: str = _choice(NO_TRACKER, TRACKERS)
    """Who is told the metrics besides the run's own files; its package is installed by you."""

    def __post_init__(self) -> None:
        # Runs of before `some` was there say on and off.
        value = self.gradient_checkpointing
        object.__setattr__(self, "gradient_checkpointing", LEGACY_CHECKPOINTING.get(value, value))


# By the papers, public recipes and counting, see docs/method.md; not measured here. Recipes take
# 2,000 steps at 1e-5: a run that ends within the hour takes fewer and larger ones.
SDXL = TrainConfig(
    steps=300, max_minutes=45.0, train_batch_size=8, micro_batch_size=0, learning_rate=1e-4,
    warmup_steps=10, noise_samples_per_pair=16, prompt_dropout=0.2, check_prompts=3,
    checkpoint_every=10,
)  # fmt: skip
# Chosen by measurement, see docs/method.md.
EMBEDDED = TrainConfig(
    steps=100, kappa=40.0, learning_rate=6e-4,
    min_timestep_fraction=0.6, prompt_dropout=0.2, patience=4,
)  # fmt: skip
PRESETS = {
    "embedded": EMBEDDED,
    "sdxl": SDXL,
    # The strength of public recipes on velocities (flow_grpo, verl).
    "sdxl-v": replace(SDXL, kappa=50.0),
}


def configure(preset: str, settings: dict[str, Any] | str) -> TrainConfig:
    """Return the preset with these settings in place of its own.

    Raises:
        InvalidSettings: an unknown name, a wrong type or a value out of range.
    """
    chosen = within_budget(preset, current_names(parse_settings(settings)))
    known = {f.name: f for f in fields(TrainConfig)}
    for name, value in chosen.items():
        if name not in known:
            names = ", ".join((*known, "budget"))
            raise InvalidSettings(f"Unknown setting {name!r}. Known ones: {names}.", name)
        if name == "gradient_checkpointing" and isinstance(value, str):
            value = LEGACY_CHECKPOINTING.get(value, value)
        chosen[name] = _checked(name, value, known[name])

    config = replace(PRESETS[preset], **chosen)
    require_tracker(config.tracker)
    if 0 < config.resolution < MIN_RESOLUTION:
        raise InvalidSettings(
            f"resolution must be 0 or at least {MIN_RESOLUTION} pixels, got {config.resolution}.",
            "resolution",
        )
    if config.train_batch_size % config.num_processes:
        raise InvalidSettings(
            f"train_batch_size ({config.train_batch_size}) must be a multiple of num_processes "
            f"({config.num_processes}), so that each has as many pairs.",
            "train_batch_size",
        )
    if config.base_format not in ("auto", "model") and config.adapter != "lora":
        sentence = f'{config.adapter} trains a whole base. Set "base_format": "model".'
        raise InvalidSettings(sentence, "base_format")
    return replace(config, micro_batch_size=min(config.micro_batch_size, config.train_batch_size))


def within_budget(preset: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Put steps and minutes in place of `budget`: half, one or twice those of the preset.

    Raises:
        InvalidSettings: it is none of them, or steps or minutes are given besides.
    """
    if "budget" not in settings:
        return settings
    budget, own = settings["budget"], PRESETS[preset]
    if not isinstance(budget, str) or budget not in BUDGETS:
        names = ", ".join(BUDGETS)
        raise InvalidSettings(f"budget must be one of {names}, got {budget!r}.", "budget")
    if both := [name for name in ("steps", "max_minutes") if name in settings]:
        raise InvalidSettings(
            f"budget decides on {both[0]}, and both are given. Keep one of them.", both[0]
        )

    share = BUDGETS[budget]
    others = {name: value for name, value in settings.items() if name != "budget"}
    steps, minutes = max(1, round(share * own.steps)), share * own.max_minutes
    return {**others, "steps": steps, "max_minutes": minutes}


def parse_settings(settings: dict[str, Any] | str) -> dict[str, Any]:
    """Return settings from an object, or from JSON that holds one; empty means defaults."""
    if isinstance(settings, str):
        try:
            settings = parse_json(settings or "{}")
        except ValueError as error:
            raise InvalidSettings(f"The settings are not JSON: {error}. Try {{}}.") from None
    if not isinstance(settings, dict):
        raise InvalidSettings('The settings must be one JSON object such as {"steps": 200}.')
    return dict(settings)


def current_names(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Rename settings from their legacy names, and turn `beta` into `kappa`.

    Raises:
        InvalidSettings: a setting is given under two names, or `beta` is no number in its range.
    """
    for legacy, name in LEGACY_SETTINGS.items():
        if legacy in settings and name in settings:
            raise InvalidSettings(
                f"{legacy} is the former name of {name}, and both are given. Keep {name}.", name
            )
    renamed = {LEGACY_SETTINGS.get(name, name): value for name, value in settings.items()}

    if "beta" in renamed:
        if "kappa" in renamed:
            sentence = "beta is twice kappa, and both are given. Keep one of them."
            raise InvalidSettings(sentence, "kappa")
        renamed["kappa"] = _checked("beta", renamed.pop("beta"), BETA) / 2
    return renamed


def _checked(name: str, value: Any, known: Any) -> Any:
    """Return the value of a setting with its type; raise InvalidSettings where it has another."""
    if choices := known.metadata.get("choices"):
        if value not in choices:
            meant = [
                f" Its setting is {key}." for key, o in OBJECTIVES.items() if o.function == value
            ]
            names = ", ".join(choices)
            sentence = f"{name} must be one of {names}, got {value!r}.{''.join(meant)}"
            raise InvalidSettings(sentence, name)
        return value
    if known.metadata.get("text"):
        if not isinstance(value, str):
            raise InvalidSettings(f"{name} must be a text, got {value!r}.", name)
        return value

    whole = isinstance(known.default, int)
    low, high = known.metadata["low"], known.metadata["high"]
    good = isinstance(value, int | float) and not isinstance(value, bool)
    if not good or not math.isfinite(value) or (whole and value != int(value)):
        kind = "a whole number" if whole else "a number"
        raise InvalidSettings(f"{name} must be {kind}, got {value!r}.", name)
    if not low <= value <= high:
        sentence = f"{name} must be between {low:g} and {high:g}, got {value!r}."
        raise InvalidSettings(sentence, name)
    return int(value) if whole else float(value)


FEWEST_TO_HOLD_OUT = 20
"""With fewer pairs, those that were held out would say nothing."""
MOST_HELD_OUT = 1_000
"""Each of them is measured again and again, and more do not make the result more certain."""


def holdout_count(pairs: int, share: float, own: int | None = None) -> int:
    """Return how many of `pairs` are held out: none when there are few.

    `own` of them were chosen here, and the others came in from files. Where there are enough, pairs
    are held out of these alone, so that the result speaks of whoever labels here.
    """
    if own is not None and own >= FEWEST_TO_HOLD_OUT:
        pairs = own
    return min(MOST_HELD_OUT, round(pairs * share)) if pairs >= FEWEST_TO_HOLD_OUT else 0
