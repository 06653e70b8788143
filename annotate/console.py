"""The console command `palate`: one name for every command of the project."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module, metadata

CONSOLE = """usage: palate COMMAND ...          palate COMMAND --help says more

palate serve --images ~/images                     label, fine-tune, compare, judge in a browser
palate train studio/runs/r0001                     train a run folder, or from files (--data FILES)
palate sample out --prompts FILE --with RUN_DIR    render prompts with what a run made
palate evaluate out --prompts FILE --with RUN_DIR  check a version beside its base
palate score out --by implicit --with RUN_DIR      rank the images of a folder, best first
palate export RUN_DIR cats.safetensors             write an adapter for ComfyUI, A1111 and others
palate send RUN_DIR ~/ComfyUI                      write it where another program finds LoRAs
palate import lora.safetensors mine.safetensors    check a LoRA or a tuned model, and convert it
palate report out                                  write an evaluation as HTML and as Markdown
palate data import FILE --home studio              bring votes in; also export, backup, merge
palate people add ada --role admin                 let somebody sign in while the app is stopped
palate emoji all --work DIR                        make the embedded model again
"""
COMMANDS = {
    "serve": ("app:main", "palate serve"),
    "train": ("align.__main__:main", "palate"),
    "sample": ("align.__main__:main", "palate"),
    "evaluate": ("align.__main__:main", "palate"),
    "score": ("align.__main__:main", "palate"),
    "export": ("align.__main__:main", "palate"),
    "send": ("align.__main__:main", "palate"),
    "import": ("align.__main__:main", "palate"),
    "report": ("annotate.__main__:main", "palate"),
    "data": ("storage.__main__:main", "palate data"),
    "people": ("annotate.__main__:main", "palate"),
    "emoji": ("align.emoji.__main__:run_stoppable", "palate emoji"),
}
"""The commands of `palate`: a function by name, and what its help calls it.

Named, not imported: torch takes seconds, and most commands do without it."""
TRAIN_FROM_FILES = ("storage.commands.train:main", "palate train")
"""What `palate train --data` starts: it takes no run folder, but makes one."""


def palate(arguments: Sequence[str] | None = None) -> int:
    """Run one command of the `palate` console command; return the exit code."""
    argv = list(sys.argv[1:] if arguments is None else arguments)
    command = argv[0] if argv else "--help"
    if command in ("-h", "--help"):
        print(CONSOLE, end="")
        return 0
    if command == "--version":
        print(f"palate {metadata.version('palate')}")
        return 0
    if command not in COMMANDS:
        known = ", ".join(COMMANDS)
        print(f"palate: There is no command {command!r}. Known ones: {known}.", file=sys.stderr)
        return 2

    from_files = command == "train" and any(word.split("=")[0] == "--data" for word in argv)
    named, prog = TRAIN_FROM_FILES if from_files else COMMANDS[command]
    module, function = named.split(":")
    # A parser with several commands still has to be told which one; one of its own takes the rest.
    passed_on = argv[1:] if prog.endswith(command) else argv
    code: int = getattr(import_module(module), function)(passed_on, prog)
    return code
