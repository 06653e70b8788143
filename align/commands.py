"""Commands of `python -m align`; only those that need torch import it."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from align.client.cpu_lock import CpuLock
from align.client.models import describe_model, resolve_model
from align.client.run_folder import RunFolder
from align.client.trainer import TrainerProcess, lower_priority
from align.contracts.evaluation_files import EVALUATION
from align.contracts.models import ModelInfo
from align.contracts.rendering import RenderSettings, read_settings
from align.errors import InvalidSettings, OtherRun
from align.files import parse_json
from align.sampling.main import main as serve_requests
from align.training.session import plan_of_folder, plan_of_pairs, train_folder


def run_train(arguments: argparse.Namespace) -> None:
    """Train a run folder, or print its plan as JSON (`--dry-run`)."""
    if arguments.dry_run:
        print(json.dumps(plan_of_folder(arguments.run_dir), indent=1, ensure_ascii=False))
        return
    lower_priority()
    train_folder(arguments.run_dir, CpuLock(arguments.cpu_lock), arguments.cache)


def run_prepare(arguments: argparse.Namespace) -> None:
    """Make a run folder of a snapshot, or print the plan of a run on some number of pairs."""
    model = resolve_model(arguments.model)
    if arguments.snapshot is None:
        planned = plan_of_pairs(model, arguments.pairs or 0, arguments.settings)
        print(json.dumps(planned, indent=1, ensure_ascii=False))
        return
    run = RunFolder(arguments.run_dir)
    if run.config_path.exists():
        raise OtherRun(f"{run.path} holds a run already. Name a new folder, or train that run.")
    TrainerProcess().prepare(run.path, arguments.snapshot, model, arguments.settings)


def named_base(arguments: argparse.Namespace) -> ModelInfo | None:
    """Describe the base that a command names, if it does."""
    if not arguments.model:
        return None
    return describe_model(arguments.model, vae=arguments.vae, prediction=arguments.prediction)


def run_export(arguments: argparse.Namespace) -> None:
    """Write an adapter in the form of another program, and print where."""
    from align.weights.export import export  # noqa: PLC0415  torch takes seconds to import
    from align.weights.pipeline import quiet_libraries  # noqa: PLC0415

    quiet_libraries()
    model = named_base(arguments)
    form, precision = arguments.form, arguments.precision
    print(export(arguments.source, arguments.target, form, precision=precision, model=model))


def run_send(arguments: argparse.Namespace) -> None:
    """Write an adapter and its notes into the LoRA folder of another program; print it as JSON."""
    from align.weights.pipeline import quiet_libraries  # noqa: PLC0415  torch takes seconds to import
    from align.weights.send import send  # noqa: PLC0415

    quiet_libraries()
    sent = send(
        arguments.source,
        arguments.folder,
        arguments.name,
        strength=arguments.strength,
        settings=parse_settings(arguments.settings) if arguments.settings else None,
        model=named_base(arguments),
    )
    print(json.dumps(sent))


def parse_settings(text: str) -> RenderSettings:
    """Read render settings from JSON; raises InvalidSettings."""
    try:
        return read_settings(parse_json(text))
    except (ValueError, TypeError, AttributeError) as error:
        raise InvalidSettings(
            f"--settings takes render settings as JSON, which these are not: {error}. Leave it out "
            "for the model's own."
        ) from None


def run_check(arguments: argparse.Namespace) -> None:
    """Check that a LoRA or a tuned model fits, and print what it is as JSON."""
    from align.weights.import_lora import import_file  # noqa: PLC0415  torch takes seconds to import
    from align.weights.pipeline import quiet_libraries  # noqa: PLC0415

    quiet_libraries()
    facts = import_file(
        arguments.source, named_base(arguments) or describe_model(), arguments.target
    )
    print(json.dumps(facts))


def run_sample(arguments: argparse.Namespace) -> None:
    """Render prompts into a folder, with progress on stderr, and print where the grid is."""
    from align.sampling.to_folder import parse_seeds, sample  # noqa: PLC0415
    from align.weights.pipeline import quiet_libraries  # noqa: PLC0415  torch takes seconds to import

    quiet_libraries()
    prompts, seeds = read_prompts(arguments.prompts), parse_seeds(arguments.seeds)
    model = describe_model(arguments.model) if arguments.model else None
    started = time.monotonic()

    def report(done: int, of: int) -> None:
        left = (time.monotonic() - started) / done * (of - done)
        print(f"\r{done} of {of} rendered, {left:.0f} s left ", end="", file=sys.stderr, flush=True)

    sample(arguments.folder, prompts, seeds, source=arguments.source, model=model, on_image=report)
    print(file=sys.stderr)
    print(arguments.folder / "grid.png")


def run_evaluate(arguments: argparse.Namespace) -> None:
    """Render and check versions, and write evaluation.json; exit with 1 where a check fails."""
    from align.device import choose_compute  # noqa: PLC0415  torch takes seconds to import
    from align.evaluation.evaluate import evaluate  # noqa: PLC0415
    from align.sampling.to_folder import parse_seeds  # noqa: PLC0415
    from align.scoring.scorers import open_scorer  # noqa: PLC0415
    from align.weights.pipeline import quiet_libraries  # noqa: PLC0415

    quiet_libraries()
    compute = choose_compute()
    named = [scorer.partition("=") for scorer in arguments.scorers]
    scorers = [open_scorer(name, Path(path) if path else None, compute) for name, _, path in named]

    def report(phase: str, done: int, of: int) -> None:
        print(f"\r{phase}, {done} of {of} ", end="", file=sys.stderr, flush=True)

    result = evaluate(
        arguments.folder,
        read_prompts(arguments.prompts),
        parse_seeds(arguments.seeds),
        arguments.versions,
        model=describe_model(arguments.model) if arguments.model else None,
        scorers=scorers,
        on_progress=report,
    )

    print(file=sys.stderr)
    for row in result["scores"]:
        figures = f"{row['mean']:.4f}, base {row['base_mean']:.4f}, wins {row['win_rate']:.0%}"
        print(f"{row['version']}\t{row['scorer']}\t{figures}")
    for check in result["checks"]:
        mark = "passed" if check["passed"] else "FAILED"
        print(f"{check['version']}\t{mark}\t{check['name']}\t{check['sentence']}")
    print(arguments.folder / EVALUATION)
    if not result["passed"]:
        sys.exit(1)


def read_prompts(path: Path) -> list[str]:
    """Return the lines of a text file that are neither blank nor comments.

    Raises:
        InvalidSettings: the file cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSettings(f"{path} cannot be read: {error}.") from None
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def run_score(arguments: argparse.Namespace) -> None:
    """Score the images of a folder, and print score, tab and name, best first."""
    from align.device import choose_compute  # noqa: PLC0415  torch takes seconds to import
    from align.scoring.scorers import open_scorer, score_folder  # noqa: PLC0415
    from align.weights.pipeline import quiet_libraries  # noqa: PLC0415

    quiet_libraries()
    scorer = open_scorer(arguments.by, arguments.weights, choose_compute())
    for scored in score_folder(scorer, arguments.folder, arguments.prompt):
        print(f"{scored.score:.4f}\t{scored.image}")


def run_serve(_: argparse.Namespace) -> None:
    """Render images for an app, by requests on stdin."""
    serve_requests()
