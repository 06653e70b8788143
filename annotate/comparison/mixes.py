"""What draws an image, as a person writes it: "v2", "v2@0.5", "v1@0.5+v2@0.5"."""

import re
from dataclasses import dataclass

from annotate.errors import InvalidRequest

LEAST_COLUMNS, MOST_COLUMNS = 2, 6

BASE = "base"
STRONGEST = 2.0
MOST_PARTS = 4
DIGITS = 3
WEIGHT = re.compile(r"\d{1,3}(\.\d{1,9})?|\.\d{1,9}")
EXAMPLES = 'Write it like "v2", "v2@0.5" or "v1@0.5+v2@0.5"'


@dataclass(frozen=True, slots=True)
class Mix:
    """Versions added up by weight, each once; without any it is the untuned model."""

    parts: tuple[tuple[str, float], ...]

    @property
    def name(self) -> str:
        """The one way to write it: equal mixes have equal names."""
        if not self.parts:
            return BASE
        return "+".join(
            version if weight == 1 else f"{version}@{weight:g}" for version, weight in self.parts
        )


def parse_mix(text: object) -> Mix:
    """Return what a specification means; a version without a weight has weight 1.

    Raises InvalidRequest. Whether there are such versions is not looked at.
    """
    if not isinstance(text, str) or not text.strip():
        raise InvalidRequest(f"A column must be a text, not {text!r}. {EXAMPLES}.")
    if text.strip() == BASE:
        return Mix(())
    weights: dict[str, float] = {}
    for part in text.split("+"):
        version, weight = _parse_part(part, text)
        weights[version] = round(weights.get(version, 0.0) + weight, DIGITS)
    if len(weights) > MOST_PARTS:
        raise InvalidRequest(
            f"{text!r} mixes {len(weights)} versions, and {MOST_PARTS} at once are possible."
        )
    if too_strong := [version for version, weight in weights.items() if weight > STRONGEST]:
        raise _not_a_strength(f"{weights[too_strong[0]]:g}", text)
    return Mix(tuple((name, weights[name]) for name in sorted(weights) if weights[name]))


def _parse_part(part: str, text: str) -> tuple[str, float]:
    version, at, strength = (word.strip() for word in part.partition("@"))
    if not version:
        raise InvalidRequest(f"A version is missing in {text!r}. {EXAMPLES}.")
    if version == BASE:
        raise InvalidRequest(
            f"{text!r} gives the base a strength or mixes it in; it is what the others are added "
            "to. Write base alone."
        )
    if not at:
        return version, 1.0
    if not WEIGHT.fullmatch(strength):
        raise _not_a_strength(strength, text)
    return version, float(strength)


def _not_a_strength(strength: str, text: str) -> InvalidRequest:
    return InvalidRequest(
        f"{strength!r} in {text!r} is no strength from 0 to {STRONGEST:g}. {EXAMPLES}."
    )


def as_mixes(columns: object) -> list[Mix]:
    """Return what draws each column."""
    if not isinstance(columns, list | tuple) or not LEAST_COLUMNS <= len(columns) <= MOST_COLUMNS:
        told = f"not {len(columns)}" if isinstance(columns, list | tuple) else "as a list"
        raise InvalidRequest(
            f"Choose {LEAST_COLUMNS} to {MOST_COLUMNS} versions to compare, {told}, such as base "
            "and v1. A fine-tune makes the first one."
        )
    return [parse_mix(column) for column in columns]
