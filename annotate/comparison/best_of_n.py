"""The best of n: what merely choosing among many images gives, beside what tuning gives."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from annotate.comparison.grid import ComparisonGrid
from annotate.comparison.mixes import BASE, Mix, parse_mix
from annotate.errors import InvalidRequest, SamplerSuspended
from annotate.insights.active_learning import Merits
from annotate.interfaces import RenderItem
from annotate.rendering.pair_pool import PairPool
from annotate.rendering.renderer import Renderer
from annotate.urls import image_url
from storage.records import Image
from storage.store import Store

AT_ONCE = 4
"""Images scored in one request, so that progress is told and a stop is soon heeded."""
MOST = 64
FEWEST = 2
VOTES = "the votes"
"""A judge that is no version: the taste that the votes show."""


@dataclass(frozen=True, slots=True)
class Choice:
    """How far a choice among many is, and the addresses of its images, each kind once known."""

    done: int
    total: int
    random: tuple[str, ...] = ()
    best: tuple[str, ...] = ()
    tuned: tuple[str, ...] = ()


class BestOfN:
    """Draws n images of a prompt, lets a version or the votes judge, and shows the best."""

    def __init__(
        self,
        store: Store,
        renderer: Renderer,
        comparing: ComparisonGrid,
        pool: PairPool,
        model_id: str,
        taste: Callable[[], Merits],
    ) -> None:
        """`taste` returns what judges images by the votes so far, or raises InvalidRequest."""
        self._store = store
        self._renderer = renderer
        self._grid = comparing
        self._pool = pool
        self._model_id = model_id
        self._taste = taste

    def tuned_by(self, judge: str) -> str | None:
        """Return the version whose images stand beside the best: the judge, or the active one.

        None where the votes judge and the base is active.
        """
        if judge != VOTES:
            return judge
        active = self._store.active(self._model_id)
        return active.version if active.adapter else None

    def best_of(
        self, prompt: str, seeds: Sequence[int], drawn_by: str, judge: str, shown: int
    ) -> Iterator[Choice]:
        """Return progress, then `shown` images of each kind.

        The random ones are those of the first seeds: a seed is as good as any other. Tuned ones
        are what the judge draws with these same seeds, or where the votes judge the active version.

        Raises InvalidRequest or UnknownVersion at once, and on the way what comparing raises.
        """
        if not FEWEST <= len(seeds) <= MOST or not 1 <= shown <= len(seeds):
            raise InvalidRequest(
                f"Choose among {FEWEST} to {MOST} images and show at most as many; "
                f"{shown} of {len(seeds)} is not possible."
            )
        scores = self._judging(prompt, judge)
        tuned, mix = self.tuned_by(judge), parse_mix(drawn_by)
        self._grid.look(mix)
        beside = Mix(((tuned, 1.0),)) if tuned else None
        return self._choose(prompt, seeds, mix, beside, scores, shown)

    def _judging(self, prompt: str, judge: str) -> Merits:
        """Return what ranks images of a prompt; raises InvalidRequest or UnknownVersion."""
        if judge == VOTES:
            return self._taste()
        if judge == BASE or self._store.version(self._model_id, judge).adapter is None:
            raise InvalidRequest(
                f"{judge} cannot judge: an image's worth is how much likelier a version holds it "
                "to be than the base. Name a version that a fine-tune made, or let the votes judge."
            )
        [(adapter, _)] = self._grid.look(Mix(((judge, 1.0),))).adapters
        return lambda images: self._scores(prompt, images, adapter)

    def _choose(
        self,
        prompt: str,
        seeds: Sequence[int],
        mix: Mix,
        tuned: Mix | None,
        merits: Merits,
        shown: int,
    ) -> Iterator[Choice]:
        beside = shown if tuned else 0
        total = 2 * len(seeds) + beside
        after: dict[int, Image] = {}
        drawn: dict[int, Image] = {}
        work = [(tuned, shown, after)] if tuned else []
        for mixed, count, into in [*work, (mix, len(seeds), drawn)]:
            items = [RenderItem(prompt, seed) for seed in seeds[:count]]
            for group in self._grid.compare(items, [mixed]):
                into |= {place: image for (place, _), image in group.items()}
                yield Choice(
                    len(after) + len(drawn), total, _first(drawn, shown), (), _first(after, shown)
                )
        images = [drawn[place] for place in range(len(seeds))]
        random, made = _first(drawn, shown), _first(after, shown)
        scores: list[float] = []
        for start in range(0, len(images), AT_ONCE):
            scores += merits(images[start : start + AT_ONCE])
            yield Choice(beside + len(seeds) + len(scores), total, random, (), made)
        ranked = sorted(range(len(images)), key=lambda place: -scores[place])
        best = _addresses([images[place] for place in ranked[:shown]])
        yield Choice(total, total, random, best, made)

    def _scores(self, prompt: str, images: Sequence[Image], adapter: Path) -> list[float]:
        if reason := self._pool.resting:
            raise SamplerSuspended(f"{reason} Choose again after it.")
        files = [self._store.image_path(image.sha256) for image in images]
        with self._pool.standing_aside():
            return self._renderer.score([prompt] * len(files), files, adapter)


def _first(images: dict[int, Image], count: int) -> tuple[str, ...]:
    """The addresses of the first ones, once all of these are there."""
    if not images.keys() >= set(range(count)):
        return ()
    return _addresses([images[place] for place in range(count)])


def _addresses(images: Sequence[Image]) -> tuple[str, ...]:
    return tuple(image_url(image.image_id) for image in images)
