"""Votes of files on their way in: looked at, brought in as a source, listed, changed, removed."""

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from annotate.clock import in_utc
from annotate.data_jobs.found_files import column_mapping, columns_of, layout_names
from annotate.data_jobs.incoming_views import as_example, came_in
from annotate.data_jobs.jobs import JobPlan, Progress, Result
from annotate.data_jobs.uploaded_data import UploadedData
from annotate.errors import InvalidRequest
from annotate.image_import.thumbnails import small_copy
from annotate.views.data import (
    ImportedSource,
    SourcePreview,
    SourceView,
)
from annotate.wording import quantity
from storage.errors import UnreadableData
from storage.layouts.found import FoundData, find_data
from storage.layouts.inputs import name_for
from storage.layouts.layouts import LAYOUTS
from storage.layouts.mapping import ColumnMapping
from storage.layouts.reading import ReadFiles
from storage.sources.source_files import own_name
from storage.sources.source_import import NewSource
from storage.sources.source_preview import SourcePreview as Seen
from storage.sources.source_records import Source
from storage.store import Store

Thumbnails = list[list[bytes | None]]
NOTHING_SEEN = Seen(0, True, {}, {}, 0, 0, (), {})


class Incoming:
    """The votes of files for one model: their previews, and the sources that they became."""

    def __init__(self, store: Store, model_id: str) -> None:
        self._store, self.base = store, model_id
        self._uploads = UploadedData()
        self.previewed: tuple[SourcePreview, str, Thumbnails] | None = None
        """The newest preview, a name for its source, and small images of its examples."""

    def sources(self) -> list[SourceView]:
        """Return the sources of the model, oldest first."""
        return [self._view(source) for source in self._store.sources.all(self.base)]

    def previewing(
        self, path: str, layout: str = "", columns: Mapping[str, str] | None = None
    ) -> JobPlan:
        """Plan a look at a file, a folder or a pattern; raises InvalidRequest without one."""
        named = as_path(path)
        if self.previewed and self.previewed[0]["path"] != named:
            # Of other files: nobody is to bring these in for those that are looked at now.
            self.previewed = None

        def work(progress: Progress, cancelled: threading.Event) -> Result:
            found = find_data([named])
            preview, seen = self._look(named, found, layout, columns, cancelled)
            thumbnails = [[small_copy(image) for image in each.images] for each in seen.examples]
            self.previewed = preview, name_for(named), thumbnails
            return {**preview}

        return JobPlan("preview", f"Looking at {Path(named).name}", work)

    def previewing_upload(self, files: Sequence[tuple[str, str]], uploads: Path) -> JobPlan:
        """Plan a look at files that a browser sent into the folder `uploads`."""
        self.forget()
        return self.previewing(str(self._uploads.collect(files, uploads)))

    def importing(
        self,
        path: str,
        name: str,
        layout: str,
        columns: Mapping[str, str] | None,
        copy: bool,
        who: str,
    ) -> JobPlan:
        """Plan to bring files in as a source of this name; raises InvalidRequest without a path."""
        named = as_path(path)

        def work(progress: Progress, cancelled: threading.Event) -> Result:
            found = find_data([named])
            new = self._new_source(named, name, found, layout, columns, copy, who)
            done = self._store.sources.bring_in(new, progress, cancelled)
            self.forget()
            result: ImportedSource = {
                "source": self._view(done.source),
                "known": done.known,
                "message": came_in(done.source, done.known),
            }
            return {**result}

        return JobPlan("import", f"Bringing in {name}", work)

    def change(
        self,
        source: str,
        who: str,
        name: str | None = None,
        weight: float | None = None,
        used: bool | None = None,
    ) -> list[SourceView]:
        """Weigh a source, let runs take it or leave it, and rename it; return all sources.

        Raises UnknownSource, InvalidSource or SourceKnown.
        """
        sources, base = self._store.sources, self.base
        sources.get(base, source)
        if weight is not None:
            sources.weigh(base, source, as_weight(weight), who)
        if used is not None:
            sources.use(base, source, used is True, who)
        if name is not None and name.strip() != source:
            sources.rename(base, source, name, who)
        return self.sources()

    def removing(self, source: str, who: str) -> JobPlan:
        """Plan the removal of a source; raises UnknownSource."""
        self._store.sources.get(self.base, source)

        def work(progress: Progress, cancelled: threading.Event) -> Result:
            gone = self._store.sources.remove(self.base, source, who)
            return {"message": f"{gone.name} is gone with its {quantity(gone.votes, 'vote')}."}

        return JobPlan("remove", f"Removing {source}", work)

    def forget(self) -> None:
        """Forget the newest preview, and remove what was sent for it."""
        self.previewed = None
        self._uploads.discard()

    def _look(
        self,
        path: str,
        found: FoundData,
        layout: str,
        columns: Mapping[str, str] | None,
        cancelled: threading.Event,
    ) -> tuple[SourcePreview, Seen]:
        """Look at the first rows; what is wrong with the columns is told with the preview."""
        mapping, seen, problem, field = None, NOTHING_SEEN, "", ""
        try:
            mapping = column_mapping(found, layout, columns)
            read = ReadFiles(found, mapping)
            seen = self._store.sources.preview(self.base, found.files, read, cancelled)
        except UnreadableData as error:
            field = getattr(error, "field", "")
            if mapping is not None and not field:
                # The file itself cannot be read, whichever columns somebody chooses.
                raise
            problem = str(error)
        return self._preview(path, found, mapping, seen, problem, field), seen

    def _preview(
        self,
        path: str,
        found: FoundData,
        mapping: ColumnMapping | None,
        seen: Seen,
        problem: str,
        field: str,
    ) -> SourcePreview:
        layout = LAYOUTS.get(mapping.layout) if mapping else None
        return {
            "path": path,
            "layout": layout.name if layout else "",
            "layout_title": layout.title if layout else "",
            "layouts": layout_names(found),
            "kind": found.kind,
            "sent": self._uploads.holds(Path(path)),
            "files": len(found.files),
            "columns": list(found.cells),
            "mapping": columns_of(mapping),
            "rows": seen.rows if seen.whole and seen.rows else found.rows,
            "looked_at": seen.rows,
            "whole": seen.whole,
            "votes": seen.votes,
            "left_out": seen.left_out,
            "images": seen.images,
            "annotators": seen.annotators,
            "known": seen.known,
            "problem": problem,
            "field": field,
            "examples": [as_example(each) for each in seen.examples],
        }

    def _new_source(
        self,
        path: str,
        name: str,
        found: FoundData,
        layout: str,
        columns: Mapping[str, str] | None,
        copy: bool,
        who: str,
    ) -> NewSource:
        mapping = column_mapping(found, layout, columns)
        sent = self._uploads.holds(Path(path))
        return NewSource(
            base=self.base,
            name=name,
            layout=mapping.layout,
            files=found.files,
            read=ReadFiles(found, mapping),
            who=who,
            mapping={**mapping.as_data()},
            rows=found.rows or 0,
            taken="move" if sent else "copy" if copy else "stay",
        )

    def _view(self, source: Source) -> SourceView:
        layout = LAYOUTS.get(source.layout)
        return {
            "name": source.name,
            "layout": layout.title if layout else source.layout,
            "files": [own_name(file["path"]) for file in source.facts.get("files", [])],
            "faults": {
                own_name(file): why for file, why in self._store.sources.faults(source).items()
            },
            "votes": source.counts["votes"],
            "images": source.counts["images"],
            "left_out": source.counts["left_out"],
            "double": source.counts["double"],
            "weight": source.weight,
            "used": source.used,
            "who": source.who,
            "created": in_utc(source.created),
        }


def as_path(path: str) -> str:
    """Return a path without what file managers paste around it; raises InvalidRequest for none."""
    named = path.strip().strip("\"'")
    if not named:
        raise InvalidRequest("Name a file or a folder on the machine that Palate runs on.")
    return named


def as_weight(weight: object) -> float:
    """Return a weight as a number; raises InvalidRequest for what is none."""
    if isinstance(weight, bool) or not isinstance(weight, int | float):
        raise InvalidRequest(f"{weight!r} is no weight. Send a number above 0 and up to 1.")
    return float(weight)
