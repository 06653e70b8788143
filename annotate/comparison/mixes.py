"""Mixes of versions as a person writes them: "v2", "v2@0.5", "v1@0.5+v2@0.5"."""

import re
from dataclasses import dataclass

from annotate.errors import InvalidRequest

MIN_COLUMNS, MAX_COLUMNS = 2, 6
BASE = "base"
MAX_WEIGHT = 2.0
MAX_VERSIONS = 4
WEIGHT_DIGITS = 3
"""Weights are rounded to this, so that equal mixes share their images."""
WEIGHT_PATTERN = re.compile(r"\d{1,3}(\.\d{1,9})?|\.\d{1,9}")
EXAMPLES = 'Write it like "v2", "v2@0.5" or "v1@0.5+v2@0.5"'


@dataclass(frozen=True, slots=True)
class Mix:
    """Versions added up by weight, each once; without any it is the untuned model."""

    parts: tuple[tuple[str, float], ...]

    @property
    def name(self) -> str:
        """Return the canonical way to write it: equal mixes have equal names."""
        if not self.parts:
            return BASE
        return "+".join(
            version if weight == 1 else f"{version}@{weight:g}" for version, weight in self.parts
        )


def parse_mix(text: object) -> Mix:
    """Parse the text of a mix; a version without a weight has weight 1.

    Raises InvalidRequest. The versions need not exist.
    """
    if not isinstance(text, str) or not text.strip():
        raise InvalidRequest(f"A column must be a text, not {text!r}. {EXAMPLES}.")
    if text.strip() == BASE:
        return Mix(())

    weights: dict[str, float] = {}
    for part in text.split("+"):
        version, weight = _parse_part(part, text)
        weights[version] = round(weights.get(version, 0.0) + weight, WEIGHT_DIGITS)

    if len(weights) > MAX_VERSIONS:
        raise InvalidRequest(
            f"{text!r} mixes {len(weights)} versions, and {MAX_VERSIONS} at once are possible."
        )
    if too_strong := [version for version, weight in weights.items() if weight > MAX_WEIGHT]:
        raise _not_a_strength(f"{weights[too_strong[0]]:g}", text)
    # Sorted and without zeros, so that equal mixes are equal objects.
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
    if not WEIGHT_PATTERN.fullmatch(strength):
        raise _not_a_strength(strength, text)
    return version, float(strength)


def _not_a_strength(strength: str, text: str) -> InvalidRequest:
    return InvalidRequest(
        f"{strength!r} in {text!r} is no strength from 0 to {MAX_WEIGHT:g}. {EXAMPLES}."
    )


def as_mixes(columns: object) -> list[Mix]:
    """Parse the mix of each column; raises InvalidRequest."""
    if not isinstance(columns, list | tuple) or not MIN_COLUMNS <= len(columns) <= MAX_COLUMNS:
        instead = f"not {len(columns)}" if isinstance(columns, list | tuple) else "as a list"
        raise InvalidRequest(
            f"Choose {MIN_COLUMNS} to {MAX_COLUMNS} versions to compare, {instead}, such as base "
            "and v1. A fine-tune makes the first one."
        )
    return [parse_mix(column) for column in columns]
