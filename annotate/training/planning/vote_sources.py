"""Vote sources: other models of the studio, and votes that came in from files."""

from typing import Any

from annotate.errors import InvalidRequest
from annotate.rendering.studio_look import StudioLook
from annotate.training.planning.new_votes import ALSO, SOURCES, VOTER
from annotate.views.training import ImportedSource, VoteSource
from annotate.wording import quantity
from storage.errors import UnknownSource
from storage.records import OtherVotes, Voters
from storage.sources.source_records import SOURCES_IN_USE, Source, SourceVotes, decisive
from storage.store import Store

STUDIO = "studio"
"""Who writes down the name of a model, as the store records it."""


class VoteSources:
    """The other models of a studio that people voted on images of, and its sources."""

    def __init__(self, store: Store, model_id: str, model_name: str, look: StudioLook) -> None:
        """Remember the model's name, by which runs of other models can name its votes."""
        self._store, self._model_id, self._look = store, model_id, look
        settings, name = store.project_settings, f"model_name:{model_id}"
        if settings.get(name, None) != model_name:
            settings.set(name, model_name, STUDIO)

    def all(self) -> list[VoteSource]:
        """Return the other models with their decisive votes."""
        names = self._store.project_settings
        return [
            {"model": names.get(f"model_name:{other}", other), "id": other, "votes": votes}
            for other, votes in self._store.snapshots.other_models(self._model_id).items()
        ]

    def chosen(self, settings: dict[str, Any]) -> OtherVotes:
        """Return the models that a run's settings name; raises InvalidRequest for an unknown one.

        Their prompts are shown as this model's are: with the text of its own look around them.
        """
        given = settings.get(ALSO) or []
        given = [given] if isinstance(given, str) else given
        if not isinstance(given, list | tuple):
            raise InvalidRequest(f"Send {ALSO} as a list of models, not {given!r}.")

        known = self.all()
        names: dict[str, str] = {}
        for wanted in given:
            found = [each for each in known if wanted in (each["id"], each["model"])]
            if len(found) != 1:
                raise InvalidRequest(unknown_source(wanted, known, len(found)))
            names[found[0]["id"]] = found[0]["model"]
        look = self._look.current
        return OtherVotes(names, look.prompt_prefix, look.prompt_suffix)

    def imported(self) -> list[ImportedSource]:
        """Return the sources that came in from files, with their decisive votes."""
        return [
            {
                "name": source.name,
                "votes": source.decisive,
                "weight": source.weight,
                "used": source.used,
            }
            for source in self._store.sources.all(self._model_id)
        ]

    def brought(self, settings: dict[str, Any]) -> SourceVotes:
        """Return the sources that a run takes: those that its settings name, or all in use.

        Named without annotators they are all that it learns from, and annotators named without
        sources likewise. Raises InvalidRequest for an unknown one.
        """
        given = settings.get(SOURCES) or []
        given = [given] if isinstance(given, str) else given
        if not isinstance(given, list | tuple):
            raise InvalidRequest(f"Send {SOURCES} as a list of names, not {given!r}.")
        if not given:
            return SourceVotes(()) if settings.get(VOTER) else SOURCES_IN_USE
        names = tuple(map(str, given))
        try:
            self._store.sources.chosen(self._model_id, names)
        except UnknownSource as error:
            raise InvalidRequest(str(error)) from error
        return SourceVotes(names, alone=not settings.get(VOTER))

    def decisive_brought(self, brought: SourceVotes) -> dict[str, int]:
        """Count the decisive votes of sources, by name."""
        sources = self._store.sources.chosen(self._model_id, brought.names)
        return {source.name: source.decisive - self._lost(source) for source in sources}

    def lost_sentence(self, brought: SourceVotes) -> str:
        """Say which files of sources cannot be read, so that votes are left out; or nothing."""
        told = []
        for source in self._store.sources.chosen(self._model_id, brought.names):
            if (faults := self._store.sources.faults(source)) and (lost := self._lost(source)):
                file, why = next(iter(faults.items()))
                more = f" and {len(faults) - 1:,} more" if len(faults) > 1 else ""
                told.append(
                    f"{quantity(lost, 'choice')} of the source {source.name} left out: their "
                    f"images are in files that cannot be read, {file} ({why}){more}. Put them "
                    "back as they were, or remove the source and bring the new files in."
                )
        return " ".join(told)

    def _lost(self, source: Source) -> int:
        """Count the decisive votes of a source whose images are in files at fault."""
        return decisive(self._store.sources.lost(source))

    def decisive(self, others: OtherVotes, voter: Voters) -> int:
        """Count the decisive votes of other models, of one annotator or of all."""
        return sum(self._store.decisive(other, voter) for other in others.names)


def unknown_source(wanted: object, known: list[VoteSource], found: int) -> str:
    """Return the sentence about a model that no votes are of, or whose name two have."""
    if found:
        ids = ", ".join(each["id"] for each in known if each["model"] == wanted)
        return f"Two models are called {wanted!r}. Name one by its id: {ids}."
    if not known:
        return f"There are no votes of {wanted!r}: nobody voted on images of another model here."
    names = ", ".join(each["model"] for each in known)
    return f"There are no votes of {wanted!r}. Other models with votes: {names}."
