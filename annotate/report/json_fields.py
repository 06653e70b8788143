"""Typed access to the fields of a JSON object, with errors that name the field."""

import math
from collections.abc import Mapping
from typing import TypeVar

T = TypeVar("T")


class InvalidField(Exception):
    """A field that cannot be used; its text names the field and the value."""


def is_count(value: object) -> bool:
    """Return whether a value is an integer of 0 or more."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def as_number(value: object, name: str) -> float | None:
    """Return a number; None for none and for one that is not finite. Raises InvalidField."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidField(f"{name} must be a number, not {value!r:.80}.")
    return float(value) if math.isfinite(value) else None


class JsonObject:
    """One JSON object, whose fields are read with a type; every method raises InvalidField."""

    def __init__(self, value: object, name: str) -> None:
        if not isinstance(value, Mapping):
            raise InvalidField(f"{name or 'it'} must be an object, not {value!r:.80}.")
        self._value, self.name = value, name or "it"

    def get(self, key: str, kind: type[T]) -> T | None:
        """Return a field of a type; None if it is missing or null."""
        value = self._value.get(key)
        if value is None:
            return None
        # bool is a subclass of int, and true is no number.
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise InvalidField(f"{self.name}.{key} must be {kind.__name__}, not {value!r:.80}.")
        return value

    def need(self, key: str, kind: type[T]) -> T:
        """Return a field of a type that must not be missing."""
        value = self.get(key, kind)
        if value is None:
            raise InvalidField(f"{self.name} lacks {key!r}.")
        return value

    def number(self, key: str) -> float | None:
        """Return a number; None if it is missing or not finite."""
        return as_number(self._value.get(key), f"{self.name}.{key}")

    def object(self, key: str) -> "JsonObject":
        """Return an object; an empty one if it is missing."""
        return JsonObject(self.get(key, dict) or {}, key)

    def objects(self, key: str) -> list["JsonObject"]:
        """Return a list of objects; empty if it is missing."""
        return [JsonObject(v, f"{key}[{i}]") for i, v in enumerate(self.get(key, list) or [])]

    def items(self, key: str, kind: type[T]) -> list[T]:
        """Return a list of values of a type; empty if it is missing."""
        values: list[T] = self.get(key, list) or []
        for value in values:
            if not isinstance(value, kind) or isinstance(value, bool):
                raise InvalidField(
                    f"{self.name}.{key} must hold {kind.__name__}, not {value!r:.80}."
                )
        return values
