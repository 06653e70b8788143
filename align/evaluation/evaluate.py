"""Draw with a version and its base, check what comes out, and keep it all in a folder.

evaluation.json   what was drawn by what, and every check      grid.png   all of it on a sheet
images/         VERSION-PROMPT-SEED.png, by their places and seeds

Shapes: N = P·S images of P prompts and S seeds, C latent channels, H x W latent pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import StableDiffusionXLPipeline
from PIL import Image
from torch import Tensor

from align.client.models import ModelInfo, describe_model
from align.client.render_items import RenderItem
from align.data.encode import sha256
from align.device import Compute, choose_compute
from align.errors import InvalidSettings
from align.evaluation.checks import (
    Check,
    check_holdout,
    check_images,
    check_prompt,
    check_train_probe,
    check_variety,
)
from align.evaluation.diffusion_classifier import PromptClassifier
from align.evaluation.win_rate import compare_scores, scores_PS
from align.files import GRID, write_json
from align.sampling.render import AdapterSwitcher, batches, decode, render_latents
from align.sampling.to_folder import contact_sheet, render_settings
from align.scoring.scorers import Scorer
from align.weights.export_facts import AdapterSource, read_source
from align.weights.pipeline import load_pipeline

RESULT = "evaluation.json"
BASE = "base"
OnProgress = Callable[[str, int, int], None]


def ignore_progress(what: str, done: int, of: int) -> None:
    """Progress that nobody asked for."""


def never_pause() -> None:
    """A pause that nobody needs."""


@dataclass(frozen=True)
class RenderedVersion:
    """What one version makes of every prompt and seed."""

    name: str
    latents_NCHW: Tensor
    images: list[Image.Image]


class VersionRenderer:
    """A loaded base that draws with any of its versions, and a folder to keep the images in."""

    def __init__(
        self,
        target: Path,
        prompts: Sequence[str],
        seeds: Sequence[int],
        model: ModelInfo,
        compute: Compute,
        on_progress: OnProgress = ignore_progress,
        between: Callable[[], None] = never_pause,
    ) -> None:
        """`between` is called between forward passes; what it raises ends the work."""
        self.target, self.prompts, self.seeds = target, list(prompts), list(seeds)
        self.model, self.compute = model, compute
        self._on_progress, self._between = on_progress, between
        self.pipeline: StableDiffusionXLPipeline = load_pipeline(model, compute)
        self._adapters = AdapterSwitcher(self.pipeline)
        self._namer = PromptClassifier(
            self.pipeline, compute, self.prompts, (model.width, model.height)
        )

    def draw(self, name: str, adapter: Path | None) -> RenderedVersion:
        """Draw everything with one version, and keep the images."""
        self._adapters.use([(str(adapter), 1.0)] if adapter else [])
        items = [RenderItem(prompt, seed) for prompt in self.prompts for seed in self.seeds]
        latents: list[Tensor] = []
        images: list[Image.Image] = []
        for indices in batches(len(items), self.model.width * self.model.height / 1e6, True):
            wanted = [items[i] for i in indices]
            drawn = render_latents(
                self.pipeline,
                self.compute,
                wanted,
                render_settings(self.model),
                self._between,
            )
            latents.append(drawn.float().cpu())
            images += decode(self.pipeline, self.compute, drawn.nan_to_num())
            self._on_progress(f"drawing with {name}", len(images), len(items))
        for place, image in enumerate(images):
            image.save(self.file(name, place))
        return RenderedVersion(name, torch.cat(latents), images)

    def file(self, name: str, place: int) -> Path:
        """Where an image is kept."""
        prompt, seed = divmod(place, len(self.seeds))
        path = self.target / "images" / f"{name}-{prompt}-{self.seeds[seed]}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def named(self, drawn: RenderedVersion) -> Tensor:
        """named_N: is its own prompt the one that explains an image best?

        See `align.evaluation.diffusion_classifier`.
        """
        self._adapters.use([])
        named = []
        for place, latent_CHW in enumerate(drawn.latents_NCHW):
            self._between()
            named.append(self._namer.named(latent_CHW, place // len(self.seeds)))
            self._on_progress(f"naming {drawn.name}", place + 1, len(drawn.images))
        return torch.tensor(named)


def evaluate(
    target: Path,
    prompts: Sequence[str],
    seeds: Sequence[int],
    versions: Sequence[Path],
    *,
    model: ModelInfo | None = None,
    compute: Compute | None = None,
    scorers: Sequence[Scorer] = (),
    on_progress: OnProgress = ignore_progress,
) -> dict[str, Any]:
    """Draw every prompt and seed with the base and each version, check, write; returns the result.

    Args:
        target: a folder; files of an earlier evaluation in it are replaced.
        versions: run folders or adapter files.
        scorers: what else is to judge the images, beside the checks.
        model: the base; left out, the one the first run was made from, or the embedded one.

    Raises:
        InvalidSettings: no prompt, no seed or no version.
        ExportError, RunError: a version holds no adapter.
        ModelError: the model cannot be loaded.
    """
    if not prompts or not seeds or not versions:
        raise InvalidSettings("Name at least one prompt, one seed and one version.")
    sources = dict(zip(version_names(versions), map(read_source, versions), strict=True))
    info = model or next((s.model for s in sources.values() if s.model), None) or describe_model()
    easel = VersionRenderer(target, prompts, seeds, info, compute or choose_compute(), on_progress)
    judged = {name: result_of_run(source) for name, source in sources.items()}
    drawn, found = render_and_check(easel, sources, judged)
    scores = [row for scorer in scorers for row in score_versions(easel, drawn, scorer)]
    return write_result(easel, drawn, sources, found, scores)


def render_and_check(
    easel: VersionRenderer,
    sources: Mapping[str, AdapterSource],
    judged: Mapping[str, dict[str, Any] | None],
) -> tuple[list[RenderedVersion], list[dict[str, Any]]]:
    """What the base and every version draw, the base first, and the checks as JSON values.

    `judged` is what each version's run found on pairs of votes, None where there is no run.
    """
    base = easel.draw(BASE, None)
    base_named_N = easel.named(base) if len(easel.prompts) > 1 else None
    drawn, found = [base], []
    for name, source in sources.items():
        tuned = easel.draw(name, source.adapter)
        drawn.append(tuned)
        for check in checks_of(easel, tuned, base, base_named_N, judged[name] or {}):
            found.append({"version": name, **check.to_json()})
    return drawn, found


def score_versions(
    easel: VersionRenderer, drawn: Sequence[RenderedVersion], scorer: Scorer
) -> list[dict[str, Any]]:
    """What one scorer says of every version, the base first."""
    scored = {}
    for one in drawn:
        files = [easel.file(one.name, place) for place in range(len(one.images))]
        scored[one.name] = scores_PS(scorer, easel.prompts, files, len(easel.seeds))
    base_PS = scored.pop(BASE)
    return [
        compare_scores(scorer.name, name, after_PS, base_PS) for name, after_PS in scored.items()
    ]


def write_result(
    easel: VersionRenderer,
    drawn: Sequence[RenderedVersion],
    sources: Mapping[str, AdapterSource],
    found: Sequence[dict[str, Any]],
    scores: Sequence[dict[str, Any]] = (),
) -> dict[str, Any]:
    """Write evaluation.json and the sheet, and return what the former holds."""
    result = {
        "format": 1,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "model": {"name": easel.model.name, "identity": easel.model.identity},
        "versions": [{"name": BASE}, *(_told(n, s) for n, s in sources.items())],
        "prompts": easel.prompts,
        "seeds": easel.seeds,
        "images": _listed(easel, drawn),
        "grids": [_grid(easel, drawn)],
        "checks": list(found),
        "scores": list(scores),
        "passed": all(check["passed"] for check in found),
    }
    write_json(easel.target / RESULT, result)
    return result


def checks_of(
    easel: VersionRenderer,
    drawn: RenderedVersion,
    base: RenderedVersion,
    base_named_N: Tensor | None,
    judged: Mapping[str, Any],
) -> list[Check]:
    """Everything that is looked at before people see a version."""
    shape = (len(easel.prompts), len(easel.seeds))
    grey = np.stack([np.asarray(image.convert("L")) for image in drawn.images])
    checks = [
        check_images(torch.from_numpy(grey) / 255, drawn.latents_NCHW, base.latents_NCHW),
        check_variety(
            drawn.latents_NCHW.unflatten(0, shape), base.latents_NCHW.unflatten(0, shape)
        ),
    ]
    if base_named_N is not None:
        checks.append(check_prompt(easel.named(drawn), base_named_N))
    by_votes = (
        check_holdout(judged.get("held_out") or {"pairs": 0}),
        check_train_probe(judged.get("settled") or {"pairs": 0}),
    )
    return [*checks, *(check for check in by_votes if check is not None)]


def result_of_run(source: AdapterSource) -> dict[str, Any] | None:
    """What a run found on pairs of votes, where the version comes from a run."""
    return source.status.result if source.status else None


def version_names(versions: Sequence[Path]) -> list[str]:
    """What versions are called in files: their runs' folders or their files, told apart."""
    names: list[str] = []
    for place, path in enumerate(versions, 1):
        name = path.resolve().name if path.is_dir() else path.stem
        names.append(f"{place}-{name}" if name in (BASE, *names) else name)
    return names


def _told(name: str, source: AdapterSource) -> dict[str, Any]:
    result = (source.status.result if source.status else None) or {}
    told = {
        "name": name,
        "run": source.run,
        "adapter_sha256": sha256(source.adapter),
        "objective": result.get("objective"),
        "pairs": result.get("pairs"),
    }
    return {key: value for key, value in told.items() if value is not None}


def _listed(easel: VersionRenderer, drawn: Sequence[RenderedVersion]) -> list[dict[str, Any]]:
    return [
        {
            "version": one.name,
            "prompt": place // len(easel.seeds),
            "seed": easel.seeds[place % len(easel.seeds)],
            "file": easel.file(one.name, place).relative_to(easel.target).as_posix(),
        }
        for one in drawn
        for place in range(len(one.images))
    ]


def _grid(easel: VersionRenderer, drawn: Sequence[RenderedVersion]) -> str:
    """A sheet with a row for each prompt: all seeds of the base, then of every version."""
    seeds = len(easel.seeds)
    files = [
        easel.file(one.name, prompt * seeds + seed)
        for prompt in range(len(easel.prompts))
        for one in drawn
        for seed in range(seeds)
    ]
    contact_sheet(files, seeds * len(drawn), 128).save(easel.target / GRID)
    return GRID
