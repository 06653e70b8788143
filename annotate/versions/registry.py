"""Registry of a model's versions: lineage, names, notes, exports, imports and deletions."""

import logging
import re
from collections.abc import Callable
from pathlib import Path

from align.contracts.models import ModelInfo
from align.contracts.run_files import MetricsRow
from align.contracts.weights import ImportedWeights, VersionSummary
from annotate.background import DurationHistory
from annotate.clock import in_utc
from annotate.errors import InvalidRequest, LastGoodVersion, VersionFileMissing
from annotate.interfaces import Converter, Trainer
from annotate.validation import as_text
from annotate.versions.export_forms import FORMS
from annotate.versions.naming import VersionTitles, version_title
from annotate.versions.release_gate import failed_checks
from annotate.views.model_versions import (
    ExportedVersion,
    LineageView,
    ListedVersion,
    VersionDetail,
    VersionView,
)
from storage.records import TrainedOn, Version
from storage.store import Store

logger = logging.getLogger(__name__)

DELETED_RUNS = "deleted_runs"
"""Name of the project setting that lists the ids of runs whose files were deleted."""
EXPORT_FILE = re.compile(r"[\w-][\w.-]*\.safetensors")


def no_images(version: Version) -> list[str]:
    """Return the URLs of no image."""
    return []


class VersionRegistry:
    """Registry of versions, deleted ones included; thread-safe."""

    def __init__(
        self,
        store: Store,
        trainer: Trainer,
        converter: Converter | None,
        model: ModelInfo,
        model_id: str,
        images: Callable[[Version], list[str]] = no_images,
    ) -> None:
        """Remember the parts; `images` returns URLs of images of a version."""
        self._store, self._trainer = store, trainer
        self._converter, self._model = converter, model
        self._model_id, self._images = model_id, images
        self.durations = DurationHistory()

    def versions(self) -> list[ListedVersion]:
        """Return the versions that are not deleted, oldest first."""
        return [listed_version(version) for version in self._store.versions(self._model_id)]

    def titles(self) -> VersionTitles:
        """Return titles and images of all versions, deleted ones included."""
        versions = {v.version: v for v in self._store.version_labels.versions(self._model_id)}
        return VersionTitles(versions.values(), lambda number: self._images(versions[number]))

    def lineage(self) -> list[LineageView]:
        """Return every version, oldest first, with its training votes and its results."""
        trained_on = self._store.version_labels.trained_on(self._model_id)
        versions = self._store.version_labels.versions(self._model_id)
        helpful = helpful_versions(versions)
        only_helpful = helpful[0].version if len(helpful) == 1 else None

        return [
            {
                **version_view(version, trained_on.get(version.run_id or "")),
                "thumbnail_urls": self._images(version),
                "last_good": version.version == only_helpful,
            }
            for version in versions
        ]

    def detail(self, version: str) -> VersionDetail:
        """Return one version with the metrics of its run; raises UnknownVersion."""
        views = {view["version"]: view for view in self.lineage()}
        if version not in views:
            # Raises UnknownVersion, with a sentence.
            self._store.version(self._model_id, as_text(version, "The version"))
        view = views[version]
        return {**view, "metrics": self._metrics(view["run_id"])}

    def rename(self, version: str, name: str) -> None:
        """Set a version's display name; raises storage's InvalidLabel or UnknownVersion."""
        text = as_text(name, "The name")
        self._store.version_labels.rename(self._model_id, as_text(version, "The version"), text)

    def note(self, version: str, note: str) -> None:
        """Set a version's note; raises storage's InvalidLabel or UnknownVersion."""
        text = as_text(note, "The note")
        self._store.version_labels.note(self._model_id, as_text(version, "The version"), text)

    def delete(self, version: str) -> int:
        """Delete a version's files and return the number of bytes freed.

        Raises LastGoodVersion, or storage's VersionNeeded or UnknownVersion.
        """
        name = as_text(version, "The version")
        helpful = helpful_versions(self._store.versions(self._model_id))
        if [version.version for version in helpful] == [name]:
            raise LastGoodVersion(
                f"{version_title(helpful[0])} is the only version that is known to help. Make a "
                "better one, then delete it."
            )
        freed = self._store.version_labels.delete(self._model_id, name)
        return freed + self._forget_run(name)

    def _forget_run(self, version: str) -> int:
        """Remove what a deleted version kept of its run, if that was deleted before; in bytes."""
        versions = self._store.version_labels.versions(self._model_id)
        run_id = next(each.run_id for each in versions if each.version == version)
        if run_id is None or run_id not in self._store.project_settings.get(DELETED_RUNS, []):
            return 0
        return self._store.disk.remove_run(run_id).bytes

    def require_file(self, version: str) -> Version:
        """Return a version whose file is there; raises VersionFileMissing or UnknownVersion."""
        known = self._store.version(self._model_id, version)
        if known.adapter is not None and not known.adapter.is_file():
            raise VersionFileMissing(
                f"The file of {version_title(known)}, {known.adapter}, is gone. Put it back, or "
                "delete the version."
            )
        return known

    def export(self, version: str, form: str) -> ExportedVersion:
        """Write a version for other programs, unless it was written before; return where it is.

        Raises InvalidRequest, VersionFileMissing, UnknownVersion, DiskFull or what the converter
        raises.
        """
        if form not in FORMS:
            raise InvalidRequest(f"Unknown form {form!r}. Known ones: {', '.join(FORMS)}.")
        known = self.require_tuned(version)

        name = self._export_name(version, form)
        target = self._store.version_labels.exports(self._model_id) / name
        if not target.exists():
            writing = self._store.version_labels.writing_export(self._model_id, name)
            with writing as scratch, self.durations.timed(form):
                self.converter.export(self.source_of(known), scratch, form, self._model)
                keep_card(scratch, target)

        return {
            "version": version,
            "form": form,
            "read_by": FORMS[form].programs,
            "saved": f"exports/{target.parent.name}/{name}",
            "url": f"export/{name}" if target.is_file() else None,
            "bytes": sum(file.stat().st_size for file in _files(target)),
        }

    def export_file(self, name: str) -> Path | None:
        """Return an exported file by its name; None for a name that no export has."""
        file = self._store.version_labels.exports(self._model_id) / name
        return file if EXPORT_FILE.fullmatch(name) and file.is_file() else None

    def adopt(self, source: str) -> str:
        """Import a LoRA file or a tuned pipeline's folder as a version, and return its name.

        Raises InvalidRequest, DiskFull or what the converter raises.
        """
        path = Path(as_text(source, "The file").strip().strip("\"'")).expanduser()
        if not str(source).strip():
            raise InvalidRequest("Name a LoRA file or a pipeline folder, or upload a file.")

        target = self._store.version_labels.new_import()
        try:
            with self.durations.timed("adopt"):
                facts = self.converter.import_weights(path, target, self._model)
            self._require_new(facts)
            summary: VersionSummary = {"imported": {"file": path.name, **facts}}
            return self._store.version_labels.add_import(self._model_id, target, summary).version
        except BaseException:
            # An interrupt, too, must not leave half a file behind.
            target.unlink(missing_ok=True)
            raise

    def stop(self) -> None:
        """End the export or import under way."""
        if self._converter is not None:
            self._converter.stop()

    @property
    def converter(self) -> Converter:
        """The converter; raises InvalidRequest in an app without one."""
        if self._converter is None:
            raise InvalidRequest("This app was started without the means to export and import.")
        return self._converter

    def _require_new(self, facts: ImportedWeights) -> None:
        """Raise InvalidRequest if a version was imported from the same file."""
        for version in self._store.versions(self._model_id):
            imported = version.summary.get("imported")
            if imported and imported.get("sha256") == facts["sha256"]:
                raise InvalidRequest(f"This file is {version_title(version)} already.")

    def _export_name(self, version: str, form: str) -> str:
        """Return the file or folder name of an export, such as sdxl-v2-kohya.safetensors."""
        model = re.sub(r"[^\w-]+", "-", self._model.name).strip("-") or "model"
        return f"{model}-{version}-{form}" + ("" if FORMS[form].folder else ".safetensors")

    def require_tuned(self, version: str) -> Version:
        """Return a version that is not the base and whose file is there; raises as export."""
        known = self.require_file(as_text(version, "The version"))
        if known.adapter is None:
            raise InvalidRequest("The base is the model itself. Choose a version made from it.")
        return known

    def source_of(self, version: Version) -> Path:
        """Return the run folder, whose config.json the converter reads, or the adapter file."""
        assert version.adapter is not None
        if version.run_id is None:
            return version.adapter
        run_dir = self._store.run_dir(version.run_id)
        own = version.adapter == self._trainer.adapter(run_dir)
        return run_dir if own and (run_dir / "config.json").is_file() else version.adapter

    def _metrics(self, run_id: str | None) -> list[MetricsRow]:
        """Return the metrics of a run; none if they cannot be read."""
        if run_id is None:
            return []
        try:
            return self._trainer.metrics(self._store.run_dir(run_id))
        except Exception:
            # A damaged folder must not hide the version.
            logger.exception("the metrics of run %s cannot be read", run_id)
            return []


def helpful_versions(versions: list[Version]) -> list[Version]:
    """Return the versions with a file that passed their checks and helped on held-out pairs."""
    present = (v for v in versions if v.deleted is None and v.adapter and v.adapter.is_file())
    released = (v for v in present if not failed_checks(v.summary))
    return [v for v in released if v.summary.get("held_out", {}).get("helped") is True]


def listed_version(version: Version) -> ListedVersion:
    """Return a version as programs list it."""
    return {
        "version": version.version,
        "parent": version.parent,
        "run_id": version.run_id,
        "active": version.active,
        "held_back": failed_checks(version.summary),
        "created": in_utc(version.created),
        "name": version.name,
        "note": version.note,
    }


def version_view(version: Version, trained_on: TrainedOn | None) -> VersionView:
    """Return a version as the page shows it; `trained_on` are the votes of its run."""
    summary = version.summary
    missing = version.adapter is not None and not version.adapter.is_file()

    return {
        **listed_version(version),
        "deleted": in_utc(version.deleted) if version.deleted else None,
        "missing": missing and version.deleted is None,
        "imported": summary.get("imported"),
        "objective": summary.get("objective"),
        "result": summary,
        "snapshot": trained_on.snapshot_id if trained_on else None,
        "counts": trained_on.counts if trained_on else {},
        "undone": trained_on.undone if trained_on else 0,
        "thumbnail_urls": [],
    }


def _files(path: Path) -> list[Path]:
    return [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]


def keep_card(scratch: Path, target: Path) -> None:
    """Move the card that was written beside a file along with it; a folder has its own in it."""
    card = scratch.with_suffix(".md")
    if card.is_file():
        card.replace(target.with_suffix(".md"))
