"""Activity: what the app does in the background."""

from typing import TypedDict

from annotate.views.pair_rendering import PoolView, SamplerView
from annotate.views.training import RunProgress


class ActiveLearningView(TypedDict):
    """Active learning of the next pair."""

    problem: str | None
    """Why pairs come in their order instead."""


class DatabaseView(TypedDict):
    """State of the studio's database."""

    recovered: list[str]
    """Damage that was found when it was opened, and how it was repaired."""
    problem: str | None


class CurrentRun(RunProgress):
    """Progress of the run under way."""

    run_id: str
    next_images_s: float | None
    """Seconds until it lets images be rendered; null where they are rendered meanwhile."""


class PublicActivity(TypedDict):
    """Activity as labelers may know it: no model, version or run."""

    message: str
    """The most urgent of it in a sentence."""


class ActivityView(PublicActivity):
    """Present activity of sampler, pair pool, runs and database."""

    model: str
    """Name of the open model."""
    newest_version: str | None
    """The version that the newest run made; null before the first."""
    sampler: SamplerView
    pool: PoolView
    run: CurrentRun | None
    problem: str | None
    """Why the runs cannot be followed, or none starts by itself that is due, as a sentence."""
    choosing: ActiveLearningView
    database: DatabaseView
