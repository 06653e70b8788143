"""The endpoints about data: votes that come in from files, go out, and are backed up and merged.

Those that take long return at their end; `data_job` tells meanwhile how far they are.
"""

from typing import Any, cast

from annotate.service.studio import Studio
from annotate.views.data import (
    BackupResult,
    DataJobView,
    ExportResult,
    ImportedSource,
    MergePreview,
    MergeResult,
    RestoreResult,
    SourcePreview,
    SourceView,
)


class DataEndpoints:
    """The endpoints as methods: what their names, parameters and docstrings say is public."""

    _studio: Studio

    def preview_source(
        self, path: str, layout: str = "", mapping: dict[str, str] | None = None
    ) -> SourcePreview:
        """Return what would come in from a file, a folder or a pattern; bring in nothing."""
        data = self._studio.data
        return cast(SourcePreview, data.run(data.incoming.previewing(path, layout, mapping)))

    def import_source(
        self,
        path: str,
        name: str,
        layout: str = "",
        mapping: dict[str, str] | None = None,
        copy: bool = False,
        who: str = "me",
    ) -> ImportedSource:
        """Bring votes of files in as a source; with `copy` Parquet files go into the studio."""
        data = self._studio.data
        plan = data.incoming.importing(path, name, layout, mapping, copy is True, who)
        return cast(ImportedSource, data.run(plan))

    def sources(self) -> list[SourceView]:
        """Return the sources of the open model: votes that came in from files."""
        return self._studio.data.incoming.sources()

    def change_source(
        self,
        source: str,
        name: str | None = None,
        weight: float | None = None,
        used: bool | None = None,
        who: str = "me",
    ) -> list[SourceView]:
        """Rename a source, weigh its votes, or let runs take them or not; null changes nothing."""
        return self._studio.data.incoming.change(source, who, name, weight, used)

    def remove_source(self, source: str, who: str = "me") -> list[SourceView]:
        """Remove a source with its votes; runs that learned from them stay."""
        data = self._studio.data
        data.run(data.incoming.removing(source, who))
        return data.incoming.sources()

    def export_votes(
        self, form: str, target: str = "", whose: str = "", names: bool = False
    ) -> ExportResult:
        """Write votes and images: whose is "", "all" (sources too) or "person:NAME"."""
        data = self._studio.data
        plan = data.outgoing.exporting(form, whose, target, names is True)
        return cast(ExportResult, data.run(plan))

    def data_job(self) -> DataJobView | dict[str, Any]:
        """Return how far the newest long job on data is, or how it ended; {} before the first."""
        return self._studio.data.jobs.view() or {}

    def stop_data_job(self) -> DataJobView | dict[str, Any]:
        """Stop the long job on data that is under way: what it did so far is undone."""
        self._studio.data.jobs.stop()
        return self.data_job()

    def backup(self, target: str, who: str = "me") -> BackupResult:
        """Back up the whole studio into a folder of backups, "" for the usual one."""
        data = self._studio.data
        return cast(BackupResult, data.run(data.backups.backing_up(target, who)))

    def merge_preview(self, path: str) -> MergePreview:
        """Return what another studio of this model, which is closed, would add."""
        data = self._studio.data
        return cast(MergePreview, data.run(data.merges.previewing(path)))

    def merge(self, path: str) -> MergeResult:
        """Take the people, votes and versions of another studio that are not here yet."""
        data = self._studio.data
        return cast(MergeResult, data.run(data.merges.merging(path)))

    def restore_votes(self, path: str) -> RestoreResult:
        """Restore the votes of an export in Palate's own Parquet into a studio that has none."""
        data = self._studio.data
        return cast(RestoreResult, data.run(data.restores.restoring(path)))
