"""What a checkpoint predicts: noise or velocity, and by which noise schedule.

Weights do not tell. So programs write empty tensors beside them, as NoobAI, ComfyUI and Forge do
(`v_pred`, `ztsnr`, `edm_mean`), or metadata (`modelspec.prediction_type`); else the file's name is
all that there is.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from align.errors import WrongModel

EPSILON, VELOCITY, SAMPLE = "epsilon", "v_prediction", "sample"
WORDS = {
    "epsilon": EPSILON,
    "eps": EPSILON,
    "noise": EPSILON,
    "v": VELOCITY,
    "v_prediction": VELOCITY,
    "v_pred": VELOCITY,
    "vpred": VELOCITY,
    "velocity": VELOCITY,
    "sample": SAMPLE,
}
"""Words for predictions in metadata and on the command line, in small letters, with underscores."""
VELOCITY_KEY, ZERO_SNR_KEY = "v_pred", "ztsnr"
EDM_KEYS = ("edm_mean", "edm_std")
EDM_VELOCITY_KEY, EDM_VELOCITY_LOWEST = "edm_vpred.sigma_max", "edm_vpred.sigma_min"
METADATA_KEYS = ("modelspec.prediction_type", "modelspec.predict_key")
VELOCITY_NAMES = re.compile(r"(?i:(?<![a-z])v[-_ ]?pred)|vPred|VPred")
EPSILON_NAMES = re.compile(r"(?i:(?<![a-z])(eps|epsilon)(?![a-z]))|(?<![a-z])(eps|epsilon)Pred")
ZERO_SNR_NAMES = re.compile(r"(?i)(?<![a-z])z(t|ero)?[-_ ]?snr")
EDM_SCHEDULER = {
    "_class_name": "EDMDPMSolverMultistepScheduler",
    "num_train_timesteps": 1000,
    "prediction_type": EPSILON,
    "rho": 7.0,
    "sigma_data": 0.5,
    "sigma_max": 80.0,
    "sigma_min": 0.002,
}
"""Of Playground v2.5, the one model with those keys."""
EDM_VELOCITY_SCHEDULER = {
    "_class_name": "EDMEulerScheduler",
    "num_train_timesteps": 1000,
    "prediction_type": VELOCITY,
    "rho": 7.0,
    "sigma_data": 1.0,
    "sigma_max": 120.0,
    "sigma_min": 0.002,
}
"""Of CosXL; its file says the largest and the smallest sigma."""


@dataclass(frozen=True)
class Prediction:
    """A prediction as a file tells it, or its name."""

    kind: str = EPSILON
    zero_terminal_snr: bool = False
    sure: bool = True
    """False where nothing told, or the metadata and the name differ."""
    edm: bool = False


def told_prediction(keys: Collection[str], metadata: Mapping[str, str], name: str) -> Prediction:
    """Return the prediction that a checkpoint's weights, metadata or name tell, in that order."""
    if all(key in keys for key in EDM_KEYS):
        return Prediction(EPSILON, edm=True)
    if EDM_VELOCITY_KEY in keys:
        return Prediction(VELOCITY, edm=True)
    if VELOCITY_KEY in keys:
        return Prediction(VELOCITY, ZERO_SNR_KEY in keys)

    words = [word_of(metadata[key]) for key in METADATA_KEYS if key in metadata]
    noted = next((word for word in words if word), None)
    if noted is None and metadata.get("ss_v_parameterization", "").lower() == "true":
        noted = VELOCITY
    named = kind_of_name(name)
    kind = noted or named or EPSILON

    # Every published SDXL that predicts velocity was trained at zero terminal SNR.
    zero_snr = kind == VELOCITY or ZERO_SNR_NAMES.search(name) is not None
    known = {word for word in (noted, named) if word}
    return Prediction(kind, zero_snr, sure=len(known) == 1)


def kind_of_name(name: str) -> str | None:
    """Return the prediction that a file's name tells, if it does."""
    if VELOCITY_NAMES.search(name) or ZERO_SNR_NAMES.search(name):
        return VELOCITY
    return EPSILON if EPSILON_NAMES.search(name) else None


def word_of(text: str) -> str | None:
    """Return the prediction that a word stands for, None for an unknown word."""
    return WORDS.get(text.strip().lower().replace("-", "_").replace(" ", "_"))


def chosen_prediction(text: str) -> Prediction:
    """Return the prediction that a person chose.

    Raises:
        WrongModel: it is none.
    """
    kind = word_of(text)
    if kind is None:
        raise WrongModel(
            f"{text!r} is no prediction. Name epsilon (noise, as SDXL 1.0), v_prediction (velocity "
            "with zero terminal SNR, as NoobAI v-pred) or sample."
        )
    return Prediction(kind, kind == VELOCITY)


def require_told(title: str, chosen: str, told: str) -> None:
    """Raise WrongModel where a person chose another prediction than a model's noise schedule has.

    Models of EDM's and of flows are made for one prediction; `told` is its name,
    empty where only its scheduler knows.
    """
    wanted = chosen_prediction(chosen).kind if word_of(chosen) else chosen
    if wanted != told:
        raise WrongModel(
            f"{title} predicts {told or 'what its scheduler says'} by its noise schedule, which "
            f"allows no other prediction such as {chosen!r}. Leave the prediction out."
        )


def with_prediction(scheduler: Mapping[str, Any], kind: str, zero_snr: bool) -> dict[str, Any]:
    """Return a scheduler's configuration for this prediction, and otherwise the same.

    Where the schedule ends in pure noise, sampling has to begin there: Lin et al. 2023 (arXiv
    2305.08891), section 3.3.
    """
    is_same = scheduler.get("prediction_type", EPSILON) == kind
    if is_same and bool(scheduler.get("rescale_betas_zero_snr")) == zero_snr:
        return dict(scheduler)

    changed = {**scheduler, "prediction_type": kind}
    if zero_snr:
        return changed | {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}
    if scheduler.get("rescale_betas_zero_snr"):
        changed["rescale_betas_zero_snr"] = False
    return changed
