"""Interfaces of the sampler, the trainer and the converter, which the studio is constructed with.

All of them run in other processes; these are protocols of the objects that control them. What they
take and return is in `align.contracts`.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from align.contracts.model_files import ModelListing
from align.contracts.models import Download, ModelInfo
from align.contracts.rendering import Rendered, RenderItem, RenderSettings, SamplerState
from align.contracts.run_files import MeasuredPace, MetricsRow, RunPlan, RunStatus
from align.contracts.run_samples import SamplePrompt
from align.contracts.run_settings import RunSettingFields
from align.contracts.run_timing import RunTiming
from align.contracts.step_progress import StepProgress
from align.contracts.weights import ImportedWeights, SentFile


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

    def expected_image_s(self, settings: RenderSettings) -> float | None:
        """Return the seconds that an image should take on this device; None where none can tell."""

    def render(
        self,
        items: Sequence[RenderItem],
        adapters: Sequence[tuple[Path, float]],
        settings: RenderSettings,
        on_image: Callable[[int, Rendered], None] | None = None,
        prefer_throughput: bool = False,
        preemptible: bool = False,
        on_progress: Callable[[StepProgress], None] | None = None,
        previews: bool = False,
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
            on_progress: called about once a second where an image takes seconds.
            previews: let small previews come with the progress.

        Raises an error whose text can be shown.
        """

    def score(
        self,
        prompts: Sequence[str],
        images: Sequence[Path],
        adapter: Path,
        settings: RenderSettings,
        on_score: Callable[[int, float], None] | None = None,
    ) -> Sequence[float]:
        """Return the implicit reward of an adapter for each image, relative to its base.

        Only rewards of images of one prompt compare. Raises an error whose text can be shown.
        """


class Models(Protocol):
    """Models that a person can open: lists and describes them without loading any.

    Every method raises an error whose text can be shown.
    """

    def models(self) -> ModelListing:
        """List the models in the folder that the app was started with, by their headers."""

    def describe(
        self, name: str, vae: str | None = None, prediction: str | None = None
    ) -> ModelInfo:
        """Describe a model by its name in that folder, a path or a hub name."""

    def download(self, model: ModelInfo) -> Download | None:
        """Return the download that a hub model still needs; None if it needs none."""

    def new_sampler(self, model: ModelInfo) -> Sampler:
        """Return a sampler for a model, which is not started."""

    def remember(self, model: ModelInfo, prediction: str | None = None) -> None:
        """Keep a model as the one that the next start opens where it names none, once it loads.

        `prediction` is what a person asked for, if anything.
        """


class Converter(Protocol):
    """Exports versions for other programs and imports theirs, each in a process of its own.

    Every method raises an error whose text can be shown.
    """

    def export(self, source: Path, target: Path, form: str, model: ModelInfo) -> None:
        """Write the adapter of a run folder, or an adapter file, in another form."""

    def lora_folder(self, path: Path) -> Path:
        """Return the LoRA folder that a person means, which may be in the one that was named."""

    def send(
        self,
        source: Path,
        folder: Path,
        name: str,
        model: ModelInfo,
        settings: RenderSettings,
        strength: float,
    ) -> SentFile:
        """Write an adapter and a note of `settings` into the LoRA folder of another program.

        The file is at strength 1.0 what the adapter is at `strength`.
        """

    def import_weights(self, source: Path, target: Path, model: ModelInfo) -> ImportedWeights:
        """Check a LoRA or a tuned model against the base, copy it and describe it."""

    def stop(self) -> None:
        """Kill the export, sending or import that runs now; it raises."""


class Trainer(Protocol):
    """Starts one trainer process per run folder and reads the files that it writes."""

    def plan(
        self,
        model: ModelInfo,
        pairs: int,
        settings: dict[str, Any],
        pairs_per_s: float | None = None,
        sampler: SamplerState | None = None,
        paces: Sequence[MeasuredPace] = (),
        own: int | None = None,
    ) -> RunPlan:
        """Return the plan of a run on this many pairs; raises an error that says what to change.

        `pairs_per_s` is the speed of an earlier run here, for a better estimate of the minutes, and
        `paces` are those of all that were measured, the newest first. The device of `sampler`
        decides on pixels and on the steps that fit into the run's budget. `own` is how many of the
        pairs were chosen here, where others came in from files: they are held out first.
        """

    def setting_fields(self, model: ModelInfo) -> RunSettingFields:
        """Return the settings of a run on this model, with their defaults and what they mean."""

    def prepare(
        self,
        run_dir: Path,
        snapshot: Path,
        model: ModelInfo,
        settings: dict[str, Any],
        start: Path | None = None,
        look: RenderSettings | None = None,
        sampler: SamplerState | None = None,
        samples: Sequence[SamplePrompt] = (),
        paces: Sequence[MeasuredPace] = (),
    ) -> None:
        """Fill a run folder; `start` is an adapter to go on from.

        `look` is what images are rendered with, in place of the model's own settings. The device of
        `sampler` decides on the pixels, where no setting does. `samples` are rendered before,
        during and after training.

        Raises an error that says what to change.
        """

    def start(self, run_dir: Path) -> None:
        """Start the trainer, or resume it from its last checkpoint; returns at once."""

    def status(self, run_dir: Path) -> RunStatus:
        """Return the status of a run; it is interrupted when its process is gone."""

    def metrics(self, run_dir: Path, since: int = 0) -> list[MetricsRow]:
        """Return the metrics of the steps after `since`."""

    def settings(self, run_dir: Path) -> dict[str, Any]:
        """Return all settings that a run trains with, by their names."""

    def timing(self, run_dir: Path) -> RunTiming | None:
        """Return what a run has measured of its own time; None before its second step."""

    def adapter(self, run_dir: Path) -> Path:
        """Return the path of a finished run's adapter."""

    def is_alive(self, run_dir: Path) -> bool:
        """Return whether a trainer works in this folder, whoever started it."""

    def cancel(self, run_dir: Path) -> None:
        """Ask the trainer to stop; it keeps its last checkpoint."""

    def pause(self, run_dir: Path) -> None:
        """Ask the trainer to end at a checkpoint; the run is then paused, until `start`."""

    def go_on(self, run_dir: Path) -> None:
        """Withdraw a pause: start a run that is paused again, let any other one go on."""

    def kill(self, run_dir: Path) -> None:
        """Kill a trainer that does not heed `cancel`."""

    def has_own_device(self) -> bool:
        """Return whether runs have a device that the sampler does not use."""

    def needs_sampler_stopped(self, model: ModelInfo, sampler: SamplerState) -> bool:
        """Return whether trainer and sampler do not fit on the sampler's device together."""
