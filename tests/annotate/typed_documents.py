"""Compare a JSON value with the type that is declared for it, TypedDicts to the last key."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import (
    Any,
    Literal,
    NotRequired,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

PLAIN = {str: (str,), int: (int,), float: (int, float), bool: (bool,), type(None): (type(None),)}


def misfits(value: Any, hint: Any, where: str = "answer") -> list[str]:
    """Return a sentence for each part of a JSON value that its declared type does not allow."""
    return list(_misfits(value, hint, where))


def _misfits(value: Any, hint: Any, where: str) -> Iterator[str]:
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return
    if is_typeddict(hint):
        yield from _document_misfits(value, hint, where)
    elif origin is NotRequired:
        yield from _misfits(value, arguments[0], where)
    elif origin in (Union, types.UnionType):
        if all(misfits(value, each, where) for each in arguments):
            yield f"{where} is {value!r}, and none of {hint}"
    elif origin is Literal:
        if value not in arguments:
            yield f"{where} is {value!r}, and none of {arguments}"
    elif origin is tuple:
        # JSON knows no tuples: they arrive as lists.
        if not isinstance(value, list | tuple) or len(value) != len(arguments):
            yield f"{where} is {value!r}, and no {hint}"
            return
        for index, (each, its_hint) in enumerate(zip(value, arguments, strict=True)):
            yield from _misfits(each, its_hint, f"{where}[{index}]")
    elif origin is dict:
        if not isinstance(value, dict):
            yield f"{where} is {value!r}, and no {hint}"
            return
        for key, each in value.items():
            yield from _misfits(each, arguments[1], f"{where}[{key!r}]")
    elif isinstance(origin, type):
        # A list, or a sequence of another name.
        if not isinstance(value, list | tuple):
            yield f"{where} is {value!r}, and no {hint}"
            return
        for index, each in enumerate(value):
            yield from _misfits(each, arguments[0], f"{where}[{index}]")
    elif not isinstance(value, PLAIN[hint]) or (hint is not bool and isinstance(value, bool)):
        yield f"{where} is {value!r}, and no {hint.__name__}"


def _document_misfits(value: Any, hint: Any, where: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{where} is {value!r}, and no {hint.__name__}"
        return
    hints = get_type_hints(hint, include_extras=True)
    if missing := hint.__required_keys__ - value.keys():
        yield f"{where} lacks {sorted(missing)} of {hint.__name__}"
    for key, each in value.items():
        if key in hints:
            yield from _misfits(each, hints[key], f"{where}.{key}")
        else:
            yield f"{where} holds {key!r}, which {hint.__name__} does not name"
