"""What a person adds beside a verdict: strength, reasons, criteria, and reports of bad pairs."""

from typing import Any

from annotate.errors import InvalidRequest
from annotate.labeling.assignment import OVERLAP, PairAssigner
from annotate.urls import pair_view
from annotate.validation import as_annotator, as_text
from storage.store import Store

REASONS = "reasons"
CRITERIA = "criteria"
FIRST_REASONS = ("hands", "text", "prompt missed", "composition", "style", "artefact")
MOST_NAMES, LONGEST_NAME = 12, 40
MOST_PEOPLE = 20


class Annotations:
    """Remarks and reports, and what the project offers for them."""

    def __init__(self, store: Store, assigner: PairAssigner, model_id: str) -> None:
        self._store, self._assigner, self._model_id = store, assigner, model_id

    def options(self) -> dict[str, Any]:
        """The reasons and criteria of the project, and how many people each pair is shown to."""
        return {
            REASONS: self._store.project_settings.get(REASONS, list(FIRST_REASONS)),
            CRITERIA: self._store.project_settings.get(CRITERIA, []),
            OVERLAP: self._assigner.overlap,
        }

    def set_options(
        self, reasons: object, criteria: object, overlap: object, who: str
    ) -> dict[str, Any]:
        """Change what the project offers, and return it; raises InvalidRequest."""
        asked = {REASONS: as_names(reasons, "reason"), CRITERIA: as_names(criteria, "criterion")}
        people = as_people(overlap)
        for name, value in asked.items():
            if value != self.options()[name]:
                self._store.project_settings.set(name, value, who)
        if people != self._assigner.overlap:
            self._store.project_settings.set(OVERLAP, people, who)
            self._assigner.set_overlap(people)
        return self.options()

    def remark(
        self, vote_key: str, annotator: str, kind: str, name: str, value: str, key: str
    ) -> None:
        """Add to the annotator's own vote, once per key; raises what the store raises."""
        self._store.annotations.add(
            as_text(vote_key, "The key of the vote"),
            as_annotator(annotator),
            as_text(kind, "The kind"),
            as_text(name, "The name"),
            as_text(value, "The value"),
            as_text(key, "The key"),
        )

    def flag(self, pair_id: str, annotator: str, note: str, key: str) -> None:
        """Hide a pair from everybody until somebody decides; raises what the store raises."""
        name = as_annotator(annotator)
        pair_id = as_text(pair_id, "The pair_id")
        self._store.flags.add(pair_id, name, as_text(note, "The note"), as_text(key, "The key"))
        self._assigner.hide(pair_id)

    def flags(self) -> list[dict[str, Any]]:
        """Every report, newest first, with its pair as it is shown."""
        return [
            pair_view(self._store.pair(report.pair_id))
            | {
                "report": report.flag_id,
                "by": report.annotator,
                "note": report.note,
                "at": f"{report.created.isoformat(timespec='seconds')}Z",
                "decision": report.decision,
            }
            for report in self._store.flags.all(self._model_id)
        ]

    def decide_flag(self, report: object, decision: str, who: str) -> list[dict[str, Any]]:
        """Show a reported pair again, or keep it hidden, and return every report."""
        if isinstance(report, bool) or not isinstance(report, int):
            raise InvalidRequest(f"The report must be a whole number, not {report!r}.")
        settled = self._store.flags.decide(report, as_text(decision, "The decision"), who)
        if self._store.flags.is_hidden(settled.pair_id):
            self._assigner.hide(settled.pair_id)
        else:
            self._assigner.show_again(self._store.pair(settled.pair_id))
        return self.flags()


def as_names(names: object, what: str) -> list[str]:
    """Return reasons or criteria: short texts, each once, in their order."""
    if isinstance(names, str):
        names = names.splitlines()
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise InvalidRequest(f"Send every {what} as a text, in a list or one a line.")
    cleaned = list(dict.fromkeys(" ".join(name.split()) for name in names if name.strip()))
    if len(cleaned) > MOST_NAMES:
        raise InvalidRequest(
            f"{len(cleaned)} are too many to choose from; {MOST_NAMES} are possible. "
            "Leave the rarest out."
        )
    for name in cleaned:
        if len(name) > LONGEST_NAME or not name.isprintable():
            raise InvalidRequest(
                f"{name[:60]!r} is no name for a {what}. Use up to {LONGEST_NAME} characters of "
                "plain text."
            )
    return cleaned


def as_people(overlap: object) -> int:
    """Return how many people are asked about each pair."""
    if isinstance(overlap, float) and overlap.is_integer():
        overlap = int(overlap)
    if isinstance(overlap, bool) or not isinstance(overlap, int) or not 1 <= overlap <= MOST_PEOPLE:
        raise InvalidRequest(
            f"Each pair can be shown to 1 to {MOST_PEOPLE} people, not {overlap!r}."
        )
    return overlap
