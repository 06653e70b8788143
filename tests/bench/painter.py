"""Images by the embedded model or by an adapter of it, each of them drawn once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from align.client.models import describe_model
from align.contracts.rendering import RenderItem
from align.data.encode import sha256
from align.device import choose_compute
from align.files import write_json
from align.sampling.adapter_switcher import AdapterSwitcher
from align.sampling.image_sampler import render_settings
from align.sampling.render import batches, render, store_image
from align.weights.pipeline import load_pipeline, quiet_libraries


class Painter:
    """Renders with the base or an adapter; `folder` remembers what it has seen before."""

    def __init__(self, folder: Path) -> None:
        quiet_libraries()
        self.model = describe_model()
        self.compute = choose_compute()
        self._pipeline = load_pipeline(self.model, self.compute)
        self._adapters = AdapterSwitcher(self._pipeline)
        self._folder = folder / "images"
        self._index = self._folder / "index.json"
        self._drawn: dict[str, str] = (
            json.loads(self._index.read_text("utf-8")) if self._index.exists() else {}
        )

    def draw(self, items: Sequence[RenderItem], adapter: Path | None = None) -> list[Path]:
        """The image files of these prompts and seeds, in order."""
        by = sha256(adapter) if adapter else "base"
        keys = [f"{self.model.identity} {by} {item.seed} {item.prompt}" for item in items]
        missing = {
            key: item for key, item in zip(keys, items, strict=True) if key not in self._drawn
        }
        self._render(missing, adapter)
        return [self._folder / self._drawn[key] for key in keys]

    def _render(self, missing: dict[str, RenderItem], adapter: Path | None) -> None:
        names, items = list(missing), list(missing.values())
        self._adapters.use([(str(adapter), 1.0)] if adapter else [])
        for indices in batches(len(items), 0.016, prefer_throughput=True):
            batch = [items[i] for i in indices]
            images = render(self._pipeline, self.compute, batch, render_settings(self.model))
            for i, image in zip(indices, images, strict=True):
                sha = store_image(image, self._folder).sha256
                self._drawn[names[i]] = f"{sha[:2]}/{sha}.png"
        if items:
            write_json(self._index, self._drawn)
