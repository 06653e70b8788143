"""Make the embedded model again, from the pictures on.

python -m align.emoji all --work DIR           every stage in turn; stages that are done are quick
python -m align.emoji data --work DIR          fetch openly licensed emoji and draw them
python -m align.emoji autoencoder --work DIR   train the autoencoder
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from align.emoji.autoencoder import train_autoencoder
from align.emoji.prepare import prepare
from align.emoji.settings import Settings, read_settings
from align.emoji.sources import REGISTRY
from align.errors import AlignError

Stage = Callable[[Path, Settings], None]


def parser() -> argparse.ArgumentParser:
    """The command line."""
    root = argparse.ArgumentParser(
        prog="python -m align.emoji",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    root.add_argument("command", choices=("data", "autoencoder"))
    root.add_argument("--work", type=Path, required=True, metavar="DIR")
    root.add_argument("--registry", default=REGISTRY)
    return root


def main() -> int:
    """Run one command; errors we know end in one sentence."""
    arguments = parser().parse_args()
    try:
        settings = read_settings(arguments.work)
        if arguments.command == "data":
            prepare(arguments.work, settings.data, arguments.registry)
        else:
            train_autoencoder(arguments.work, settings)
    except AlignError as error:
        print(f"emoji: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
