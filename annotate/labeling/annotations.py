"""Annotations beside a vote: strength, reasons and criteria; and flags on bad pairs."""

from annotate.errors import InvalidRequest
from annotate.labeling.assignment import OVERLAP, PairAssigner
from annotate.labeling.items import pair_view
from annotate.validation import as_text
from annotate.views.project import FlagView, ProjectOptions
from storage.acts import NewAnnotation, NewFlag
from storage.store import Store

REASONS = "reasons"
CRITERIA = "criteria"
PURPOSE = "purpose"
DEFAULT_REASONS = ("hands", "text", "prompt missed", "composition", "style", "artefact")
MAX_NAMES, MAX_NAME_LENGTH = 12, 40
MAX_PEOPLE = 20
MAX_PURPOSE = 300
"""Characters of two sentences, which a labeler reads before the first vote."""


class Annotations:
    """Annotations and flags, and the reasons and criteria that the project offers."""

    def __init__(self, store: Store, assigner: PairAssigner, model_id: str) -> None:
        self._store, self._assigner, self._model_id = store, assigner, model_id

    def options(self) -> ProjectOptions:
        """Return reasons, criteria and purpose, and how many people label each pair."""
        settings = self._store.project_settings
        return {
            "reasons": settings.get(REASONS, list(DEFAULT_REASONS)),
            "criteria": settings.get(CRITERIA, []),
            "overlap": self._assigner.overlap,
            "purpose": settings.get(PURPOSE, ""),
        }

    def set_options(
        self, reasons: object, criteria: object, overlap: object, who: str, purpose: object = None
    ) -> ProjectOptions:
        """Change the options for everybody and return them; raises InvalidRequest.

        Without a `purpose` the present one stays.
        """
        wanted_reasons = as_names(reasons, "reason")
        wanted_criteria = as_names(criteria, "criterion")
        people, before = as_people(overlap), self.options()
        wanted_purpose = before["purpose"] if purpose is None else as_purpose(purpose)

        # Each change is recorded with its author, so that unchanged options are not written.
        if wanted_reasons != before["reasons"]:
            self._store.project_settings.set(REASONS, wanted_reasons, who)
        if wanted_criteria != before["criteria"]:
            self._store.project_settings.set(CRITERIA, wanted_criteria, who)
        if wanted_purpose != before["purpose"]:
            self._store.project_settings.set(PURPOSE, wanted_purpose, who)
        if people != before["overlap"]:
            self._store.project_settings.set(OVERLAP, people, who)
            self._assigner.set_overlap(people)
        return self.options()

    def annotate(self, annotation: NewAnnotation) -> None:
        """Annotate the annotator's own vote, once per key; raises UnknownVote."""
        self._store.annotations.record(annotation)

    def flag(self, flag: NewFlag) -> None:
        """Hide a pair from everybody until an admin decides; raises UnknownPair."""
        self._store.flags.record(flag)
        self._assigner.hide(flag.pair_id)

    def flags(self) -> list[FlagView]:
        """Return every flag, newest first, with its pair as it is shown."""
        return [
            {
                **pair_view(self._store.pair(flag.pair_id)),
                "report": flag.flag_id,
                "by": flag.annotator,
                "note": flag.note,
                "at": f"{flag.created.isoformat(timespec='seconds')}Z",
                "decision": flag.decision,
            }
            for flag in self._store.flags.all(self._model_id)
        ]

    def decide_flag(self, flag: object, decision: str, who: str) -> list[FlagView]:
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


def as_purpose(purpose: object) -> str:
    """Return what a project is for as one paragraph of plain text."""
    text = " ".join(as_text(purpose, "What the project is for").split())
    if len(text) > MAX_PURPOSE:
        raise InvalidRequest(
            f"What the project is for has {len(text)} characters; {MAX_PURPOSE} are possible. "
            "Two sentences do."
        )
    return text


def as_people(overlap: object) -> int:
    """Return how many people are asked about each pair."""
    if isinstance(overlap, float) and overlap.is_integer():
        overlap = int(overlap)
    if isinstance(overlap, bool) or not isinstance(overlap, int) or not 1 <= overlap <= MAX_PEOPLE:
        raise InvalidRequest(
            f"Each pair can be shown to 1 to {MAX_PEOPLE} people, not {overlap!r}."
        )
    return overlap
