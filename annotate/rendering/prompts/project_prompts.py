"""Project prompts: which prompts new pairs are made from, as people see and change them."""

import random
from collections.abc import Iterable, Mapping, Sequence

from align.contracts.models import ModelInfo
from annotate.errors import InvalidPrompts, InvalidRequest
from annotate.rendering.prompts.prompt_sampler import PromptSampler
from annotate.rendering.prompts.prompt_sources import (
    EMOJI,
    SENTENCES,
    TAGS,
    built_in_list,
    prompts_for,
    prompts_of_list,
)
from annotate.rendering.prompts.prompt_variations import (
    PromptVariations,
    has_variations,
    may_become,
)
from storage.store import Store
from storage.tables.prompts import EDITED, PromptState, PromptUse

PASTED, TYPED, BUILT_IN, FROM_FILE = "pasted", "typed", "built-in", "file"
"""Sources of prompts, as the store records them."""
OWN = (PASTED, TYPED, EDITED)
AUTOMATIC, ONLY_OWN = "", "own"
LISTS = (SENTENCES, TAGS, EMOJI)
USUAL_TITLES = {SENTENCES: "sentences", TAGS: "tags", EMOJI: "subjects of emoji"}
WEIGHTS = (0.5, 1.0, 2.0, 4.0)
LAST_ONE = "At least one prompt must stay in use. Add another one first, then remove this."


class ProjectPrompts:
    """The prompts of a project with one model, and the sampler that follows every change."""

    def __init__(
        self,
        store: Store,
        model: ModelInfo,
        model_id: str,
        given: Sequence[str] | None,
        chance: random.Random,
        variations: PromptVariations,
    ) -> None:
        self._store, self._model_id, self._given = store, model_id, given
        self._setting = f"prompt_list:{model_id}"
        self.suited = built_in_list(model.path, model.name, model.file)
        """The built-in list that suits the model."""
        self._usual, self.reserved = prompts_for(model.path, given, self.suited)
        self.sampler = PromptSampler(self.listed(), chance, variations)
        self._states: list[PromptState] = []

    def start(self, reserved: set[str]) -> None:
        """Store the list, and choose from it and from the project's own prompts."""
        self.sampler.drop(reserved)
        self._store_list()
        self.reload()

    @property
    def chosen_list(self) -> str:
        """Return the name of the list that somebody chose; empty for the one that suits."""
        return str(self._store.project_settings.get(self._setting, AUTOMATIC))

    def listed(self, name: str | None = None) -> list[str]:
        """Return the prompts of a list by its name, or of the one in use."""
        name = self.chosen_list if name is None else name
        if name == ONLY_OWN:
            return []
        return prompts_of_list(name) if name in LISTS else self._usual

    def states(self) -> list[PromptState]:
        """Return the project's prompts, the removed ones too: own ones first, newest first."""
        listed = dict.fromkeys(self.listed())
        own = [state for state in reversed(self._states) if is_own(state)]
        others = [s for s in self._states if not is_own(s) and s.text in listed]
        return [*own, *others]

    def choose_list(self, name: str, who: str) -> None:
        """Make new pairs from another list, beside the project's own prompts.

        Raises InvalidRequest for an unknown one, or InvalidPrompts if no prompt would be left.
        """
        if name not in (AUTOMATIC, ONLY_OWN, *LISTS):
            raise InvalidRequest(
                f"{name!r} is no list of prompts. Choose one of {', '.join(LISTS)}."
            )
        if name == ONLY_OWN and not self._usable(filter(is_own, self._states)):
            raise InvalidPrompts("This project has no prompts of its own yet. Add some first.")
        self._store.project_settings.set(self._setting, name, who)
        self._store_list()
        self.reload()

    def change(
        self, numbers: Sequence[int], who: str, removed: bool | None, weight: float | None
    ) -> None:
        """Remove prompts, use them again or weigh them.

        Raises InvalidPrompts if none would be left, or storage's UnknownPrompt.
        """
        if weight is not None and weight not in WEIGHTS:
            raise InvalidRequest(f"{weight!r} is no weight. Choose 0.5, 1, 2 or 4.")
        if removed not in (None, True, False):
            raise InvalidRequest(f"Whether prompts are removed is true or false, not {removed!r}.")
        taken = set(numbers) if removed else set()
        if not self._usable(s for s in self.states() if s.prompt_id not in taken):
            raise InvalidPrompts(LAST_ONE)
        self._store.prompt_changes.change(numbers, who, removed, weight)
        self.reload()

    def edit(self, number: int, text: str, who: str) -> None:
        """Let a new text take the place of a prompt; raises InvalidPrompts or storage's errors."""
        text = text.strip()
        self.sampler.check([text])
        if self.sampler.is_dropped(text):
            raise InvalidPrompts("This prompt is kept for blind tests. Write it in other words.")
        self._store.prompt_changes.replace(number, text, who)
        self.reload()

    def add(self, texts: Sequence[str], source: str, who: str) -> int:
        """Add prompts, or use removed ones again; return how many are new here."""
        self.sampler.check(texts)
        before = {state.text for state in self.states() if not state.removed}
        self._store.add_prompts(texts, source)

        # Removed before, or of a list that is not in use: now it is the project's own.
        known = {state.text: state for state in self._store.prompt_changes.current()}
        new = dict.fromkeys(text for text in texts if text not in before)
        again = [known[t].prompt_id for t in new if known[t].removed or not is_own(known[t])]
        if again:
            self._store.prompt_changes.change(again, who, removed=False, own=True)
        self.reload()
        return len(new)

    def uses(self, texts: Sequence[str]) -> dict[str, PromptUse]:
        """Count the pairs and votes of some prompts with this model."""
        return self._store.prompt_changes.uses(self._model_id, texts)

    @property
    def usual_title(self) -> str:
        """Return what people read of the list that is in use unless somebody chooses another."""
        if self._given is not None:
            return "The file that Palate was started with"
        return f"What suits the model: {USUAL_TITLES[self.suited]}"

    def stale_pairs(self) -> set[str]:
        """Return the rendered pairs without a vote whose prompt is no longer used."""
        return self._store.prompt_changes.unvoted(self._model_id, self._out_of_use())

    def stale_quads(self) -> set[str]:
        """Return the sets of four without a ranking whose prompt is no longer used."""
        return self._store.prompt_changes.unranked(self._model_id, self._out_of_use())

    def reload(self) -> None:
        """Read what is stored, and let the sampler choose from what is in use."""
        self._states = self._store.prompt_changes.current()
        self.sampler.choose_from(self._weights())

    def _weights(self) -> Mapping[str, float]:
        return {state.text: state.weight for state in self.states() if not state.removed}

    def _usable(self, states: Iterable[PromptState]) -> bool:
        """Return whether one of some prompts is in use, and not kept for blind tests."""
        return any(not (s.removed or self.sampler.is_dropped(s.text)) for s in states)

    def _out_of_use(self) -> list[str]:
        """Return the prompts that were removed, and those of built-in lists that are not in use."""
        listed = set(self.listed())
        others = {text for name in LISTS for text in prompts_of_list(name)} - listed
        gone = [
            state.text
            for state in self._states
            if state.removed
            or (state.source == BUILT_IN and state.text in others and not is_own(state))
        ]
        return [*gone, *self._varied_out_of_use(gone)]

    def _varied_out_of_use(self, gone: Sequence[str]) -> list[str]:
        """Return what waits to be labeled and can come of prompts that are gone alone."""
        varied = [text for text in gone if has_variations(text)]
        if not varied:
            return []
        used = self._weights()
        varied_still = [text for text in used if has_variations(text)]
        return [
            text
            for text in self._store.prompt_changes.waiting(self._model_id)
            if text not in used
            and any(may_become(each, text) for each in varied)
            and not any(may_become(each, text) for each in varied_still)
        ]

    def _store_list(self) -> None:
        usual = self.listed() is self._usual and self._given is not None
        self._store.add_prompts(self.listed(), FROM_FILE if usual else BUILT_IN)


def is_own(state: PromptState) -> bool:
    """Return whether somebody added a prompt, so that it stays whatever list is in use."""
    return state.own or state.source in OWN
