"""Configurations of a model on this machine, whether it is a folder or a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from align.client.single_file.checkpoint import open_checkpoint
from align.client.single_file.configs import SCHEDULER
from align.client.single_file.prediction import Prediction, with_prediction
from align.contracts.models import ModelInfo
from align.files import read_json


def model_config(model: ModelInfo, name: str) -> dict[str, Any] | None:
    """Return the configuration in a model's file `name`, such as unet/config.json; None for none.

    That of the scheduler is for what the model was said to predict.

    Raises:
        ModelError: its checkpoint cannot be read.
        OSError: its folder cannot be read.
        ValueError: the configuration is no JSON.
    """
    if model.file is not None:
        checkpoint = open_checkpoint(Path(model.file))
        known = prediction_of(model)
        return checkpoint.scheduler(known) if name == SCHEDULER else checkpoint.config(name)

    config = read_json(Path(model.load_path) / name)
    if not isinstance(config, dict):
        return None
    return scheduler_config(model, config) if name == SCHEDULER else config


def prediction_of(model: ModelInfo) -> Prediction | None:
    """Return what a model was said to predict; None where its configurations say."""
    if model.prediction is None:
        return None
    return Prediction(model.prediction, model.zero_terminal_snr)


def scheduler_config(model: ModelInfo, config: dict[str, Any]) -> dict[str, Any]:
    """Return a scheduler's configuration for what the model was said to predict."""
    if model.prediction is None:
        return config
    return with_prediction(config, model.prediction, model.zero_terminal_snr)
