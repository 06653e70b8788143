"""Base of the objects of a JSON file, and the sentence that names the first field that is wrong."""

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError, model_validator

TYPES = {"string_type": "str", "int_type": "int", "bool_type": "bool"}
PLACES = TYPES | {"list_type": "list", "dict_type": "dict", "float_type": "a number"}
"""What should stand in a field, by the type of pydantic's error."""
OBJECT_ERRORS = ("model_type", "model_attributes_type")


def _finite(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None


Number = Annotated[float | None, AfterValidator(_finite)]
"""A number; None for one that is missing or not finite."""


class Fields(BaseModel):
    """An object whose fields have types; unknown fields are ignored, and null is a missing one."""

    model_config = ConfigDict(frozen=True, strict=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        return {name: field for name, field in value.items() if field is not None}


def first_problem(error: ValidationError) -> str:
    """Return a sentence on the first field that cannot be used, with its path and its value."""
    found = error.errors(include_url=False)[0]
    *around, last = found["loc"] or ("",)
    kind, value = found["type"], found["input"]
    if kind == "missing":
        return f"{_path(around)} lacks {last!r}."
    if kind in OBJECT_ERRORS:
        return f"{_path(found['loc'])} must be an object, not {value!r:.80}."
    if kind == "value_error":
        # The text names the place with braces.
        return str(found["ctx"]["error"]).replace("{}", _path(found["loc"]), 1)

    verb = "must hold" if kind in TYPES and isinstance(last, int) else "must be"
    return f"{_field(found['loc'])} {verb} {PLACES.get(kind, found['msg'])}, not {value!r:.80}."


def _path(place: Sequence[int | str]) -> str:
    """Return a place in the file as in checks[0]; the whole file is called it."""
    text = ""
    for step in place:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text or "it"


def _field(place: Sequence[int | str]) -> str:
    """Return the name of a field; of an item that is no object, the name of its list."""
    named = list(place)
    while named and isinstance(named[-1], int):
        named.pop()
    return _path(["it", *named] if len(named) == 1 else named)
