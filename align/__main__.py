"""Train, export and serve from the command line, with no app and no database.

python -m align train RUN_DIR [--dry-run]           train the run in a folder, or only say how
python -m align export RUN_DIR FILE --form kohya    an adapter for ComfyUI, A1111 or Forge
python -m align sample FOLDER --prompts FILE --with RUN_DIR  draw prompts with what a run made
python -m align check FILE [TARGET]                 take in a LoRA or a tuned model from elsewhere
python -m align score FOLDER --by implicit --with RUN_DIR   rank pictures, best first
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from align.errors import AlignError, InvalidSettings, says_disk_full
from align.launch import lower_priority
from align.models import describe_model
from align.session import plan_of_folder, train_folder
from align.turns import Turns

SCORERS = {
    "implicit": "what a run learned, on fixed draws (--with RUN_DIR)",
    "taste": "a taste fitted on votes (--with TASTE.json)",
    "pickscore": "PickScore or another CLIP with a logit scale (--with FOLDER)",
    "clip": "how well a picture fits its prompt, by CLIP (--with FOLDER)",
    "aesthetic": "the LAION aesthetic predictor (--with FOLDER)",
}
FORMS = {
    "diffusers": "a file for load_lora_weights",
    "kohya": "a file for ComfyUI, A1111, Forge and diffusers",
    "merged": "a pipeline folder with the adapter in its weights",
}


def parser() -> argparse.ArgumentParser:
    """The command line."""
    root = argparse.ArgumentParser(
        prog="python -m align",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = root.add_subparsers(dest="command", required=True)
    _add_train(commands.add_parser("train", help="train the run in a folder"))
    _add_export(commands.add_parser("export", help="write an adapter for other programs"))
    _add_score(commands.add_parser("score", help="rank the pictures of a folder"))
    _add_sample(commands.add_parser("sample", help="draw pictures of prompts into a folder"))
    _add_check(commands.add_parser("check", help="say whether a LoRA or a tuned model fits"))
    serve = commands.add_parser("serve", help="draw pictures on request (the app starts this)")
    serve.set_defaults(run=run_serve)
    return root


def _add_train(train: argparse.ArgumentParser) -> None:
    train.add_argument(
        "run_dir", type=Path, metavar="RUN_DIR", help="holds config.json and snapshot/"
    )
    train.add_argument("--dry-run", action="store_true", help="print the plan as JSON and stop")
    train.add_argument(
        "--turns",
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


def _add_export(export: argparse.ArgumentParser) -> None:
    export.add_argument(
        "source", type=Path, metavar="RUN_DIR|ADAPTER", help="a finished run or an adapter file"
    )
    export.add_argument("target", type=Path, metavar="TARGET", help="file or folder to write")
    forms = "; ".join(f"{name}: {meaning}" for name, meaning in FORMS.items())
    export.add_argument("--form", choices=FORMS, default="kohya", help=f"{forms} (%(default)s)")
    export.add_argument("--precision", choices=("fp16", "fp32"), default="fp16")
    export.add_argument(
        "--model", metavar="NAME_OR_PATH", help="the adapter's base, where no run folder names it"
    )
    export.set_defaults(run=run_export)


def _add_check(check: argparse.ArgumentParser) -> None:
    check.add_argument(
        "source", type=Path, metavar="FILE|FOLDER", help="a LoRA file or a tuned pipeline's folder"
    )
    check.add_argument(
        "target", type=Path, nargs="?", metavar="TARGET", help="write it here in diffusers' form"
    )
    check.add_argument("--model", metavar="NAME_OR_PATH", help="the base that it should fit")
    check.set_defaults(run=run_check)


def _add_sample(sample: argparse.ArgumentParser) -> None:
    sample.add_argument("folder", type=Path, metavar="FOLDER", help="where the pictures go")
    sample.add_argument(
        "--prompts", type=Path, required=True, metavar="FILE", help="a text file, one a line"
    )
    sample.add_argument("--seeds", default="1-4", help="such as 1,2 or 1-4 (%(default)s)")
    sample.add_argument(
        "--with",
        dest="source",
        type=Path,
        metavar="RUN_DIR|ADAPTER",
        help="a finished run or an adapter file; without it the base alone draws",
    )
    sample.add_argument("--model", metavar="NAME_OR_PATH", help="the base, where no run names it")
    sample.set_defaults(run=run_sample)


def _add_score(score: argparse.ArgumentParser) -> None:
    score.add_argument("folder", type=Path, metavar="FOLDER", help="holds the pictures")
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
        help="what the scorer needs: a run folder, a taste's JSON file or a folder of weights",
    )
    score.add_argument(
        "--prompt", default="", help="the prompt of pictures without a .txt file beside them"
    )
    score.set_defaults(run=run_score)


def run_train(arguments: argparse.Namespace) -> None:
    """Train a run folder, or print what that would be."""
    if arguments.dry_run:
        print(json.dumps(plan_of_folder(arguments.run_dir), indent=1, ensure_ascii=False))
        return
    lower_priority()
    train_folder(arguments.run_dir, Turns(arguments.turns), arguments.cache)


def run_export(arguments: argparse.Namespace) -> None:
    """Write an adapter in another form."""
    from align.export import export  # noqa: PLC0415  torch takes seconds to import
    from align.pipeline import quiet_libraries  # noqa: PLC0415

    quiet_libraries()
    model = describe_model(arguments.model) if arguments.model else None
    form, precision = arguments.form, arguments.precision
    print(export(arguments.source, arguments.target, form, precision=precision, model=model))


def run_check(arguments: argparse.Namespace) -> None:
    """Print what a LoRA or a tuned model is, as JSON, once it is found to fit."""
    from align.adopt import adopt  # noqa: PLC0415  torch takes seconds to import
    from align.pipeline import quiet_libraries  # noqa: PLC0415

    quiet_libraries()
    facts = adopt(arguments.source, describe_model(arguments.model), arguments.target)
    print(json.dumps(facts))


def run_sample(arguments: argparse.Namespace) -> None:
    """Draw prompts into a folder, telling on stderr how far it is."""
    from align.pipeline import quiet_libraries  # noqa: PLC0415  torch takes seconds to import
    from align.sampling import parse_seeds, sample  # noqa: PLC0415

    quiet_libraries()
    seeds = parse_seeds(arguments.seeds)
    try:
        lines = arguments.prompts.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSettings(f"{arguments.prompts} cannot be read: {error}.") from None
    prompts = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    model = describe_model(arguments.model) if arguments.model else None
    started = time.monotonic()

    def tell(done: int, of: int) -> None:
        left = (time.monotonic() - started) / done * (of - done)
        print(f"\r{done} of {of} drawn, {left:.0f} s left ", end="", file=sys.stderr, flush=True)

    sample(arguments.folder, prompts, seeds, source=arguments.source, model=model, on_picture=tell)
    print(file=sys.stderr)
    print(arguments.folder / "grid.png")


def run_score(arguments: argparse.Namespace) -> None:
    """Print a score, a tab and the name of every picture, best first."""
    from align.device import choose_compute  # noqa: PLC0415  torch takes seconds to import
    from align.pipeline import quiet_libraries  # noqa: PLC0415
    from align.scoring import open_scorer, score_folder  # noqa: PLC0415

    quiet_libraries()
    scorer = open_scorer(arguments.by, arguments.weights, choose_compute())
    for scored in score_folder(scorer, arguments.folder, arguments.prompt):
        print(f"{scored.score:.4f}\t{scored.picture}")


def run_serve(_: argparse.Namespace) -> None:
    """Draw pictures for an app."""
    from align.serve import serve  # noqa: PLC0415  torch takes seconds to import

    serve()


def main() -> int:
    """Run one command; errors we know end in one sentence."""
    # Read when transformers is imported: without torchvision it says so at length each time.
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    arguments = parser().parse_args()
    command: Callable[[argparse.Namespace], None] = arguments.run
    try:
        command(arguments)
    except AlignError as error:
        print(f"align: {error}", file=sys.stderr)
        return 1
    except Exception as error:
        if not says_disk_full(error):
            raise
        print("align: The disk is full. Free some space and try again.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
