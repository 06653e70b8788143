"""Pair maker: what is rendered next, and the pairs and quads that finished images become."""

import random
from collections.abc import Sequence

from align.contracts.rendering import RenderItem
from annotate.labeling.assignment import PairAssigner
from annotate.labeling.best_worst import QuadAssigner
from annotate.rendering.look import Look
from annotate.rendering.prepared_pairs import PreparedPairs
from annotate.rendering.prompts.prompt_sampler import PromptSampler
from annotate.rendering.renderer import Renderer
from annotate.rendering.similarity import DuplicateFilter
from annotate.validation import SEEDS
from storage.records import Image
from storage.store import Store


class PairMaker:
    """Chooses prompts, seeds and sizes, and lets what was rendered wait for annotators."""

    def __init__(
        self,
        store: Store,
        renderer: Renderer,
        assigner: PairAssigner,
        best_worst: QuadAssigner,
        prompt_sampler: PromptSampler,
        model_id: str,
        chance: random.Random,
        prepared: PreparedPairs,
    ) -> None:
        self._store, self._renderer, self._model_id = store, renderer, model_id
        self._assigner, self._best_worst = assigner, best_worst
        self._prompt_sampler, self._chance = prompt_sampler, chance
        self._prepared, self._duplicates = prepared, DuplicateFilter()

    def next_look(self) -> Look:
        """Return the look for one request, in one of its sizes: both images of a pair have one."""
        look = self._renderer.look
        return look.in_one_size(self._chance.choice(look.sizes)) if look.sizes[1:] else look

    def items_of_one_prompt(self, count: int) -> list[RenderItem]:
        """Return items of the next prompt with different random seeds."""
        return self.items_of(self._prompt_sampler.sample(), count)

    def items_of(self, prompt: str, count: int) -> list[RenderItem]:
        """Return items of a prompt with different random seeds."""
        return [RenderItem(prompt, seed) for seed in self._chance.sample(range(SEEDS), count)]

    def publish_pair(self, left: Image, right: Image, annotator: str | None = None) -> str | None:
        """Store two images as a pair that waits for annotators, and return its id.

        With `annotator` it is that person's next one. Returns None for images that look alike, or
        whose look was changed meanwhile: they are shown to nobody.
        """
        # Held until the pair waits, so that a change finds either it or nothing.
        with self._renderer.holding_look() as look:
            return self._publish(left, right, annotator) if look.rendered(left.recipe) else None

    def _publish(self, left: Image, right: Image, annotator: str | None) -> str | None:
        # Seeds are random, so that which image is left is, too.
        left, right = self._store.add_images([left, right])
        files = [self._store.image_path(image.sha256) for image in (left, right)]
        if self._duplicates.rejects(*files):
            return None
        prompt, version = left.recipe["prompt"], left.version
        pair = self._store.add_pair(prompt, left.image_id, right.image_id, self._model_id, version)
        if annotator is None:
            self._assigner.add(pair)
        else:
            self._assigner.lease(annotator, pair, opens=False)
        self._prepared.note_pair(version)
        return pair.pair_id

    def publish_quad(self, rendered: Sequence[Image], annotator: str | None = None) -> str | None:
        """Store four images as a quad and return its id; None if the look was changed meanwhile.

        With `annotator` it is that person's next one.
        """
        with self._renderer.holding_look() as look:
            if not look.rendered(rendered[0].recipe):
                return None
            images = self._store.add_images(rendered)
            ids = [image.image_id for image in images]
            prompt, version = images[0].recipe["prompt"], images[0].version
            return self._best_worst.add(prompt, ids, version, annotator).quad_id
