"""Keep the winner: after a vote the better image stays, beside one new image of its prompt.

A vote then takes one new image instead of two. The new one is rendered while the pair before is
looked at, before anybody knows which of its images wins: it serves for either.
"""

import random
import threading
from collections import OrderedDict
from dataclasses import dataclass

from align.contracts.rendering import RenderItem
from annotate.clock import Monotonic
from annotate.labeling.assignment import PairAssigner
from annotate.labeling.item_assigner import LEASE_S
from annotate.rendering.look import Look
from annotate.rendering.prompts.prompt_sampler import PromptSampler
from annotate.rendering.renderer import Renderer, adapters_of
from annotate.rendering.rendering_watch import RenderingWatch
from annotate.rendering.similarity import DuplicateFilter
from annotate.validation import SEEDS
from storage.acts import NewVote
from storage.records import Image, Pair
from storage.store import Store
from storage.tables.imported_images import IMPORTED
from storage.tables.pairs import KeptFrom, following

MAX_IN_A_ROW = 5
"""A winner is kept so often in a row; then comes a new prompt."""
IN_USE_S = 120.0
"""Somebody who keeps winners is awaited for so long after their last vote."""
MAX_WAITING = 3
"""Wins of one annotator whose new image is still to be rendered; of more the oldest are dropped, or
whoever votes faster than images come would keep the image model for hours."""
EMPTY_S = 5.0
"""Somebody without a pair waits for so long after they asked; pages ask every second."""
MAX_SPARES = 256
"""New images that are remembered after their pair was voted on, for a vote that is undone."""


@dataclass(frozen=True, slots=True)
class Win:
    """A vote whose winner stays."""

    pair: Pair
    winner: str
    """Id of the better image."""
    vote_key: str
    annotator: str


class KeptWinners:
    """Winners that stay for those who ask for it, each beside a new image; safe from any thread."""

    def __init__(
        self,
        store: Store,
        renderer: Renderer,
        assigner: PairAssigner,
        prompt_sampler: PromptSampler,
        model_id: str,
        chance: random.Random,
        clock: Monotonic,
    ) -> None:
        self._store, self._renderer, self._assigner = store, renderer, assigner
        self._prompt_sampler, self._model_id = prompt_sampler, model_id
        self._chance, self._clock = chance, clock
        self._duplicates = DuplicateFilter()
        self._keepers: dict[str, float] = {}
        """When each annotator who keeps winners was last heard of."""
        self._empty: dict[str, float] = {}
        """When each annotator who does not last asked for a pair in vain."""
        self._spares: OrderedDict[str, Image | None] = OrderedDict()
        """The new image that is to come after each pair, oldest first; None where none can."""
        self._waiting: list[Win] = []
        """Wins whose new image is still to be rendered."""
        self._guard = threading.Lock()

    def note(self, annotator: str, keeps: bool) -> None:
        """Remember whether an annotator keeps winners, so that new images are rendered ahead."""
        with self._guard:
            if keeps:
                self._keepers[annotator] = self._clock()
            else:
                self._keepers.pop(annotator, None)

    def note_empty(self, annotator: str) -> None:
        """Remember that an annotator has no pair to look at."""
        with self._guard:
            self._empty[annotator] = self._clock()

    @property
    def others_wait(self) -> bool:
        """Return whether somebody who keeps no winners has no pair to look at."""
        with self._guard:
            recent = self._clock() - EMPTY_S
            self._empty = {name: asked for name, asked in self._empty.items() if asked >= recent}
            return any(name not in self._keepers for name in self._empty)

    @property
    def in_use(self) -> bool:
        """Return whether somebody keeps winners just now."""
        with self._guard:
            newest = max(self._keepers.values(), default=-IN_USE_S)
        return self._clock() - newest < IN_USE_S

    def after_vote(self, vote: NewVote, duplicate: bool) -> Pair | None:
        """Keep the winner of a vote, and return the pair that its annotator is to see next.

        None where the winner does not stay, or the new image is not rendered yet: its pair then
        comes as soon as it is.
        """
        self.note(vote.annotator, True)
        win = None if duplicate else self._win(vote)
        if win is not None:
            with self._guard:
                spare = self._spares.get(vote.pair_id)
                if vote.pair_id not in self._spares:
                    self._await_image(win)
            if spare:
                self._publish(win, spare, opens=True)
        return self._next_kept(vote.annotator)

    def take_back(self, vote_key: str) -> None:
        """Show nobody the pair that keeps the winner of a vote that was undone."""
        with self._guard:
            self._waiting = [win for win in self._waiting if win.vote_key != vote_key]
        for pair_id in self._store.kept_pairs.after(vote_key):
            self._assigner.hide(pair_id)

    def wanted(self) -> Pair | None:
        """Return the pair that a new image is to come after: those somebody waits for first."""
        with self._guard:
            recent = self._clock() - LEASE_S
            self._keepers = {name: seen for name, seen in self._keepers.items() if seen >= recent}
            self._waiting = [win for win in self._waiting if self._goes_on(win.pair)]
            if self._waiting:
                return self._waiting[0].pair
            people, spared = list(self._keepers), set(self._spares)

        shown = [pair for name in people if (pair := self._assigner.open_item(name))]
        return next((p for p in shown if p.pair_id not in spared and self._goes_on(p)), None)

    def render_after(self, pair: Pair, watch: RenderingWatch) -> None:
        """Render the new image that comes after a pair; raises what the sampler raises."""
        shown = [image for i in pair.images if (image := self._store.image(i))]
        look = self._look_of(shown)
        if look is None:
            self._keep_spare(pair, None)
            return

        version = self._store.version(self._model_id, pair.version)
        rendered: dict[int, Image] = {}
        item, add = RenderItem(pair.prompt, self._chance.randrange(SEEDS)), rendered.__setitem__
        adapters = adapters_of(version)
        self._renderer.render([item], adapters, add, look, preemptible=True, watch=watch)
        # Nothing is there where somebody else's images came first.
        if rendered and not self._looks_like(rendered[0], shown):
            self._keep_spare(pair, rendered[0])

    def _await_image(self, win: Win) -> None:
        """Let a win wait for its new image; under the guard."""
        earlier = [each for each in self._waiting if each.annotator == win.annotator]
        if len(earlier) >= MAX_WAITING:
            self._waiting.remove(earlier[0])
        self._waiting.append(win)

    def _win(self, vote: NewVote) -> Win | None:
        """Return the win of a vote; None where its winner does not stay."""
        pair = self._store.pair(vote.pair_id)
        if not vote.verdict.decisive or not self._goes_on(pair):
            return None
        winner = pair.left if vote.verdict == "left" else pair.right
        return Win(pair, winner, vote.key, vote.annotator)

    def _goes_on(self, pair: Pair) -> bool:
        """Return whether the winner of a pair may stay.

        While a blind test comes in between, none does: whose winner stays would give away which
        pairs are not the test's.
        """
        special = pair.trial or pair.check or pair.version == IMPORTED or self._assigner.mixed
        of_now = pair.version == self._assigner.version
        reserved = self._prompt_sampler.is_dropped(pair.prompt)
        return bool(pair.in_a_row < MAX_IN_A_ROW and of_now and not special and not reserved)

    def _look_of(self, images: list[Image]) -> Look | None:
        """Return the look of now in the size of two images; None where they are of another look."""
        look = self._renderer.look
        if len(images) < 2 or not all(look.rendered(image.recipe) for image in images):
            return None
        return look.in_one_size((images[0].width, images[0].height))

    def _looks_like(self, image: Image, others: list[Image]) -> bool:
        path = self._store.image_path
        return any(self._duplicates.rejects(path(image.sha256), path(o.sha256)) for o in others)

    def _keep_spare(self, pair: Pair, image: Image | None) -> None:
        """Keep a new image until its pair is voted on, or show it to those who did already."""
        with self._guard:
            self._spares[pair.pair_id] = image
            if len(self._spares) > MAX_SPARES:
                self._spares.popitem(last=False)
            wins = [win for win in self._waiting if win.pair.pair_id == pair.pair_id]
            self._waiting = [win for win in self._waiting if win not in wins]
        if image is None:
            return
        for win in wins:
            # Something else is on the screen by now, and stays there until it is voted on.
            self._publish(win, image, opens=False)

    def _publish(self, win: Win, spare: Image, opens: bool) -> None:
        """Store the pair of a winner and a new image, and lease it to who chose the winner."""
        with self._renderer.holding_look() as look:
            if not look.rendered(spare.recipe) or not self._goes_on(win.pair):
                return
            new = self._store.add_images([spare])[0].image_id
            left, right = self._chance.sample([win.winner, new], 2)
            came_from = KeptFrom(win.pair.pair_id, win.vote_key, win.annotator)
            pair = following(win.pair, left, right, win.annotator)
            self._store.kept_pairs.add(pair, self._model_id, came_from)
            self._assigner.lease(win.annotator, pair, opens)

    def _next_kept(self, annotator: str) -> Pair | None:
        """Return the annotator's open pair if a winner was kept in it."""
        pair = self._assigner.open_item(annotator)
        return pair if pair and pair.kept_by == annotator else None
