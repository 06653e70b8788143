"""Annotations beside a vote: strength, reasons and criteria; and flags on bad pairs."""

from typing import Any

from annotate.errors import InvalidRequest
from annotate.labeling.assignment import OVERLAP, PairAssigner
from annotate.urls import pair_view
from annotate.validation import as_annotator, as_text
from storage.store import Store

REASONS = "reasons"
CRITERIA = "criteria"
DEFAULT_REASONS = ("hands", "text", "prompt missed", "composition", "style", "artefact")
MAX_NAMES, MAX_NAME_LENGTH = 12, 40
MAX_PEOPLE = 20


class Annotations:
    """Annotations and flags, and the reasons and criteria that the project offers."""

    def __init__(self, store: Store, assigner: PairAssigner, model_id: str) -> None:
        self._store, self._assigner, self._model_id = store, assigner, model_id

    def options(self) -> dict[str, Any]:
        """Return the reasons and criteria of the project, and how many people label each pair."""
        return {
            REASONS: self._store.project_settings.get(REASONS, list(DEFAULT_REASONS)),
            CRITERIA: self._store.project_settings.get(CRITERIA, []),
            OVERLAP: self._assigner.overlap,
        }

    def set_options(
        self, reasons: object, criteria: object, overlap: object, who: str
    ) -> dict[str, Any]:
        """Change the options for everybody and return them; raises InvalidRequest."""
        wanted = {REASONS: as_names(reasons, "reason"), CRITERIA: as_names(criteria, "criterion")}
        people = as_people(overlap)
        # Each change is recorded with its author, so that unchanged options are not written.
        for name, value in wanted.items():
            if value != self.options()[name]:
                self._store.project_settings.set(name, value, who)
        if people != self._assigner.overlap:
            self._store.project_settings.set(OVERLAP, people, who)
            self._assigner.set_overlap(people)
        return self.options()

    def remark(
        self, vote_key: str, annotator: str, kind: str, name: str, value: str, key: str
    ) -> None:
        """Annotate the annotator's own vote, once per key; raises what the store raises."""
        self._store.annotations.add(
            as_text(vote_key, "The key of the vote"),
            as_annotator(annotator),
            as_text(kind, "The kind"),
            as_text(name, "The name"),
            as_text(value, "The value"),
            as_text(key, "The key"),
        )

    def flag(self, pair_id: str, annotator: str, note: str, key: str) -> None:
        """Hide a pair from everybody until an admin decides; raises what the store raises."""
        name = as_annotator(annotator)
        pair_id = as_text(pair_id, "The pair_id")
        self._store.flags.add(pair_id, name, as_text(note, "The note"), as_text(key, "The key"))
        self._assigner.hide(pair_id)

    def flags(self) -> list[dict[str, Any]]:
        """Return every flag, newest first, with its pair as it is shown."""
        return [
            pair_view(self._store.pair(flag.pair_id))
            | {
                "report": flag.flag_id,
                "by": flag.annotator,
                "note": flag.note,
                "at": f"{flag.created.isoformat(timespec='seconds')}Z",
                "decision": flag.decision,
            }
            for flag in self._store.flags.all(self._model_id)
        ]

    def decide_flag(self, flag: object, decision: str, who: str) -> list[dict[str, Any]]:
        """Show a flagged pair again, or keep it hidden, and return every flag."""
        if isinstance(flag, bool) or not isinstance(flag, int):
            raise InvalidRequest(f"The flag must be a whole number, not {flag!r}.")

        settled = self._store.flags.decide(flag, as_text(decision, "The decision"), who)
        # Somebody else's flag on the same pair may be open.
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
    if len(cleaned) > MAX_NAMES:
        raise InvalidRequest(
            f"{len(cleaned)} are too many to choose from; {MAX_NAMES} are possible. "
            "Leave the rarest out."
        )

    for name in cleaned:
        if len(name) > MAX_NAME_LENGTH or not name.isprintable():
            raise InvalidRequest(
                f"{name[:60]!r} is no name for a {what}. Use up to {MAX_NAME_LENGTH} characters of "
                "plain text."
            )
    return cleaned


def as_people(overlap: object) -> int:
    """Return how many people are asked about each pair."""
    if isinstance(overlap, float) and overlap.is_integer():
        overlap = int(overlap)
    if isinstance(overlap, bool) or not isinstance(overlap, int) or not 1 <= overlap <= MAX_PEOPLE:
        raise InvalidRequest(
            f"Each pair can be shown to 1 to {MAX_PEOPLE} people, not {overlap!r}."
        )
    return overlap
