"""Train, export and serve from the command line, with no app and no database.

python -m align train RUN_DIR [--dry-run]           train the run in a folder, or only say how
python -m align prepare RUN_DIR --snapshot FOLDER   make a run folder of a snapshot of votes
python -m align export RUN_DIR FILE --form kohya    an adapter for ComfyUI, A1111, Forge, sd-scripts
python -m align send RUN_DIR ~/ComfyUI              write it where another program finds LoRAs
python -m align sample FOLDER --prompts FILE --with RUN_DIR  render prompts with a run's adapter
python -m align evaluate FOLDER --prompts FILE --with RUN_DIR  check it beside its base
python -m align import FILE [TARGET]                take in a LoRA or a tuned model from elsewhere
python -m align score FOLDER --by implicit --with RUN_DIR   rank images, best first
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from align.commands import (
    run_check,
    run_evaluate,
    run_export,
    run_prepare,
    run_sample,
    run_score,
    run_send,
    run_serve,
    run_train,
)
from align.errors import AlignError, is_disk_full

SCORERS = {
    "implicit": "the implicit reward of a run, on fixed noise samples (--with RUN_DIR)",
    "taste": "a preference model fitted on votes (--with TASTE.json)",
    "pickscore": "PickScore or another CLIP with a logit scale (--with FOLDER)",
    "clip": "how well an image fits its prompt, by CLIP (--with FOLDER)",
    "aesthetic": "the LAION aesthetic predictor (--with FOLDER)",
}
FORMS = {
    "kohya": "a file that ComfyUI, A1111, Forge, sd-scripts and diffusers read whole",
    "diffusers": "a file for diffusers alone: ComfyUI, A1111, Forge and sd-scripts load nothing "
    "of it, nor of a run's own adapter.safetensors",
    "dora": "a DoRA for ComfyUI and Forge; A1111, sd-scripts and diffusers read it wrongly",
    "peft": "a folder for PEFT",
    "merged": "a pipeline folder for diffusers, with the adapter in its weights",
    "checkpoint": "the whole model in one file with the original names: ComfyUI, A1111, Forge, "
    "sd-scripts and diffusers",
}


def parser(prog: str = "python -m align") -> argparse.ArgumentParser:
    """Return the parser of `python -m align`; `run` of its result is the command's function."""
    root = argparse.ArgumentParser(
        prog=prog,
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = root.add_subparsers(dest="command", required=True)

    _add_train(commands.add_parser("train", help="train the run in a folder"))
    _add_prepare(commands.add_parser("prepare", help="make a run folder of a snapshot of votes"))
    forms = "\n".join(f"{name:<11}{meaning}" for name, meaning in FORMS.items())
    export = commands.add_parser(
        "export",
        help="write an adapter for other programs",
        description=f"Write an adapter for other programs. Forms, and who reads each:\n\n{forms}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_export(export)

    sending = "write an adapter into the LoRA folder of ComfyUI, A1111 or Forge"
    _add_send(commands.add_parser("send", help=sending))
    _add_score(commands.add_parser("score", help="rank the images of a folder"))
    _add_sample(commands.add_parser("sample", help="render prompts into a folder"))
    _add_evaluate(commands.add_parser("evaluate", help="check a version beside its base"))
    imported = "check whether a LoRA or a tuned model fits, and convert it"
    _add_check(commands.add_parser("import", aliases=["check"], help=imported))
    serve = commands.add_parser("serve", help="render images on request (the app starts this)")
    serve.set_defaults(run=run_serve)
    return root


def _add_prepare(prepare: argparse.ArgumentParser) -> None:
    prepare.add_argument(
        "run_dir", type=Path, metavar="RUN_DIR", help="a new folder, for `train` to train"
    )
    prepare.add_argument(
        "--snapshot", type=Path, metavar="FOLDER", help="votes and images, as a studio holds them"
    )
    prepare.add_argument(
        "--pairs",
        type=int,
        metavar="COUNT",
        help="in place of --snapshot: only print the plan of a run on so many pairs, as JSON",
    )
    prepare.add_argument("--model", metavar="NAME_OR_PATH", help="the base to tune")
    prepare.add_argument(
        "--settings", default="{}", metavar="JSON", help="settings of the run (docs/settings.md)"
    )
    prepare.set_defaults(run=run_prepare)


def _add_train(train: argparse.ArgumentParser) -> None:
    train.epilog = (
        "Without a run folder, from files of preferences: palate train --data FILES --model MODEL "
        "(`palate train --data --help` says more)."
    )
    train.add_argument(
        "run_dir", type=Path, metavar="RUN_DIR", help="holds config.json and snapshot/"
    )

    train.add_argument("--dry-run", action="store_true", help="print the plan as JSON and stop")
    train.add_argument(
        "--cpu-lock",
        "--turns",  # The former name, kept until the next release.
        dest="cpu_lock",
        type=Path,
        metavar="FILE",
        help="wait before each step while another process holds a lock on this file",
    )
    train.add_argument(
        "--cache",
        type=Path,
        metavar="DIR",
        help="keep latents, embeddings and reference errors here, for other runs too",
    )
    train.set_defaults(run=run_train)


def _add_base(command: argparse.ArgumentParser, meaning: str) -> None:
    """Add the arguments that name a base as the app has it open."""
    command.add_argument("--model", metavar="NAME_OR_PATH", help=meaning)
    command.add_argument("--vae", metavar="PATH", help="an autoencoder in place of the base's own")
    command.add_argument(
        "--prediction", metavar="KIND", help="what the base predicts, where it does not say"
    )


def _add_export(export: argparse.ArgumentParser) -> None:
    export.add_argument(
        "source", type=Path, metavar="RUN_DIR|ADAPTER", help="a finished run or an adapter file"
    )
    export.add_argument("target", type=Path, metavar="TARGET", help="file or folder to write")

    export.add_argument("--form", choices=FORMS, default="kohya", help="see above (%(default)s)")
    export.add_argument(
        "--precision",
        choices=("fp16", "fp32"),
        default="fp16",
        help="of weights (%(default)s); diffusers and peft keep the adapter's own",
    )
    _add_base(export, "the adapter's base, where no run folder names it")
    export.set_defaults(run=run_export)


def _add_send(send: argparse.ArgumentParser) -> None:
    send.add_argument(
        "source", type=Path, metavar="RUN_DIR|ADAPTER", help="a finished run or an adapter file"
    )
    send.add_argument(
        "folder", type=Path, metavar="FOLDER", help="the program's LoRA folder, or its own"
    )

    send.add_argument("--name", help="name of the file; without it by the base and the run")
    send.add_argument(
        "--strength",
        type=float,
        default=1.0,
        help="the strength at which it is used: the file is right at 1.0 (%(default)s)",
    )
    send.add_argument(
        "--settings", metavar="JSON", help="what it is rendered with, for the note beside it"
    )
    _add_base(send, "the adapter's base, where no run folder names it")
    send.set_defaults(run=run_send)


def _add_check(check: argparse.ArgumentParser) -> None:
    check.add_argument(
        "source", type=Path, metavar="FILE|FOLDER", help="a LoRA file or a tuned pipeline's folder"
    )
    check.add_argument(
        "target",
        type=Path,
        nargs="?",
        metavar="TARGET",
        help="write it here as Palate keeps it: diffusers' form, or a UNet's weights",
    )

    _add_base(check, "the base that it should fit")
    check.set_defaults(run=run_check)


def _add_render_arguments(command: argparse.ArgumentParser, seeds: str) -> None:
    """Add the arguments that every command takes that renders prompts."""
    command.add_argument(
        "--prompts", type=Path, required=True, metavar="FILE", help="a text file, one a line"
    )
    command.add_argument("--seeds", default=seeds, help="such as 1,2 or 1-4 (%(default)s)")
    command.add_argument("--model", metavar="NAME_OR_PATH", help="the base, where no run names it")


def _add_sample(sample: argparse.ArgumentParser) -> None:
    sample.add_argument("folder", type=Path, metavar="FOLDER", help="where the images go")
    _add_render_arguments(sample, seeds="1-4")
    sample.add_argument(
        "--with",
        dest="source",
        type=Path,
        metavar="RUN_DIR|ADAPTER",
        help="a finished run or an adapter file; without it the base alone renders",
    )
    sample.set_defaults(run=run_sample)


def _add_evaluate(evaluate: argparse.ArgumentParser) -> None:
    evaluate.add_argument(
        "folder", type=Path, metavar="FOLDER", help="where evaluation.json and the images go"
    )
    _add_render_arguments(evaluate, seeds="1-2")

    evaluate.add_argument(
        "--with",
        dest="versions",
        type=Path,
        action="append",
        required=True,
        metavar="RUN_DIR|ADAPTER",
        help="a finished run or an adapter file; several are compared with one base",
    )
    evaluate.add_argument(
        "--by",
        dest="scorers",
        action="append",
        default=[],
        metavar="NAME=PATH",
        help="also score all images, such as clip=FOLDER or implicit=RUN_DIR; see score --by",
    )
    evaluate.set_defaults(run=run_evaluate)


def _add_score(score: argparse.ArgumentParser) -> None:
    score.add_argument("folder", type=Path, metavar="FOLDER", help="holds the images")

    score.add_argument(
        "--by",
        choices=SCORERS,
        required=True,
        help="; ".join(f"{name}: {meaning}" for name, meaning in SCORERS.items()),
    )
    score.add_argument(
        "--with",
        dest="weights",
        type=Path,
        metavar="PATH",
        help="what the scorer needs: a run folder, a preference model (JSON) or a weights folder",
    )
    score.add_argument(
        "--prompt", default="", help="the prompt of images without a .txt file beside them"
    )
    score.set_defaults(run=run_score)


def main(given: Sequence[str] | None = None, prog: str = "python -m align") -> int:
    """Run one command and return the exit code; print an expected error as one sentence."""
    # Read when transformers is imported: without torchvision it says so at length each time.
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

    arguments, name = parser(prog).parse_args(given), prog.split()[-1]
    command: Callable[[argparse.Namespace], None] = arguments.run
    try:
        command(arguments)
    except AlignError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
    except Exception as error:
        if not is_disk_full(error):
            raise
        print(f"{name}: The disk is full. Free some space and try again.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
