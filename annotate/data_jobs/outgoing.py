"""Votes on their way out: the forms, whose votes, where to, and what was written."""

import threading
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from annotate.clock import WallClock
from annotate.data_jobs.export_archive import MAX_BYTES, size_of
from annotate.data_jobs.jobs import JobPlan, Progress, Result
from annotate.errors import InvalidRequest
from annotate.views.data import ExportForm, ExportResult
from storage.exports.exported_votes import ExportChoice
from storage.exports.exports import ExportSummary
from storage.exports.forms.form_list import FORMS, PARQUET, TITLES, require_form
from storage.store import Store

EVERYBODY, ALL, PERSON = "", "all", "person:"
READ_BY_PARQUET = "Diffusion-DPO's public scripts, PickScore's trainer, datasets.load_dataset"


class Outgoing:
    """Exports of the votes on one model's images."""

    def __init__(self, store: Store, model_id: str, now: WallClock = datetime.now) -> None:
        self._store, self._model_id, self._now = store, model_id, now
        self._downloads: dict[str, Path] = {}
        """The folder of the newest export by the name of its download, if it is small."""

    def forms(self) -> list[ExportForm]:
        """Return the forms, with the programs that read each and what it leaves out."""
        return [
            {
                "form": name,
                "title": title,
                "read_by": READ_BY_PARQUET if name == PARQUET else FORMS[name].read_by,
                "loses": [] if name == PARQUET else [*FORMS[name].loses.values()],
            }
            for name, title in TITLES.items()
        ]

    def people(self) -> list[str]:
        """Return the annotators who gave votes on the model's images."""
        return list(self._store.snapshots.annotators(self._model_id))

    @property
    def usual_place(self) -> str:
        """The folder in which an export gets a folder of its own, unless one is named."""
        return str(self._store.opening.folder.exports)

    def download(self, name: str) -> Path | None:
        """Return the folder of a small export by the name of its download."""
        return self._downloads.get(name)

    def exporting(self, form: str, whose: str, target: str, names: bool) -> JobPlan:
        """Plan an export; raises UnknownForm, or InvalidRequest for people who are not there."""
        require_form(form)
        choice = self._choice(whose, names)
        place = self._place(form, target)

        def work(progress: Progress, cancelled: threading.Event) -> Result:
            place.parent.mkdir(parents=True, exist_ok=True)
            done = self._store.exports.write(form, place, choice, progress, cancelled)
            return {**self._result(done)}

        return JobPlan("export", f"Writing {place.name}", work)

    def _choice(self, whose: str, names: bool) -> ExportChoice:
        """Return the votes that somebody asked for; raises InvalidRequest."""
        bases = (self._model_id,)
        if whose == EVERYBODY:
            return ExportChoice(bases, sources=(), names=names)
        if whose == ALL:
            return ExportChoice(bases, names=names)
        if whose.startswith(PERSON) and (name := whose.removeprefix(PERSON)) in self.people():
            return ExportChoice(bases, (name,), (), names=names)
        raise InvalidRequest(
            f"There is nobody {whose!r} here. Send an empty text for everybody, all for everybody "
            "and all sources, or person: and a name."
        )

    def _place(self, form: str, target: str) -> Path:
        """Return the folder that an export is written into: the one named, or a new one."""
        if target.strip():
            return Path(target.strip()).expanduser().absolute()
        moment = self._now().strftime("%Y-%m-%d-%H%M%S")
        return Path(self.usual_place, f"{form}-{moment}")

    def _result(self, done: ExportSummary) -> ExportResult:
        """Return what was written, and offer it as a download if it is small."""
        files, size = size_of(done.path)
        self._downloads = {f"{done.path.name}.zip": done.path} if size <= MAX_BYTES else {}
        return {
            "path": str(done.path),
            "form": done.form,
            "files": files,
            "bytes": size,
            "rows": done.rows,
            "left_out": done.left_out,
            "download": "".join(f"votes/{quote(name)}" for name in self._downloads),
        }
