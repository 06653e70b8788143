"""Trackers of experiments: who a run tells its metrics besides its own metrics.jsonl.

None of their packages is a dependency. Each is imported by the trainer, and only where a run asks
for it; here it is only looked for, so that a run without it is refused before it starts.
"""

from dataclasses import dataclass
from importlib.util import find_spec

from align.errors import InvalidSettings


@dataclass(frozen=True, slots=True)
class TrackerPackage:
    """A tracker's package, by the names to import and to install it by."""

    title: str
    module: str
    package: str


PACKAGES = {
    "tensorboard": TrackerPackage("TensorBoard", "tensorboard", "tensorboard"),
    "trackio": TrackerPackage("trackio", "trackio", "trackio"),
    "wandb": TrackerPackage("Weights & Biases", "wandb", "wandb"),
}
NO_TRACKER = "none"
TRACKERS = (NO_TRACKER, *PACKAGES)


def require_tracker(name: str) -> None:
    """Raise InvalidSettings where the package of a tracker is not installed."""
    if name == NO_TRACKER:
        return
    known = PACKAGES[name]
    if find_spec(known.module) is None:
        raise InvalidSettings(
            f"The tracker {name} needs the package {known.package}, which is not installed here. "
            f"Run `pip install {known.package}`, or set tracker to none.",
            "tracker",
        )
