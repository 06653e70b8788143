"""Pair maker: what is rendered next, and the pairs and quads that finished images become."""

import random
from collections.abc import Sequence

from align.contracts.rendering import RenderItem
from annotate.labeling.assignment import PairAssigner
from annotate.labeling.best_worst import QuadAssigner
from annotate.rendering.look import Look
from annotate.rendering.prepared_pairs import PreparedPairs
from annotate.rendering.prompt_sampler import PromptSampler
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
        prompt = self._prompt_sampler.sample()
        return [RenderItem(prompt, seed) for seed in self._chance.sample(range(SEEDS), count)]

    def publish_pair(self, *images: Image) -> bool:
        """Store two images as a pair, and return whether it waits for annotators now.

        None does whose images look alike, or whose look was changed meanwhile.
        """
        # Held until the pair waits, so that a change finds either it or nothing.
        with self._renderer.holding_look() as look:
            return look.rendered(images[0].recipe) and self._publish(*images)

    def _publish(self, *images: Image) -> bool:
        # Seeds are random, so that which image is left is, too.
        left, right = self._store.add_images(images)
        files = [self._store.image_path(image.sha256) for image in (left, right)]
        if self._duplicates.rejects(*files):
            return False
        prompt, version = left.recipe["prompt"], left.version
        pair = self._store.add_pair(prompt, left.image_id, right.image_id, self._model_id, version)
        self._assigner.add(pair)
        self._prepared.note_pair(version)
        return True

    def publish_quad(self, rendered: Sequence[Image]) -> None:
        """Store four images as a quad, unless the look was changed meanwhile."""
        with self._renderer.holding_look() as look:
            if not look.rendered(rendered[0].recipe):
                return
            images = self._store.add_images(rendered)
            ids = [image.image_id for image in images]
            self._best_worst.add(images[0].recipe["prompt"], ids, images[0].version)
