"""Readings of a model: what it may predict and in how many steps, where its file does not tell.

A wrong reading shows at once: noise where an image should be, or a blur. So a person who sees one
image of each chooses.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from align.contracts.models import ModelInfo

PREDICTION, STEPS = "prediction", "steps"
"""Names of what is not known, in `ModelInfo.unsure`."""
NOISE, VELOCITY = "epsilon", "v_prediction"
FEW_STEPS = 4
MANY_STEPS, MANY_GUIDANCE = 30, 5.0
FEW_STEP_SOLVER = "Euler a SGM Uniform"
"""Distilled models of every kind give an image with it, if not always their best one."""
SMALL_PRESET, NOISE_PRESET, VELOCITY_PRESET = "embedded", "sdxl", "sdxl-v"


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to take a model; what is None is known and stays as it is."""

    prediction: str | None = None
    zero_terminal_snr: bool = False
    few_steps: bool | None = None

    @property
    def name(self) -> str:
        """Return a name that tells the readings of a model apart, for a click or a program."""
        steps = {None: "", True: "few steps", False: "many steps"}[self.few_steps]
        return ", ".join(filter(None, (self.prediction, steps)))

    @property
    def title(self) -> str:
        """Return it in a few words for a person."""
        predicts = {None: "", NOISE: "predicts noise"}.get(self.prediction, "predicts velocity")
        steps = {True: f"takes {FEW_STEPS} steps without guidance", False: "takes many steps"}
        takes = "" if self.few_steps is None else steps[self.few_steps]
        return " and ".join(filter(None, (predicts, takes)))


def readings_of(model: ModelInfo) -> list[Reading]:
    """Return the ways to take a model, the one it is taken in first; none where all is known."""
    predictions: list[tuple[str | None, bool]] = [(None, False)]
    if PREDICTION in model.unsure:
        # Every published SDXL that predicts velocities was trained at zero terminal SNR.
        predictions = [(NOISE, False), (VELOCITY, True)]
        predictions.sort(key=lambda each: each[0] != (model.prediction or NOISE))
    few: list[bool | None] = [False, True] if STEPS in model.unsure else [None]

    readings = [Reading(*prediction, each) for each in few for prediction in predictions]
    return readings if len(readings) > 1 else []


def with_reading(model: ModelInfo, reading: Reading) -> ModelInfo:
    """Return a model as a reading takes it; what that does not say stays unsure."""
    changes: dict[str, Any] = {}
    known = set()
    if reading.prediction is not None:
        changes |= {
            "prediction": reading.prediction,
            "zero_terminal_snr": reading.zero_terminal_snr,
            "preset": _preset(model, reading.prediction),
        }
        known.add(PREDICTION)
    if reading.few_steps is not None:
        changes |= _few_steps(model) if reading.few_steps else _many_steps(model)
        known.add(STEPS)
    return replace(model, **changes, unsure=tuple(u for u in model.unsure if u not in known))


def stored(reading: Reading) -> dict[str, Any]:
    """Return a reading as JSON values."""
    return asdict(reading)


def restored(model: ModelInfo, value: Mapping[str, Any] | None) -> ModelInfo:
    """Return a model as it was chosen to be taken before, as far as it is still unsure."""
    if not value:
        return model
    known = {name: value[name] for name in Reading.__dataclass_fields__ if name in value}
    reading = Reading(**known)
    if PREDICTION not in model.unsure:
        reading = replace(reading, prediction=None)
    if STEPS not in model.unsure:
        reading = replace(reading, few_steps=None)
    return with_reading(model, reading)


def _preset(model: ModelInfo, prediction: str) -> str:
    if model.preset == SMALL_PRESET:
        return model.preset
    return NOISE_PRESET if prediction == NOISE else VELOCITY_PRESET


def _few_steps(model: ModelInfo) -> dict[str, Any]:
    if model.guidance <= 1:
        return {}
    return {"steps": FEW_STEPS, "guidance": 1.0, "scheduler": FEW_STEP_SOLVER}


def _many_steps(model: ModelInfo) -> dict[str, Any]:
    if model.guidance > 1:
        return {}
    return {"steps": MANY_STEPS, "guidance": MANY_GUIDANCE}
