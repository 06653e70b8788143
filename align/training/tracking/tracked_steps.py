"""Metrics on their way to a tracker of experiments, which never ends a run.

tensorboard  files in the run folder's tensorboard/
trackio      its own store, project `palate`, a run of the folder's name
wandb        what its own settings and environment say, project `palate`, likewise
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from align.client.planning.trackers import NO_TRACKER, PACKAGES
from align.client.progress import OnStep
from align.client.run_config import RunConfig
from align.contracts.run_files import LoggedStep

logger = logging.getLogger(__name__)
PROJECT = "palate"


class Tracker(Protocol):
    """A tracker that a run was opened in."""

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Take the metrics of a step."""

    def finish(self) -> None:
        """End the run."""


class TensorBoard:
    """Event files in the run folder."""

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415

        self._writer = SummaryWriter(str(folder / "tensorboard"))
        rows = "".join(f"| {name} | {value} |\n" for name, value in settings.items())
        self._writer.add_text("settings", f"| setting | value |\n|---|---|\n{rows}")

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Write the metrics of a step."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def finish(self) -> None:
        """Write what is held back, and close the files."""
        self._writer.close()


class Wandb:
    """A run of Weights & Biases."""

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        wandb = import_module("wandb")
        self._run = wandb.init(
            project=PROJECT, name=folder.name, id=f"{PROJECT}-{folder.name}", resume="allow",
            dir=str(folder), config=dict(settings),
        )  # fmt: skip

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Send the metrics of a step."""
        self._run.log(dict(values), step=step)

    def finish(self) -> None:
        """Wait until all was sent."""
        self._run.finish()


class Trackio:
    """A run of trackio."""

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        self._trackio = import_module("trackio")
        self._trackio.init(project=PROJECT, name=folder.name, resume="allow", config=dict(settings))

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Store the metrics of a step."""
        self._trackio.log(dict(values), step=step)

    def finish(self) -> None:
        """Store what is held back."""
        self._trackio.finish()


KINDS: dict[str, Callable[[Path, Mapping[str, Any]], Tracker]] = {
    "tensorboard": TensorBoard,
    "trackio": Trackio,
    "wandb": Wandb,
}


class TrackedSteps:
    """Tells a tracker of each step, and then whoever else is told; to be closed at the run's end.

    A tracker that fails is named once in the log, and is told no more.
    """

    def __init__(self, folder: Path, prepared: RunConfig, on_step: OnStep) -> None:
        self._name, self._on_step = prepared.train.tracker, on_step
        self._tracker: Tracker | None = None
        if self._name != NO_TRACKER:
            settings = asdict(prepared.train) | {"base": prepared.model.name}
            # Trackers raise anything, and exit where nobody is there to answer a question.
            try:
                self._tracker = KINDS[self._name](folder, settings)
            except (Exception, SystemExit) as error:
                self._give_up(error)

    def __call__(self, row: LoggedStep) -> None:
        """Take the metrics of a step."""
        if self._tracker is not None:
            numbers = {
                name: float(value)
                for name, value in row.items()
                if isinstance(value, int | float) and name not in ("step", "eta_s")
            }
            try:
                self._tracker.log(int(row["step"]), numbers)
            except (Exception, SystemExit) as error:
                self._give_up(error)
        self._on_step(row)

    def close(self) -> None:
        """End the tracker's run."""
        if self._tracker is not None:
            try:
                self._tracker.finish()
            except (Exception, SystemExit) as error:
                self._give_up(error)

    def _give_up(self, error: BaseException) -> None:
        self._tracker = None
        title = PACKAGES[self._name].title
        logger.warning("%s failed (%s); the run goes on without it.", title, error)
