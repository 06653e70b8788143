"""Evaluation: render a base and its versions, check and score them, keep it all in a folder.

evaluation.json   versions, images, checks and scores      grid.png   all images on one sheet
images/           VERSION-PROMPT-SEED.png, the prompt by its index

Shapes: N = P·S images of P prompts and S seeds, C latent channels, H x W latent pixels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from align.client.models import describe_model
from align.contracts.evaluation_files import (
    EVALUATION,
    FORMAT,
    GRID,
    EvaluationFile,
    ImageEntry,
    ScoreEntry,
    VersionEntry,
)
from align.contracts.models import ModelInfo
from align.contracts.run_files import CheckEntry, RunResult
from align.data.encode import sha256
from align.device import Compute, choose_compute
from align.errors import InvalidSettings
from align.evaluation.checks import (
    ReleaseCheck,
    check_holdout,
    check_images,
    check_prompt,
    check_train_probe,
    check_variety,
)
from align.evaluation.version_renderer import (
    BASE,
    OnProgress,
    RenderedVersion,
    VersionRenderer,
    ignore_progress,
)
from align.evaluation.win_rate import compare_scores, scores_PS
from align.files import write_json
from align.sampling.to_folder import contact_sheet
from align.scoring.scorers import Scorer
from align.weights.export_facts import AdapterSource, read_source


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
) -> EvaluationFile:
    """Render every prompt and seed with the base and each version, then check and score them.

    Args:
        target: a folder; files of an earlier evaluation in it are replaced.
        versions: run folders or adapter files.
        scorers: each compares the images of every version with the base's.
        model: the base; left out, that of the first run, in its look, or the embedded one.

    Raises:
        InvalidSettings: no prompt, no seed or no version.
        ExportError, BrokenRun: a version holds no adapter.
        ModelError: the model cannot be loaded.
    """
    if not prompts or not seeds or not versions:
        raise InvalidSettings("Name at least one prompt, one seed and one version.")
    sources = dict(zip(version_names(versions), map(read_source, versions), strict=True))
    info = model or next((s.model for s in sources.values() if s.model), None) or describe_model()
    # The LoRAs of a run's look fit the base that it was trained from.
    look = None if model else next((s.look for s in sources.values() if s.look), None)
    chosen = compute or choose_compute(full_size=info.full_size)
    renderer = VersionRenderer(target, prompts, seeds, info, chosen, on_progress, look=look)

    run_results = {name: result_of_run(source) for name, source in sources.items()}
    rendered, checks = render_and_check(renderer, sources, run_results)
    scores = [row for scorer in scorers for row in score_versions(renderer, rendered, scorer)]
    return write_result(renderer, rendered, sources, checks, scores)


def render_and_check(
    renderer: VersionRenderer,
    sources: Mapping[str, AdapterSource],
    run_results: Mapping[str, RunResult | None],
) -> tuple[list[RenderedVersion], list[CheckEntry]]:
    """Render the base and every version; return them, the base first, and checks as JSON values.

    `run_results` holds each version's result of training, None where there is no run.
    """
    base = renderer.render(BASE, None)
    base_recognized_N = renderer.recognized(base) if len(renderer.prompts) > 1 else None
    rendered: list[RenderedVersion] = [base]
    checks: list[CheckEntry] = []
    for name, source in sources.items():
        tuned = renderer.render(name, source.adapter)
        rendered.append(tuned)
        for check in run_checks(renderer, tuned, base, base_recognized_N, run_results[name] or {}):
            checks.append(check.entry(name))
    return rendered, checks


def score_versions(
    renderer: VersionRenderer, rendered: Sequence[RenderedVersion], scorer: Scorer
) -> list[ScoreEntry]:
    """Compare every version with the base by one scorer."""
    scored: dict[str, Tensor] = {}
    for version in rendered:
        files = [renderer.file(version.name, index) for index in range(len(version.images))]
        scored[version.name] = scores_PS(scorer, renderer.prompts, files, len(renderer.seeds))

    base_PS = scored.pop(BASE)
    return [
        compare_scores(scorer.name, name, after_PS, base_PS) for name, after_PS in scored.items()
    ]


def write_result(
    renderer: VersionRenderer,
    rendered: Sequence[RenderedVersion],
    sources: Mapping[str, AdapterSource],
    checks: Sequence[CheckEntry],
    scores: Sequence[ScoreEntry] = (),
) -> EvaluationFile:
    """Write the sheet and evaluation.json, and return what the latter holds."""
    result: EvaluationFile = {
        "format": FORMAT,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "model": {"name": renderer.model.name, "identity": renderer.model.identity},
        "versions": [{"name": BASE}, *(_version_entry(n, s) for n, s in sources.items())],
        "prompts": renderer.prompts,
        "seeds": renderer.seeds,
        "images": _image_entries(renderer, rendered),
        "grids": [_grid(renderer, rendered)],
        "checks": list(checks),
        "scores": list(scores),
        "passed": all(check["passed"] for check in checks),
    }
    write_json(renderer.target / EVALUATION, result)
    return result


def run_checks(
    renderer: VersionRenderer,
    rendered: RenderedVersion,
    base: RenderedVersion,
    base_recognized_N: Tensor | None,
    run_result: RunResult,
) -> list[ReleaseCheck]:
    """Run every check of a version: images, variety, prompts, and pairs of votes."""
    shape = (len(renderer.prompts), len(renderer.seeds))
    checks = [
        check_images(_gray(rendered), _gray(base), rendered.latents_NCHW, base.latents_NCHW),
        check_variety(
            torch.unflatten(rendered.latents_NCHW, 0, shape),
            torch.unflatten(base.latents_NCHW, 0, shape),
        ),
    ]
    # With one prompt there is no other to take it for.
    if base_recognized_N is not None:
        checks.append(check_prompt(renderer.recognized(rendered), base_recognized_N))

    by_votes = (
        check_holdout(run_result.get("held_out")),
        check_train_probe(run_result.get("settled")),
    )
    return [*checks, *(check for check in by_votes if check is not None)]


def _gray(rendered: RenderedVersion) -> Tensor:
    gray = np.stack([np.asarray(image.convert("L")) for image in rendered.images])
    return torch.from_numpy(gray) / 255


def result_of_run(source: AdapterSource) -> RunResult | None:
    """Return the result of the run that a version comes from; None for an adapter file."""
    return source.status.result if source.status else None


def version_names(versions: Sequence[Path]) -> list[str]:
    """Name versions by their runs' folders or their files, numbered where two are alike."""
    names: list[str] = []
    for index, path in enumerate(versions, 1):
        name = path.resolve().name if path.is_dir() else path.stem
        names.append(f"{index}-{name}" if name in (BASE, *names) else name)
    return names


def _version_entry(name: str, source: AdapterSource) -> VersionEntry:
    entry: VersionEntry = {"name": name}
    if source.run is not None:
        entry["run"] = source.run
    entry["adapter_sha256"] = sha256(source.adapter)

    result = result_of_run(source) or {}
    if "objective" in result:
        entry["objective"] = result["objective"]
    if "pairs" in result:
        entry["pairs"] = result["pairs"]
    if "movement" in result:
        entry["movement"] = result["movement"]
    return entry


def _image_entries(
    renderer: VersionRenderer, rendered: Sequence[RenderedVersion]
) -> list[ImageEntry]:
    return [
        {
            "version": version.name,
            "prompt": index // len(renderer.seeds),
            "seed": renderer.seeds[index % len(renderer.seeds)],
            "file": renderer.file(version.name, index).relative_to(renderer.target).as_posix(),
        }
        for version in rendered
        for index in range(len(version.images))
    ]


def _grid(renderer: VersionRenderer, rendered: Sequence[RenderedVersion]) -> str:
    """Save a sheet with a row for each prompt: all seeds of the base, then of every version."""
    seeds = len(renderer.seeds)
    files = [
        renderer.file(version.name, prompt * seeds + seed)
        for prompt in range(len(renderer.prompts))
        for version in rendered
        for seed in range(seeds)
    ]
    contact_sheet(files, seeds * len(rendered), 128).save(renderer.target / GRID)
    return GRID
