"""What the code says of its documents: the keys of an object, and the docstrings below them."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Collection
from dataclasses import is_dataclass
from typing import Annotated, Any, get_args, get_origin, get_type_hints, is_typeddict

from align.contracts.run_settings import field_docs


def key_docs(view: type) -> dict[str, str]:
    """Return what is said of each key of an object, those of its bases included."""
    docs = {key: text for each in with_bases(view) for key, text in field_docs(each).items()}
    # Keys that are no names in Python have their meaning beside their type.
    hints = get_type_hints(view, include_extras=True)
    annotated = {key: each for key, each in hints.items() if get_origin(each) is Annotated}
    return docs | {key: each.__metadata__[0] for key, each in annotated.items()}


def required_keys(view: Any) -> Collection[str]:
    """Return the keys that an object always has."""
    return get_type_hints(view).keys() if is_dataclass(view) else view.__required_keys__


def with_bases(view: type) -> list[type]:
    """Return a TypedDict after those that it adds keys to, which it forgets at run time."""
    try:
        (node,) = ast.parse(inspect.getsource(view)).body
    except OSError:
        # It is made by a call, for keys that are no names in Python.
        return []
    assert isinstance(node, ast.ClassDef)
    names = vars(sys.modules[view.__module__])
    bases = [names.get(ast.unparse(base)) for base in node.bases]
    return [*(above for base in bases if is_typeddict(base) for above in with_bases(base)), view]


def collect(answer: Any, found: dict[str, type]) -> None:
    """Add every object in a type, and in the types of its keys, to those that were found."""
    if is_object(answer) and answer.__name__ not in found:
        found[answer.__name__] = answer
        for inner in get_type_hints(answer).values():
            collect(inner, found)
    for inner in get_args(answer):
        collect(inner, found)


def is_object(kind: Any) -> bool:
    """Return whether a type is written as a JSON object with keys of its own."""
    return is_typeddict(kind) or is_dataclass(kind)


def about(owner: type) -> str:
    """Return a class's docstring on one line."""
    return " ".join((inspect.getdoc(owner) or "").split())
