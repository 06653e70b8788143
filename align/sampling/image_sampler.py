"""Image sampler: a pipeline that is loaded once, and renders with any of its adapters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from numbers import Integral, Real
from pathlib import Path

from PIL import Image

from align.client.models import resolve_model
from align.client.run_folder import RunFolder
from align.contracts.models import ModelInfo
from align.contracts.rendering import RenderItem, RenderSettings
from align.device import Compute, choose_compute
from align.errors import InvalidSettings
from align.sampling.adapter_switcher import AdapterSwitcher
from align.sampling.memory.loading import load_ladder
from align.weights.export_facts import find_source
from align.weights.pipeline import quiet_libraries

SEEDS = 2**32
"""Seeds are below it, as in the app."""
MAX_WEIGHT = 2.0
"""The strongest that an adapter is rendered, as in the app."""


class ImageSampler:
    """Renders images in this process: with the base alone, or with an adapter.

    An image depends on its prompt, its seed, the adapter and the settings alone, so that the same
    seeds before and after training show what the training changed.
    """

    def __init__(
        self, model: str | Path | ModelInfo | None = None, compute: Compute | None = None
    ) -> None:
        """Load a model, which takes seconds, or minutes where it is downloaded first.

        Progress bars and hints of diffusers and transformers are turned off.

        Args:
            model: a folder or hub name of an SDXL pipeline; left out, the embedded model.
            compute: device and number formats; left out, the fastest here.

        Raises:
            ModelError: the model cannot be loaded.
        """
        self.model = resolve_model(model)
        self.settings = render_settings(self.model)
        """Size, steps, guidance and the rest, as the model has them by default."""
        self._compute = compute or choose_compute(full_size=self.model.full_size)
        quiet_libraries()
        self._memory = load_ladder(self.model, self._compute)
        self._adapters = AdapterSwitcher(self._memory.pipeline)

    def render(
        self,
        prompts: Sequence[str],
        seeds: Sequence[int],
        *,
        adapter: Path | str | RunFolder | None = None,
        weight: float = 1.0,
        settings: RenderSettings | None = None,
    ) -> list[Image.Image]:
        """Render every prompt with every seed.

        Args:
            prompts: a list of P prompts.
            seeds: a list of S seeds in 0..2**32 - 1, the same for each prompt.
            adapter: a run folder or an adapter file; left out, the base renders alone.
            weight: strength of the adapter in 0..2; 1 is that it was trained at.
            settings: in place of the model's own; `dataclasses.replace(sampler.settings, ...)`.

        Returns:
            P·S images, prompt by prompt.

        Raises:
            InvalidSettings: no list of prompts or of seeds, an empty one, a seed out of range, or a
                weight that the adapter cannot have.
            ExportError, RunError: the run folder holds no adapter.
            ModelError: the adapter's file is gone, damaged, or made for another model.
            DeviceFull: not even one image at a time fits into the device's memory.
        """
        parts = self.render_in_batches(
            prompts, seeds, adapter=adapter, weight=weight, settings=settings
        )
        return [image for _, images in parts for image in images]

    def render_in_batches(
        self,
        prompts: Sequence[str],
        seeds: Sequence[int],
        *,
        adapter: Path | str | RunFolder | None = None,
        weight: float = 1.0,
        settings: RenderSettings | None = None,
    ) -> Iterator[tuple[range, list[Image.Image]]]:
        """Yield images of `render` in growing batches as they come, with their indices in it."""
        items = items_of(prompts, seeds)
        if not isinstance(weight, Real) or not 0 <= weight <= MAX_WEIGHT:
            raise InvalidSettings(f"weight must be from 0 to {MAX_WEIGHT:g}, got {weight!r}.")
        file = None if adapter is None else find_source(adapter).adapter
        used = settings or self.settings
        wanted = [] if file is None else [(str(file), weight)]
        self._memory.load_adapters(lambda: self._adapters.use(wanted, used.loras), used)

        yield from self._memory.render(items, used)


def items_of(prompts: Sequence[str], seeds: Sequence[int]) -> list[RenderItem]:
    """Return every prompt with every seed, prompt by prompt.

    Raises:
        InvalidSettings: one of both is no list or empty, or holds what it cannot.
    """
    # A text is a list of letters to Python.
    for name, given in (("prompts", prompts), ("seeds", seeds)):
        if isinstance(given, str) or not isinstance(given, Iterable):
            raise InvalidSettings(f"{name} must be a list, got {given!r}. Write [{given!r}].")
    texts, numbers = list(prompts), list(seeds)
    if not texts or not numbers:
        raise InvalidSettings("Name at least one prompt and one seed.")

    for text in texts:
        if not isinstance(text, str):
            raise InvalidSettings(f"A prompt must be a text, got {text!r}.")
    for seed in numbers:
        if not isinstance(seed, Integral) or not 0 <= seed < SEEDS:
            raise InvalidSettings(f"A seed must be a whole number from 0 to {SEEDS - 1}: {seed!r}.")
    return [RenderItem(text, int(seed)) for text in texts for seed in numbers]


def render_settings(model: ModelInfo) -> RenderSettings:
    """Return a model's default settings for rendering."""
    return RenderSettings(
        width=model.width,
        height=model.height,
        steps=model.steps,
        guidance=model.guidance,
        negative_prompt=model.negative_prompt,
        scheduler=model.scheduler,
    )
