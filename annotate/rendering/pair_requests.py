"""Pair requests: one request to the sampler for pairs or for four images, and what comes of it."""

from annotate.clock import Monotonic
from annotate.interfaces import Sampler
from annotate.labeling.assignment import PairAssigner
from annotate.rendering.pair_maker import PairMaker
from annotate.rendering.prompts.asked_prompts import AskedPrompt, AskedPrompts
from annotate.rendering.renderer import Renderer, adapters_of
from annotate.rendering.rendering_pace import RenderingPace
from annotate.rendering.rendering_watch import RenderingWatch
from storage.records import QUAD_SIZE, Image
from storage.store import Store

FEW_PAIRS = 4
"""With fewer ready, the first pairs of a request matter more than its total time."""


class PairRequests:
    """Renders with the active version and publishes each pair at once; for the pool's thread."""

    def __init__(
        self,
        store: Store,
        sampler: Sampler,
        renderer: Renderer,
        assigner: PairAssigner,
        maker: PairMaker,
        model_id: str,
        clock: Monotonic,
    ) -> None:
        self._store, self._sampler, self._renderer = store, sampler, renderer
        self._assigner, self._maker, self._model_id = assigner, maker, model_id
        self._clock, self.pace = clock, RenderingPace()
        self.watch = RenderingWatch(clock, previews=True)
        """How far the images are that somebody without a pair waits for."""
        self.image_s = 0.0
        """Seconds an image of the newest whole request; 0 before the first."""
        self.fresh_version: str | None = None
        """The version that rendered last."""
        self.waiting_since: float | None = None
        """The time of the newest image, or of the request before the first one; None between."""

    def forget_pace(self) -> None:
        """Measure anew, since the look was changed: first one pair, so that it is there quickly."""
        self.pace, self.image_s, self.fresh_version = RenderingPace(), 0.0, None

    def render_pairs(self, count: int) -> None:
        """Render a request of pairs; raises what the sampler raises."""
        version = self._store.version(self._model_id, self._assigner.version)
        whole_look, look = self._renderer.look, self._maker.next_look()
        items = [item for _ in range(count) for item in self._maker.items_of_one_prompt(2)]
        warm, began = self._sampler.state().state == "ready", self._clock()
        finished: dict[int, Image] = {}
        published: list[Image] = []

        def on_image(index: int, image: Image) -> None:
            finished[index], self.waiting_since = image, self._clock()
            first = index - index % 2
            if first in finished and first + 1 in finished:
                if self._maker.publish_pair(finished[first], finished[first + 1]):
                    published.append(image)

        self.waiting_since = self._clock()
        prefer_throughput = self._assigner.ready() >= FEW_PAIRS
        adapters, watch = adapters_of(version), self._watch_if_seen()
        self._renderer.render(
            items, adapters, on_image, look, prefer_throughput, preemptible=True, watch=watch
        )

        if self._renderer.look != whole_look:
            return
        if finished:
            self.fresh_version = version.version
        # A request that loads the model first, or that was preempted, says nothing of the pace.
        if warm and len(finished) == len(items):
            seconds = self._clock() - began
            self.image_s = seconds / len(items)
            self.pace.note(seconds, len(published), self._renderer.look)

    def render_best_worst(self) -> None:
        """Render four images of one prompt; raises what the sampler raises."""
        version = self._store.version(self._model_id, self._assigner.version)
        rendered: dict[int, Image] = {}
        items, add = self._maker.items_of_one_prompt(4), rendered.__setitem__
        look, self.waiting_since = self._maker.next_look(), self._clock()
        adapters = adapters_of(version)
        self._renderer.render(items, adapters, add, look, preemptible=True, watch=self.watch)
        # Preempted: four images are of use only together.
        if len(rendered) == len(items):
            self._maker.publish_quad([rendered[index] for index in sorted(rendered)])

    def render_asked(self, asked: AskedPrompt, prompts: AskedPrompts) -> None:
        """Render what somebody asked for, as their next items; raises what the sampler raises."""
        version, maker = self._store.version(self._model_id, self._assigner.version), self._maker
        each, look = (QUAD_SIZE if asked.four else 2), maker.next_look()
        rendered: dict[int, Image] = {}
        complete: list[int] = []

        def on_image(index: int, image: Image) -> None:
            rendered[index], self.waiting_since = image, self._clock()
            first = index - index % each
            images = [rendered[i] for i in range(first, first + each) if i in rendered]
            if len(images) == each:
                complete.append(first)
                prompts.note_item(asked, self._publish_asked(asked, images))

        self.waiting_since = self._clock()
        items, adapters = maker.items_of(asked.prompt, each * asked.left), adapters_of(version)
        self._renderer.render(items, adapters, on_image, look, preemptible=True, watch=self.watch)
        # Preempted: the rest comes with the next request.
        prompts.note_rendered(asked, len(complete))

    def _publish_asked(self, asked: AskedPrompt, images: list[Image]) -> str | None:
        """Store images as the next item of who asked for them; return its id if it is shown."""
        if asked.four:
            return self._maker.publish_quad(images, asked.annotator)
        return self._maker.publish_pair(images[0], images[1], asked.annotator)

    def _watch_if_seen(self) -> RenderingWatch | None:
        """Return the watch while somebody may soon be without a pair; with plenty nobody looks."""
        return self.watch if self._assigner.ready() < FEW_PAIRS else None
