"""Images of a version for the page: samples of the run that made it, or what it rendered last."""

from annotate.training.samples.run_samples import samples_of
from annotate.urls import image_url
from storage.records import Version
from storage.store import Store

MAX_IMAGES = 4
MAX_RUNS = 8
"""The newest ones, among which one may have samples of the base."""
BEFORE, AFTER = 0.0, 1.0
"""Shares of a run: those of its samples show the base, and the version that it made."""


class VersionImages:
    """Finds a few images of each version of a model."""

    def __init__(self, store: Store, model_id: str) -> None:
        self._store, self._model_id = store, model_id

    def urls(self, version: Version) -> list[str]:
        """Return URLs of images of a version, relative to the server's root."""
        if version.parent is None:
            runs = [run.run_id for run in self._store.runs(self._model_id)[:MAX_RUNS]]
            found = next(filter(None, (self._samples(run_id, BEFORE) for run_id in runs)), [])
        else:
            found = self._samples(version.run_id, AFTER) if version.run_id else []
        return found or self._rendered(version.version)

    def _samples(self, run_id: str, share: float) -> list[str]:
        """Return the samples of a run at one share of it, which every prompt has."""
        stages = [stage for s in samples_of(self._store.run_dir(run_id)) for stage in s["stages"]]
        return [stage["url"] for stage in stages if stage["share"] == share][:MAX_IMAGES]

    def _rendered(self, version: str) -> list[str]:
        newest = self._store.version_labels.newest_images(self._model_id, version, MAX_IMAGES)
        return [image_url(image_id) for image_id in newest]
