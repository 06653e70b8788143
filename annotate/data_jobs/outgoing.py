"""Votes on their way out: the forms, whose votes, where to, and what was written."""

from pathlib import Path

from annotate.data_jobs.jobs import JobPlan
from annotate.errors import InvalidRequest
from annotate.views.data import ExportForm
from storage.store import Store


class Outgoing:
    """Exports of the votes on one model's images."""

    def __init__(self, store: Store, model_id: str) -> None:
        self._store, self._model_id = store, model_id

    def forms(self) -> list[ExportForm]:
        """Return the forms, with the programs that read each and what it leaves out."""
        return []

    def people(self) -> list[str]:
        """Return the annotators who gave votes on the model's images."""
        return list(self._store.snapshots.annotators(self._model_id))

    def usual_target(self) -> str:
        """Return the folder that an export is written into unless another one is named."""
        return ""

    def download(self, name: str) -> Path | None:
        """Return the folder of a small export by the name of its download."""
        return None

    def exporting(self, form: str, whose: str, target: str, names: bool) -> JobPlan:
        """Plan an export; raises InvalidRequest for a form or people that there are not."""
        raise InvalidRequest(f"There is no form {form!r} yet.")
