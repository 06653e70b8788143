"""Write what says again what the code says: tables in docs/, and the types of the page's scripts.

python docs/generate.py            write them
python docs/generate.py --check    exit with 1 where a file is stale

A generated part stands between `<!-- generated: NAME -->` and `<!-- end -->`; the rest of a page is
written by hand.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import MISSING, Field, fields
from enum import StrEnum
from pathlib import Path
from types import UnionType
from typing import (
    Any,
    Literal,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

DOCS = Path(__file__).resolve().parent
if __name__ == "__main__":
    sys.path.insert(0, str(DOCS.parent))

from documents import about, collect, field_docs, is_object, key_docs, required_keys
from script_types import script_types

from align.client.architectures.families import ARCHITECTURES
from align.client.config import PRESETS, TrainConfig
from align.client.objectives import OBJECTIVES
from align.contracts.evaluation_files import EvaluationFile
from align.contracts.image_references import ImageReference
from align.contracts.run_files import MetricsRow, RunStatus, SettledSettings
from align.contracts.run_samples import RunSamples
from align.contracts.run_timing import Measured, RunTiming
from align.contracts.snapshot_files import PairRow, SnapshotManifest
from annotate.console import CONSOLE
from annotate.web.api import Endpoints
from annotate.web.permissions import ACTOR_PARAMETER, ENDPOINTS
from app import Settings
from storage.tables.people import Role

SCRIPT_TYPES = DOCS.parent / "annotate" / "web" / "static" / "server.d.ts"
PART = re.compile(r"<!-- generated: (\w+) -->\n.*?<!-- end -->", re.DOTALL)


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table."""
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in lines
    )


def settings_table() -> str:
    """Return a row for each setting of a run: default, what is allowed, what it means."""
    docs = field_docs(TrainConfig)
    rows = [
        (f"`{each.name}`", shown(each.default), allowed(each), docs[each.name])
        for each in fields(TrainConfig)
    ]
    return table(("setting", "default", "allowed", "meaning"), rows)


def allowed(field: Field[Any]) -> str:
    """Return the values that a setting takes, in words."""
    if choices := field.metadata.get("choices"):
        return ", ".join(f"`{choice}`" for choice in choices)
    if field.metadata.get("text"):
        return "a text"
    return f"{shown(field.metadata['low'])} to {shown(field.metadata['high'])}"


def shown(value: object) -> str:
    """Return a value as a person writes it."""
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def presets_table() -> str:
    """Return what each preset sets otherwise than the defaults."""
    names = [
        each.name
        for each in fields(TrainConfig)
        if any(getattr(preset, each.name) != each.default for preset in PRESETS.values())
    ]
    rows = [
        (f"`{name}`", *(shown(getattr(each, name)) for each in PRESETS.values())) for name in names
    ]
    return table(("setting", *(f"preset `{name}`" for name in PRESETS)), rows)


def objectives_table() -> str:
    """Return the objectives by name, with their titles and sources."""
    rows = [(f"`{name}`", each.title, each.source) for name, each in OBJECTIVES.items()]
    return table(("objective", "title", "source"), rows)


def kinds_table() -> str:
    """Return the architectures that are told apart and refused: what each is, and what to do."""
    rows = [
        (each.name, each.what, each.advice)
        for each in sorted(ARCHITECTURES, key=lambda each: each.name.casefold())
        if each.what and not each.opens
    ]
    return table(("kind", "what it is", "what to do"), rows)


def endpoints_table() -> str:
    """Return a row for each endpoint: its parameters, what it does, who may call it."""
    rows = []
    for name, function in endpoints().items():
        who = "everybody" if ENDPOINTS.get(name) is Role.LABELER else "admins"
        rows.append((f"`/{name}({parameters(function)})`", inspect.getdoc(function) or "", who))
    return table(
        ("endpoint", "does", "for"), [[" ".join(cell.split()) for cell in row] for row in rows]
    )


def endpoints() -> dict[str, Callable[..., Any]]:
    """Return the endpoints by name, as the table of permissions orders them."""
    return {name: getattr(Endpoints, name) for name in ENDPOINTS}


def parameters(function: Callable[..., Any]) -> str:
    """Return the parameters that a program may give, with their defaults."""
    told = []
    for each in inspect.signature(function).parameters.values():
        if each.name not in ("self", ACTOR_PARAMETER):
            default = each.default
            told.append(each.name if default is each.empty else f"{each.name}={default!r}")
    return ", ".join(told)


def answers_table() -> str:
    """Return a row for each endpoint: what it answers, with links to the objects."""
    rows = [(f"`/{name}`", in_words(answer)) for name, answer in answers().items()]
    return table(("endpoint", "answers"), rows)


def objects() -> str:
    """Return a section for each object that is in an answer, with its keys."""
    found: dict[str, type] = {}
    for answer in answers().values():
        collect(answer, found)
    return "\n\n".join(keys_of(found[name]) for name in sorted(found))


def file_sections(*contents: Any) -> str:
    """Return a section for each object that is in a file, with its keys, the outermost first."""
    found: dict[str, type] = {}
    for content in contents:
        collect(content, found)
    return "\n\n".join(map(keys_of, found.values()))


def answers() -> dict[str, Any]:
    """Return the type of each endpoint's answer."""
    return {name: get_type_hints(function)["return"] for name, function in endpoints().items()}


def keys_of(view: type) -> str:
    """Return a section on an object: what it is, and each key with its type and meaning."""
    docs, required = key_docs(view), required_keys(view)
    rows = [
        (
            f"`{key}`{'' if key in required else ' (may be missing)'}",
            in_words(inner),
            docs.get(key, ""),
        )
        for key, inner in get_type_hints(view).items()
    ]
    return f"### {view.__name__}\n\n{about(view)}\n\n{table(('key', 'value', 'meaning'), rows)}"


def in_words(kind: Any) -> str:
    """Return a type as a reader of JSON names it, with links to the objects."""
    origin, inner = get_origin(kind), get_args(kind)
    if is_object(kind):
        return f"[{kind.__name__}](#{kind.__name__.lower()})"
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return " or ".join(f"`{json.dumps(each)}`" for each in kind)
    if origin is Literal:
        return " or ".join(f"`{json.dumps(each)}`" for each in inner)
    if origin in (Union, UnionType):
        return " or ".join(in_words(each) for each in inner)
    if origin is tuple and ... not in inner:
        return f"[{', '.join(in_words(each) for each in inner)}]"
    if origin is dict:
        return f"object of {in_words(inner[1])} by name" if inner[1] is not Any else "object"
    if origin is not None:
        return f"list of {in_words(inner[0])}"
    return JSON_NAMES.get(kind, "value")


JSON_NAMES = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    type(None): "null",
}
"""What readers of JSON call the types of Python."""


def flags_table() -> str:
    """Return the flags of `python app.py`, which are those of `palate serve`."""
    docs = field_docs(Settings)
    rows = []
    for each in fields(Settings):
        default = "" if each.default in (None, "", (), MISSING) else f"`{each.default}`"
        rows.append((f"`--{each.name.replace('_', '-')}`", default, docs[each.name]))
    return table(("flag", "default", "meaning"), rows)


PARTS = {
    "settings": settings_table,
    "presets": presets_table,
    "objectives": objectives_table,
    "kinds": kinds_table,
    "endpoints": endpoints_table,
    "answers": answers_table,
    "objects": objects,
    "run_files": lambda: file_sections(
        RunStatus, MetricsRow, SettledSettings, RunTiming, Measured, RunSamples
    ),
    "snapshot_files": lambda: file_sections(SnapshotManifest, PairRow, ImageReference),
    "evaluation_file": lambda: file_sections(EvaluationFile),
    "flags": flags_table,
    "console": lambda: f"```\n{CONSOLE}```",
}


def renewed(text: str) -> str:
    """Return a page with its generated parts as the code has them now."""
    return PART.sub(
        lambda part: f"<!-- generated: {part[1]} -->\n{PARTS[part[1]]()}\n<!-- end -->", text
    )


def stale() -> dict[Path, str]:
    """Return the pages that the code has outgrown, and what they should be."""
    pages = {path: path.read_text(encoding="utf-8") for path in sorted(DOCS.glob("*.md"))}
    found = {path: new for path, old in pages.items() if (new := renewed(old)) != old}
    if SCRIPT_TYPES.read_text(encoding="utf-8") != (types := script_types()):
        found[SCRIPT_TYPES] = types
    return found


def main() -> int:
    """Write or check the generated parts; return the exit code."""
    found = stale()
    for path, text in found.items():
        if "--check" not in sys.argv:
            path.write_text(text, encoding="utf-8")
        print(
            f"{path.relative_to(DOCS.parent)} {'is stale' if '--check' in sys.argv else 'written'}"
        )
    return 1 if found and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
