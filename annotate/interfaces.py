"""What the studio needs from the image model and the trainer, which are handed in.

Both live in other processes; these are the shapes of the objects that speak to them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


class ModelInfo(Protocol):
    """An image model and how images are drawn with it; sizes in pixels."""

    @property
    def name(self) -> str:
        """What a person calls it."""

    @property
    def path(self) -> str:
        """Where it is loaded from; "emoji" stands for the embedded model."""

    @property
    def identity(self) -> str:
        """Tells models apart by content."""

    @property
    def aliases(self) -> Sequence[str]:
        """Other names that it has, or had; one that begins with a hyphen ends so."""

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
    """One image to draw."""

    prompt: str
    seed: int


@dataclass(frozen=True, slots=True)
class RenderSettings:
    """How images are drawn; sizes in pixels."""

    width: int
    height: int
    steps: int
    guidance: float
    negative_prompt: str
    scheduler: str


class Rendered(Protocol):
    """An image that lies in the store's folder of images."""

    @property
    def sha256(self) -> str: ...

    @property
    def width(self) -> int: ...

    @property
    def height(self) -> int: ...


class SamplerState(Protocol):
    """What the image model's process does now."""

    @property
    def state(self) -> str:
        """starting, loading, ready, stopped or failed."""

    @property
    def detail(self) -> str:
        """The same as a sentence."""

    @property
    def device(self) -> str:
        """cpu, cuda, mps, ..."""

    @property
    def retry_s(self) -> float | None:
        """Seconds until a model that failed is tried again; None where it is not by itself."""


class Sampler(Protocol):
    """Draws images in a process of its own; every method may be called from any thread."""

    def start(self) -> None:
        """Start the process unless it runs; returns at once."""

    def retry(self) -> None:
        """Try again now to load a model that failed; returns at once."""

    def stop(self) -> None:
        """End the process; a `render` under way raises."""

    def state(self) -> SamplerState:
        """What the process does now."""

    def render(
        self,
        items: Sequence[Any],
        adapters: Sequence[tuple[Path, float]],
        settings: Any,
        on_image: Callable[[int, Rendered], None] | None = None,
        prefer_throughput: bool = False,
        preemptible: bool = False,
    ) -> Sequence[Rendered]:
        """Draw RenderItems by RenderSettings and wait for the stored images, in order.

        `adapters` are files added up by their weights; without any the base alone draws. `on_image`
        is called with an index and its image as soon as that is stored; if `prefer_throughput`, the
        first ones may come later so that the last come sooner. If `preemptible`, the drawing ends
        early, with the images that are there, as soon as something is asked for without it. Raises
        an error whose text can be shown.
        """

    def score(
        self,
        prompts: Sequence[str],
        images: Sequence[Path],
        adapter: Path,
        settings: Any,
        on_score: Callable[[int, float], None] | None = None,
    ) -> Sequence[float]:
        """Say how much likelier an adapter holds each image to be than its base does.

        Only images of one prompt compare. Raises an error whose text can be shown.
        """


class RunStatus(Protocol):
    """Where a run is, by what its trainer wrote."""

    @property
    def state(self) -> str:
        """queued, running, done, failed, cancelled or interrupted."""

    @property
    def phase(self) -> str: ...

    @property
    def step(self) -> int: ...

    @property
    def steps(self) -> int: ...

    @property
    def progress(self) -> float:
        """From 0 to 1."""

    @property
    def eta_s(self) -> float | None: ...

    @property
    def silent_s(self) -> float:
        """For how long a process that should be there has said nothing; 0 under a minute."""

    @property
    def error(self) -> str | None: ...

    @property
    def result(self) -> dict[str, Any] | None: ...


class Converter(Protocol):
    """Writes versions for other programs and takes theirs in, each in a process of its own.

    Every method raises an error whose text can be shown.
    """

    def export(self, source: Path, target: Path, form: str, model: Any) -> None:
        """Write the adapter of a run folder, or an adapter file, in another form."""

    def import_weights(self, source: Path, target: Path, model: Any) -> dict[str, Any]:
        """Check a LoRA or a tuned model against the base, copy it and describe it."""

    def stop(self) -> None:
        """End what goes on now; it raises."""


class Trainer(Protocol):
    """Starts one trainer process per run folder and reads what it writes there."""

    def plan(
        self, model: Any, pairs: int, settings: dict[str, Any], pairs_per_s: float | None = None
    ) -> dict[str, Any]:
        """What a run on this many pairs would be; raises an error that says what to change.

        `pairs_per_s` is the speed of an earlier run here, for a better guess of the minutes.
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
        """Start the trainer, or let it go on from its last checkpoint; returns at once."""

    def status(self, run_dir: Path) -> RunStatus:
        """Where the run is; interrupted when its process is gone."""

    def metrics(self, run_dir: Path, since: int = 0) -> list[dict[str, Any]]:
        """The metrics of the steps after `since`."""

    def adapter(self, run_dir: Path) -> Path:
        """Where a finished run left its adapter."""

    def is_alive(self, run_dir: Path) -> bool:
        """Whether a trainer works in this folder, whoever started it."""

    def cancel(self, run_dir: Path) -> None:
        """Ask the trainer to stop; it keeps its last checkpoint."""

    def kill(self, run_dir: Path) -> None:
        """End a trainer that does not heed `cancel`."""

    def needs_sampler_stopped(self, model: Any, sampler: Any) -> bool:
        """Whether trainer and sampler do not fit on the sampler's device together."""
