"""Vote sources: other models of the studio, whose votes a run can take along."""

from typing import Any

from annotate.errors import InvalidRequest
from annotate.rendering.studio_look import StudioLook
from annotate.training.planning.new_votes import ALSO
from annotate.views.training import VoteSource
from storage.records import OtherVotes, Voters
from storage.store import Store

STUDIO = "studio"
"""Who writes down the name of a model, as the store records it."""


class VoteSources:
    """The other models of a studio that people voted on images of."""

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
