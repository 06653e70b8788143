"""Train the embedded model again, from the images on.

python -m align.emoji all --work DIR           run every stage in turn, except finished ones
python -m align.emoji data --work DIR          fetch openly licensed emoji and rasterize them
python -m align.emoji autoencoder --work DIR   train the autoencoder
python -m align.emoji tokenizer --work DIR     learn the vocabulary of the captions
python -m align.emoji denoiser --work DIR      train the UNet and both text encoders
python -m align.emoji decoder --work DIR       train the decoder further, on the same latents
python -m align.emoji export --work DIR        write the pipeline folder, DIR/model
python -m align.emoji few-steps --work DIR     train an adapter that renders in four steps
python -m align.emoji classifier --work DIR    train the classifier that the figures need
python -m align.emoji measure --work DIR       measure DIR/model, or --model

Settings are in DIR/settings.json, written by the first command. A training that was stopped resumes
from its last checkpoint.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from align.emoji.settings import EmojiSettings, read_settings
from align.emoji.sources import REGISTRY
from align.errors import AlignError, is_disk_full

STAGES = {
    "data": "prepare:prepare",
    "autoencoder": "autoencoder:train_autoencoder",
    "tokenizer": "tokenizer:make_tokenizer",
    "denoiser": "denoiser:train_denoiser",
    "decoder": "autoencoder:train_decoder",
    "export": "pipeline_export:export",
    "few-steps": "few_steps:train_few_steps",
    "classifier": "classifier:train_classifier",
    "measure": "measure:measure",
}
"""Module and function of each command, in order. Only what a command needs is imported."""


def parser(prog: str = "python -m align.emoji") -> argparse.ArgumentParser:
    """Return the parser of the commands; `prog` is the name that they are run by."""
    root = argparse.ArgumentParser(
        prog=prog,
        description=(__doc__ or "").replace("python -m align.emoji", prog),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )

    commands = root.add_subparsers(dest="command", required=True)
    for name in ("all", *STAGES):
        command = commands.add_parser(name)
        command.add_argument("--work", type=Path, required=True, metavar="DIR")
        if name in ("all", "data"):
            command.add_argument("--registry", default=REGISTRY, metavar="URL")
        if name == "measure":
            command.add_argument("--model", metavar="NAME_OR_PATH", help="instead of DIR/model")
            # --pictures is the former name, for one release.
            command.add_argument(
                *("--images", "--pictures"), type=int, metavar="N", help="instead of one a label"
            )
    return root


def run_stage(
    name: str, work: Path, settings: EmojiSettings, arguments: argparse.Namespace
) -> None:
    """Run one stage of a working folder."""
    module, function = STAGES[name].split(":")
    extra: dict[str, Any] = {}
    if name == "data":
        extra = {"registry": arguments.registry}
    if name == "measure":
        model = getattr(arguments, "model", None) or str(work / "model")
        extra = {"model": model, "count": getattr(arguments, "images", None)}
    getattr(import_module(f"align.emoji.{module}"), function)(work, settings, **extra)


def main(argv: Sequence[str] | None = None, prog: str = "python -m align.emoji") -> int:
    """Run one command and return the exit code; print an expected error as one sentence."""
    # Read when transformers is imported: without torchvision it says so at length each time.
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    arguments = parser(prog).parse_args(argv)
    names = list(STAGES) if arguments.command == "all" else [arguments.command]

    try:
        settings = read_settings(arguments.work)
        for name in names:
            run_stage(name, arguments.work, settings, arguments)
    except KeyboardInterrupt:
        print("emoji: Stopped. The same command goes on from here.", file=sys.stderr)
        return 130
    except (AlignError, OSError) as error:
        if not isinstance(error, AlignError) and not is_disk_full(error):
            raise
        print(f"emoji: {error}", file=sys.stderr)
        return 1
    return 0


def run_stoppable(argv: Sequence[str] | None = None, prog: str = "python -m align.emoji") -> int:
    """Run one command that Ctrl+C or a job queue can stop, and that resumes later."""
    # A shell's background jobs ignore SIGINT, and a job queue sends SIGTERM.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    return main(argv, prog)


if __name__ == "__main__":
    sys.exit(run_stoppable())
