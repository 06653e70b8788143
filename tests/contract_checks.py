"""Comparison of a JSON value with the TypedDict or dataclass that describes it."""

from __future__ import annotations

import types
from collections.abc import Sequence
from dataclasses import is_dataclass
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    Required,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)
from typing import is_typeddict as is_typed_dict


def departures(value: Any, contract: Any, at: str = "") -> list[str]:
    """Return where a value has other keys or types than its contract, in words."""
    origin, parts = get_origin(contract), get_args(contract)
    if contract is Any:
        return []
    if origin in (Annotated, NotRequired, Required):
        return departures(value, parts[0], at)
    if origin in (Union, types.UnionType):
        found = [departures(value, part, at) for part in parts]
        return [] if [] in found else min(found, key=len)
    if origin is Literal:
        return [] if value in parts else [f"{at} is {value!r}"]
    if is_typed_dict(contract) or is_dataclass(contract):
        return _of_fields(value, contract, at)
    if origin is dict:
        inside = value.items() if isinstance(value, dict) else [("", None)]
        return [d for key, one in inside for d in departures(one, parts[1], f"{at}[{key!r}]")]
    if origin in (list, tuple, Sequence) and isinstance(value, list):
        each = [parts[0]] * len(value) if origin is not tuple or parts[-1] is ... else parts
        if len(each) != len(value):
            return [f"{at} has {len(value)} items"]
        pairs = zip(value, each, strict=True)
        return [
            d for n, (one, kind) in enumerate(pairs) for d in departures(one, kind, f"{at}[{n}]")
        ]
    return _of_type(value, contract, at)


def _of_fields(value: Any, contract: Any, at: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{at} is no object but {value!r}"]
    hints = get_type_hints(contract, include_extras=True)
    required = getattr(contract, "__required_keys__", hints.keys())
    missing = [f"{at} lacks {key}" for key in sorted(required - value.keys())]
    strays = [f"{at} has {key}" for key in sorted(value.keys() - hints.keys())]
    known = value.keys() & hints.keys()
    return [
        *missing,
        *strays,
        *(d for key in sorted(known) for d in departures(value[key], hints[key], f"{at}.{key}")),
    ]


def _of_type(value: Any, contract: Any, at: str) -> list[str]:
    contract = type(None) if contract is None else contract
    if contract is float:
        fits = isinstance(value, int | float) and not isinstance(value, bool)
    elif contract is int:
        fits = isinstance(value, int) and not isinstance(value, bool)
    elif isinstance(contract, type) and issubclass(contract, str):
        fits = isinstance(value, str) and (contract is str or value in list(contract))
    else:
        fits = isinstance(contract, type) and isinstance(value, contract)
    return [] if fits else [f"{at} is {value!r}, no {contract}"]
