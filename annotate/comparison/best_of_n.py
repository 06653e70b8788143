"""Best of n: the highest-scored of many images, beside random ones and those of a tuned version.

It shows what fine-tuning adds to merely generating more images and keeping the best.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from align.contracts.rendering import RenderItem
from annotate.comparison.grid import ComparisonGrid
from annotate.comparison.mixes import BASE, Mix, parse_mix
from annotate.errors import InvalidRequest
from annotate.insights.active_learning import ImageScorer
from annotate.rendering.pair_pool import PairPool
from annotate.rendering.renderer import Renderer
from annotate.urls import image_url
from storage.records import Image
from storage.store import Store

SCORED_AT_ONCE = 4
"""Images scored in one request, so that progress shows and a stop is soon heeded."""
MIN_IMAGES, MAX_IMAGES = 2, 64
VOTES = "the votes"
"""The scorer that is no version: the preference model of the votes."""


@dataclass(frozen=True, slots=True)
class BestOfNProgress:
    """Images and scores done so far, and the addresses of each kind of image once it is known."""

    done: int
    total: int
    random: tuple[str, ...] = ()
    best: tuple[str, ...] = ()
    tuned: tuple[str, ...] = ()


class BestOfN:
    """Render n images of a prompt, score them by a version or the votes, and show the best."""

    def __init__(
        self,
        store: Store,
        renderer: Renderer,
        grid: ComparisonGrid,
        pool: PairPool,
        model_id: str,
        scorer_of_votes: Callable[[], ImageScorer],
    ) -> None:
        """Take the parts; `scorer_of_votes` raises InvalidRequest from too few votes."""
        self._store = store
        self._renderer = renderer
        self._grid = grid
        self._pool = pool
        self._model_id = model_id
        self._scorer_of_votes = scorer_of_votes

    def tuned_by(self, scorer: str) -> str | None:
        """Return the version whose images stand beside the best: the scorer, or the active one.

        None where the votes score and the base is active.
        """
        if scorer != VOTES:
            return scorer
        active = self._store.active(self._model_id)
        return active.version if active.adapter else None

    def choose(
        self, prompt: str, seeds: Sequence[int], rendered_by: str, scorer: str, shown: int
    ) -> Iterator[BestOfNProgress]:
        """Return progress, then `shown` images of each kind: random, best and tuned.

        The random ones are those of the first seeds: a seed is as good as any other. Tuned ones are
        rendered with these same seeds by the scorer, or where the votes score by the active
        version.

        Raises InvalidRequest or UnknownVersion at once, and on the way what comparing raises.
        """
        if not MIN_IMAGES <= len(seeds) <= MAX_IMAGES or not 1 <= shown <= len(seeds):
            raise InvalidRequest(
                f"Choose among {MIN_IMAGES} to {MAX_IMAGES} images and show at most as many; "
                f"{shown} of {len(seeds)} is not possible."
            )

        # Once for all: only images of one prompt compare.
        prompt = self._grid.vary(prompt, seeds[0])
        score = self._scorer(prompt, scorer)
        tuned, mix = self.tuned_by(scorer), parse_mix(rendered_by)
        # Raises for an unknown version at once, not when the first image is due.
        self._grid.resolve(mix)
        tuned_mix = Mix(((tuned, 1.0),)) if tuned else None
        return self._choose(prompt, seeds, mix, tuned_mix, score, shown)

    def _scorer(self, prompt: str, scorer: str) -> ImageScorer:
        """Return what scores images of a prompt; raises InvalidRequest or UnknownVersion."""
        if scorer == VOTES:
            return self._scorer_of_votes()
        if scorer == BASE or self._store.version(self._model_id, scorer).adapter is None:
            raise InvalidRequest(
                f"{scorer} cannot judge: an image's worth is how much likelier a version holds it "
                "to be than the base. Name a version that a fine-tune made, or let the votes judge."
            )
        [(adapter, _)] = self._grid.resolve(Mix(((scorer, 1.0),))).adapters
        return lambda images: self._implicit_rewards(prompt, images, adapter)

    def _choose(
        self,
        prompt: str,
        seeds: Sequence[int],
        mix: Mix,
        tuned: Mix | None,
        score: ImageScorer,
        shown: int,
    ) -> Iterator[BestOfNProgress]:
        from_tuned: dict[int, Image] = {}
        from_mix: dict[int, Image] = {}
        beside = shown if tuned else 0
        total = 2 * len(seeds) + beside

        # The few tuned images come first: they and the random ones can be looked at meanwhile.
        work = [(tuned, shown, from_tuned)] if tuned else []
        for columns, count, into in [*work, (mix, len(seeds), from_mix)]:
            items = [RenderItem(prompt, seed) for seed in seeds[:count]]
            for group in self._grid.render(items, [columns]):
                into |= {index: image for (index, _), image in group.items()}
                done = len(from_tuned) + len(from_mix)
                random, made = _first(from_mix, shown), _first(from_tuned, shown)
                yield BestOfNProgress(done, total, random, (), made)

        images = [from_mix[index] for index in range(len(seeds))]
        random, made = _first(from_mix, shown), _first(from_tuned, shown)
        scores: list[float] = []
        for start in range(0, len(images), SCORED_AT_ONCE):
            scores += score(images[start : start + SCORED_AT_ONCE])
            yield BestOfNProgress(beside + len(seeds) + len(scores), total, random, (), made)

        ranked = sorted(range(len(images)), key=lambda index: -scores[index])
        best = _urls([images[index] for index in ranked[:shown]])
        yield BestOfNProgress(total, total, random, best, made)

    def _implicit_rewards(self, prompt: str, images: Sequence[Image], adapter: Path) -> list[float]:
        self._pool.require_sampler("Choose again then.")
        files = [self._store.image_path(image.sha256) for image in images]
        with self._pool.hold_requests():
            return self._renderer.score([prompt] * len(files), files, adapter)


def _first(images: dict[int, Image], count: int) -> tuple[str, ...]:
    """Return the addresses of the first images, once all of these are there."""
    if not images.keys() >= set(range(count)):
        return ()
    return _urls([images[index] for index in range(count)])


def _urls(images: Sequence[Image]) -> tuple[str, ...]:
    return tuple(image_url(image.image_id) for image in images)
