"""Interfaces of the sampler, the trainer and the converter, which the studio is constructed with.

All of them run in other processes; these are protocols of the objects that control them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from align.contracts.runs import MetricsRow, RunPlan, RunResult
from align.contracts.weights import ImportedWeights


class ModelInfo(Protocol):
    """An image model and its defaults for rendering; sizes in pixels."""

    @property
    def name(self) -> str:
        """Return the name that people see."""

    @property
    def path(self) -> str:
        """Return the folder or hub name; "emoji" stands for the embedded model."""

    @property
    def identity(self) -> str:
        """Return the identity, which is computed from the weights."""

    @property
    def aliases(self) -> Sequence[str]:
        """Return other identities, also earlier ones; one with a hyphen in front is a suffix."""

    @property
    def width(self) -> int: ...

    @property
    def height(self) -> int: ...

    @property
    def steps(self) -> int: ...

    @property
    def guidance(self) -> float: ...

    @property
    def negative_prompt(self) -> str: ...

    @property
    def scheduler(self) -> str: ...


@dataclass(frozen=True, slots=True)
class RenderItem:
    """One image to render."""

    prompt: str
    seed: int


@dataclass(frozen=True, slots=True)
class RenderSettings:
    """Settings that all images of a request are rendered with; sizes in pixels."""

    width: int
    height: int
    steps: int
    guidance: float
    negative_prompt: str
    scheduler: str


class Rendered(Protocol):
    """An image in the store's folder of images."""

    @property
    def sha256(self) -> str: ...

    @property
    def width(self) -> int: ...

    @property
    def height(self) -> int: ...


class SamplerState(Protocol):
    """State of the sampler process."""

    @property
    def state(self) -> str:
        """Return "starting", "loading", "ready", "stopped" or "failed"."""

    @property
    def detail(self) -> str:
        """Return the state as a sentence."""

    @property
    def device(self) -> str:
        """Return the device's type: "cpu", "cuda", "mps", ..."""

    @property
    def retry_s(self) -> float | None:
        """Return the seconds until a failed model is tried again; None without a retry."""


class Sampler(Protocol):
    """Renders images in a process of its own; every method may be called from any thread."""

    def start(self) -> None:
        """Start the process unless it runs; returns at once."""

    def retry(self) -> None:
        """Try again now to load a model that failed; returns at once."""

    def stop(self) -> None:
        """End the process; a `render` under way raises."""

    def state(self) -> SamplerState:
        """Return the state of the process."""

    def render(
        self,
        items: Sequence[Any],
        adapters: Sequence[tuple[Path, float]],
        settings: Any,
        on_image: Callable[[int, Rendered], None] | None = None,
        prefer_throughput: bool = False,
        preemptible: bool = False,
    ) -> Sequence[Rendered]:
        """Render images and wait for the stored ones, in order.

        Args:
            items: RenderItems.
            adapters: files with weights, added up; none is the base alone.
            settings: RenderSettings.
            on_image: called with the index and image of each, as soon as it is stored.
            prefer_throughput: the last image comes as early as possible, not the first one.
            preemptible: end early, with the images so far, as soon as another request arrives that
                is not preemptible.

        Raises an error whose text can be shown.
        """

    def score(
        self,
        prompts: Sequence[str],
        images: Sequence[Path],
        adapter: Path,
        settings: Any,
        on_score: Callable[[int, float], None] | None = None,
    ) -> Sequence[float]:
        """Return the implicit reward of an adapter for each image, relative to its base.

        Only rewards of images of one prompt compare. Raises an error whose text can be shown.
        """


class RunStatus(Protocol):
    """State and progress of a run, as its trainer wrote them."""

    @property
    def state(self) -> str:
        """Return "queued", "running", "done", "failed", "cancelled" or "interrupted"."""

    @property
    def phase(self) -> str: ...

    @property
    def step(self) -> int: ...

    @property
    def steps(self) -> int: ...

    @property
    def progress(self) -> float:
        """Return the progress from 0 to 1."""

    @property
    def eta_s(self) -> float | None: ...

    @property
    def silent_s(self) -> float:
        """Return the seconds since the process wrote its status; 0 under a minute."""

    @property
    def error(self) -> str | None: ...

    @property
    def result(self) -> RunResult | None: ...


class Converter(Protocol):
    """Exports versions for other programs and imports theirs, each in a process of its own.

    Every method raises an error whose text can be shown.
    """

    def export(self, source: Path, target: Path, form: str, model: Any) -> None:
        """Write the adapter of a run folder, or an adapter file, in another form."""

    def import_weights(self, source: Path, target: Path, model: Any) -> ImportedWeights:
        """Check a LoRA or a tuned model against the base, copy it and describe it."""

    def stop(self) -> None:
        """Kill the export or import that runs now; it raises."""


class Trainer(Protocol):
    """Starts one trainer process per run folder and reads the files that it writes."""

    def plan(
        self, model: Any, pairs: int, settings: dict[str, Any], pairs_per_s: float | None = None
    ) -> RunPlan:
        """Return the plan of a run on this many pairs; raises an error that says what to change.

        `pairs_per_s` is the speed of an earlier run here, for a better estimate of the minutes.
        """

    def prepare(
        self,
        run_dir: Path,
        snapshot: Path,
        model: Any,
        settings: dict[str, Any],
        start: Path | None = None,
    ) -> None:
        """Fill a run folder; `start` is an adapter to go on from.

        Raises an error that says what to change.
        """

    def start(self, run_dir: Path) -> None:
        """Start the trainer, or resume it from its last checkpoint; returns at once."""

    def status(self, run_dir: Path) -> RunStatus:
        """Return the status of a run; it is interrupted when its process is gone."""

    def metrics(self, run_dir: Path, since: int = 0) -> list[MetricsRow]:
        """Return the metrics of the steps after `since`."""

    def adapter(self, run_dir: Path) -> Path:
        """Return the path of a finished run's adapter."""

    def is_alive(self, run_dir: Path) -> bool:
        """Return whether a trainer works in this folder, whoever started it."""

    def cancel(self, run_dir: Path) -> None:
        """Ask the trainer to stop; it keeps its last checkpoint."""

    def kill(self, run_dir: Path) -> None:
        """Kill a trainer that does not heed `cancel`."""

    def needs_sampler_stopped(self, model: Any, sampler: Any) -> bool:
        """Return whether trainer and sampler do not fit on the sampler's device together."""
