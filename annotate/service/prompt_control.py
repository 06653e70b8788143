"""Prompt control: shows and changes the prompts of a project, and takes prompts to come next."""

from collections.abc import Callable, Sequence
from math import ceil
from typing import Any

from annotate.errors import InvalidRequest
from annotate.labeling.assignment import PairAssigner
from annotate.labeling.best_worst import QuadAssigner
from annotate.labeling.items import pair_view, quad_view
from annotate.rendering.pair_pool import PairPool
from annotate.rendering.prompts.project_prompts import (
    AUTOMATIC,
    ONLY_OWN,
    PASTED,
    TYPED,
    ProjectPrompts,
)
from annotate.rendering.prompts.prompt_sources import check_prompts
from annotate.rendering.prompts.prompt_variations import has_variations
from annotate.validation import as_annotator, as_text
from annotate.views.pair_rendering import AddedPrompts
from annotate.views.prompts import AskedItems, AskedPrompt, PromptListView, PromptsPage, PromptView
from storage.records import Pair, Quad
from storage.store import Store
from storage.tables.prompts import PromptState, PromptUse

PAGE = 50
"""Prompts of a page."""
LABELERS_ADD = "labelers_may_add_prompts"
"""Name of the project setting."""
NOT_NOW = "No prompt can be asked for just now. Go on with the pairs that come by themselves."
"""Said while a blind test is mixed in, to labelers too, who are not to know of it."""
RESERVED = "This prompt is kept for blind tests. Write it in other words."
TITLES = {
    "sentences": "Sentences, for photographs and illustrations",
    "tags": "Tags, for anime and illustration models",
    "emoji": "Subjects of emoji",
    ONLY_OWN: "Only my own prompts",
}


class PromptControl:
    """The prompts of a studio, as pages and programs see and change them."""

    def __init__(
        self,
        store: Store,
        prompts: ProjectPrompts,
        pool: PairPool,
        assigner: PairAssigner,
        best_worst: QuadAssigner,
        reserved: Callable[[], set[str]],
    ) -> None:
        """`reserved` returns the prompts of blind tests, which nothing else may use."""
        self._store, self._prompts, self._pool = store, prompts, pool
        self._assigner, self._best_worst, self._reserved = assigner, best_worst, reserved

    def page(self, search: str = "", page: int = 1, removed: bool = False) -> PromptsPage:
        """Return fifty of the prompts that hold every word searched for, in use or removed."""
        words = as_text(search, "The search").casefold().split()
        states = [s for s in self._prompts.states() if not self._prompts.sampler.is_dropped(s.text)]
        known = {state.prompt_id: state.text for state in states}
        found = [
            state
            for state in states
            if state.removed == removed and all(word in state.text.casefold() for word in words)
        ]

        pages = max(1, ceil(len(found) / PAGE))
        page = min(max(1, page), pages)
        shown = found[PAGE * (page - 1) : PAGE * page]
        uses = self._prompts.uses([state.text for state in shown])
        gone = sum(state.removed for state in states)
        return {
            "prompts": [prompt_view(state, uses.get(state.text), known) for state in shown],
            "found": len(found),
            "page": page,
            "pages": pages,
            "in_use": len(states) - gone,
            "removed": gone,
            "chosen_list": self._prompts.chosen_list,
            "lists": self._lists(),
            "labelers_may_add": self.labelers_may_add,
        }

    def add(self, prompts: object, source: str = PASTED, who: str = "me") -> AddedPrompts:
        """Add prompts, a list or one per line, and return how many are new and how many in all.

        Prompts reserved for blind tests are left out. Raises InvalidPrompts.
        """
        reserved = self._reserved()
        texts = [text for text in check_prompts(prompts) if text not in reserved]
        added = self._prompts.add(texts, source, who)
        if added:
            self._follow()
        return {"added": added, "total": len(self._prompts.sampler)}

    def change(
        self, numbers: Sequence[int], who: str, removed: bool | None, weight: float | None
    ) -> PromptsPage:
        """Remove prompts, use them again, or say how often they come; return the first page.

        Ready pairs of removed prompts are shown to nobody any more. Raises InvalidPrompts if none
        would be left, or storage's UnknownPrompt.
        """
        self._prompts.change(numbers, who, removed, weight)
        self._follow()
        return self.page()

    def edit(self, number: int, text: object, who: str) -> PromptsPage:
        """Let a new text take the place of a prompt, and return the first page.

        Votes keep the prompt that they were given for.
        """
        self._prompts.edit(number, as_text(text, "The prompt"), who)
        self._follow()
        return self.page()

    def choose_list(self, name: object, who: str) -> PromptsPage:
        """Make new pairs from another list of prompts, and return the first page."""
        self._prompts.choose_list(as_text(name, "The list"), who)
        self._follow()
        return self.page()

    @property
    def labelers_may_add(self) -> bool:
        """Return whether labelers may add prompts on the stage."""
        return bool(self._store.project_settings.get(LABELERS_ADD, False))

    def let_labelers_add(self, allowed: bool, who: str) -> PromptsPage:
        """Let labelers add prompts on the stage, or only admins; return the first page."""
        self._store.project_settings.set(LABELERS_ADD, allowed is True, who)
        return self.page()

    def more_of(self, annotator: str, item_id: str, four: bool) -> AskedPrompt:
        """Let four more pairs of an item's prompt come next, or one more set of four.

        Raises UnknownPair or UnknownQuad, or InvalidRequest within a blind test.
        """
        item: Pair | Quad
        item = self._store.quads.get(item_id) if four else self._store.pair(item_id)
        return self._ask(as_annotator(annotator), item.prompt, four)

    def queue(self, annotator: str, prompt: str, four: bool) -> AskedPrompt:
        """Add a prompt to the project, and let its pairs come next for an annotator.

        Raises InvalidPrompts, or InvalidRequest within a blind test.
        """
        name = as_annotator(annotator)
        [text] = check_prompts([as_text(prompt, "The prompt")])
        [varied] = self._prompts.sampler.vary([text])
        asked = self._ask(name, varied, four)
        self.add([text], TYPED, name)
        return asked

    def arrived(self, annotator: str, four: bool) -> AskedItems[Any]:
        """Return what was rendered of the prompts that an annotator asked for, each item once."""
        name = as_annotator(annotator)
        ids, coming = self._pool.asked.arrivals(name)
        held: Sequence[Pair | Quad]
        held = self._best_worst.held(name) if four else self._assigner.held(name)
        items = [item for item in held if item.item_id in ids]
        views = [quad_view(i) if isinstance(i, Quad) else pair_view(i, name) for i in items]
        return {"items": views, "coming": coming}

    def _ask(self, annotator: str, prompt: str, four: bool) -> AskedPrompt:
        """Let a prompt come next; while a blind test is mixed in it would tell pairs apart."""
        if self._assigner.mixed:
            raise InvalidRequest(NOT_NOW)
        if prompt in self._reserved():
            raise InvalidRequest(RESERVED)
        coming = self._pool.asked.ask(annotator, prompt, four)
        self._pool.wake()
        wait_s = round(self._pool.estimate_wait().seconds, 1) if self._pool.suspended else None
        return {"prompt": prompt, "coming": coming, "wait_s": wait_s}

    def _lists(self) -> list[PromptListView]:
        titles = {AUTOMATIC: self._prompts.usual_title} | TITLES
        counts = {name: len(self._prompts.listed(name)) for name in titles}
        return [{"name": n, "title": titles[n], "prompts": counts[n]} for n in titles]

    def _follow(self) -> None:
        """Let what waits follow a change: pairs of prompts that are out of use are dropped."""
        self._assigner.renew()
        self._best_worst.renew()
        self._pool.wake()


def prompt_view(state: PromptState, use: PromptUse | None, known: dict[int, str]) -> PromptView:
    """Return a prompt as pages take it, with what was made of it."""
    use = use or PromptUse()
    return {
        "prompt": state.prompt_id,
        "text": state.text,
        "source": state.source,
        "weight": state.weight,
        "removed": state.removed,
        "replaced_by": known.get(state.replaced_by or 0),
        "varies": has_variations(state.text),
        "pairs": use.pairs,
        "votes": use.votes,
    }
