"""evaluation.json, read: what was drawn, checked, scored and voted. What is missing is left out."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from annotate.errors import BrokenEvaluation

FORMAT = 1
FILE = "evaluation.json"


@dataclass(frozen=True, slots=True)
class Check:
    """A check before people see a version; without a name it is of the only one there is."""

    version: str | None
    name: str
    passed: bool
    sentence: str
    value: float | None
    limit: float | None


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of wins with its interval, each from 0 to 1."""

    rate: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Score:
    """What a scorer says of a version against the base."""

    scorer: str
    version: str
    mean: float | None
    median: float | None
    won: Rate | None
    by_prompt: list[float | None] = field(hash=False)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What people said, blind, of two versions."""

    before: str
    after: str
    question: str
    wins: int
    losses: int
    ties: int
    won: Rate | None
    e_value: float | None
    outcome: str | None
    by_prompt: dict[str, tuple[int, int, int]] = field(hash=False)
    by_person: dict[str, tuple[int, int, int]] = field(hash=False)


@dataclass(frozen=True, slots=True)
class Version:
    """A version that was drawn, with what is known of how it was made."""

    name: str
    run: str | None
    objective: str | None
    pairs: int | None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A folder's evaluation; `images` are by version, place of the prompt, and seed."""

    folder: Path
    created: str | None
    model: str
    identity: str | None
    versions: list[Version]
    prompts: list[str]
    seeds: list[int]
    images: dict[tuple[str, int, int], Path]
    grids: list[Path]
    checks: list[Check]
    passed: bool | None
    scores: list[Score]
    verdicts: list[Verdict]


def read_evaluation(folder: Path) -> Evaluation:
    """Read a folder's evaluation.json; raises BrokenEvaluation."""
    path = folder / FILE
    try:
        whole = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BrokenEvaluation(
            f"{path} cannot be read ({error.strerror}). Name a folder that `python -m align "
            "evaluate` wrote."
        ) from None
    except (ValueError, RecursionError) as error:
        raise BrokenEvaluation(f"{path} is not JSON: {error}. Run the evaluation again.") from None
    try:
        return evaluation_of(folder, Fields(whole, ""))
    except Wrong as error:
        raise BrokenEvaluation(
            f"{path} cannot be used: {error} Run the evaluation again."
        ) from None


def evaluation_of(folder: Path, whole: "Fields") -> Evaluation:
    """Build an evaluation from its JSON."""
    if (number := whole.get("format", int)) != FORMAT:
        raise Wrong(f"its format is {number}, and this Palate reads {FORMAT}.")
    model = Fields(whole.get("model", dict, {}), "model")
    images = {}
    # What was written before says pictures; it is read for one release.
    for each in whole.each("images") or whole.each("pictures"):
        key = (each.need("version", str), each.need("prompt", int), each.need("seed", int))
        if (file := within(folder, each.need("file", str))) is not None:
            images[key] = file
    grids = [within(folder, name) for name in whole.all("grids", str)]
    return Evaluation(
        folder=folder,
        created=whole.get("created", str),
        model=model.get("name", str) or "model",
        identity=model.get("identity", str),
        versions=[version_of(each) for each in whole.each("versions")],
        prompts=whole.all("prompts", str),
        seeds=whole.all("seeds", int),
        images=images,
        grids=[grid for grid in grids if grid is not None],
        checks=[check_of(each) for each in whole.each("checks")],
        passed=whole.get("passed", bool),
        scores=[score_of(each) for each in whole.each("scores")],
        verdicts=[verdict_of(each) for each in whole.each("verdicts")],
    )


def version_of(fields: "Fields") -> Version:
    """Build a version."""
    return Version(
        fields.need("name", str),
        fields.get("run", str),
        fields.get("objective", str),
        fields.get("pairs", int),
    )


def check_of(fields: "Fields") -> Check:
    """Build a check."""
    return Check(
        fields.get("version", str),
        fields.need("name", str),
        fields.need("passed", bool),
        fields.get("sentence", str) or "",
        fields.number("value"),
        fields.number("limit"),
    )


def score_of(fields: "Fields") -> Score:
    """Build a score."""
    values = fields.get("by_prompt", list, [])
    return Score(
        fields.need("scorer", str),
        fields.need("version", str),
        fields.number("mean"),
        fields.number("median"),
        rate_of(fields, "win_rate"),
        [as_number(value, f"{fields.name}.by_prompt") for value in values],
    )


def verdict_of(fields: "Fields") -> Verdict:
    """Build a verdict."""
    return Verdict(
        fields.need("before", str),
        fields.need("after", str),
        fields.get("question", str) or "overall",
        fields.need("wins", int),
        fields.need("losses", int),
        fields.get("ties", int) or 0,
        rate_of(fields, "rate"),
        fields.number("e_value"),
        fields.get("outcome", str),
        counts_of(fields, "by_prompt"),
        counts_of(fields, "by_person"),
    )


def rate_of(fields: "Fields", name: str) -> Rate | None:
    """Build a rate with its interval; None where there is none."""
    rate, low, high = fields.number(name), fields.number("low"), fields.number("high")
    if rate is None:
        return None
    for value in (rate, low, high):
        if value is not None and not 0 <= value <= 1:
            raise Wrong(f"{fields.name}.{name} or its interval is not between 0 and 1.")
    return Rate(rate, low, high)


def counts_of(fields: "Fields", name: str) -> dict[str, tuple[int, int, int]]:
    """Build wins, losses and ties by something."""
    counts = {}
    for key, value in fields.get(name, dict, {}).items():
        if not isinstance(value, list) or len(value) != 3 or not all(map(is_count, value)):
            raise Wrong(f"{fields.name}.{name} must hold [wins, losses, ties], not {value!r:.80}.")
        counts[str(key)] = (value[0], value[1], value[2])
    return counts


def within(folder: Path, name: str) -> Path | None:
    """Return a file of the folder; None for a name that leads out of it."""
    path = (folder / name).resolve()
    return path if path.is_relative_to(folder.resolve()) else None


def is_count(value: object) -> bool:
    """Whether a value is a whole number, zero or more."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def as_number(value: object, name: str) -> float | None:
    """Return a finite number, None for none."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Wrong(f"{name} must be a number, not {value!r:.80}.")
    return float(value) if math.isfinite(value) else None


class Wrong(Exception):
    """A value of the file that cannot be used, in words."""


class Fields:
    """One JSON object of the file, asked for values of a type."""

    def __init__(self, value: object, name: str) -> None:
        if not isinstance(value, Mapping):
            raise Wrong(f"{name or 'it'} must be an object, not {value!r:.80}.")
        self._value, self.name = value, name or "it"

    def get(self, key: str, kind: type, default: Any = None) -> Any:
        """Return a value, the default where there is none."""
        value = self._value.get(key)
        if value is None:
            return default
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise Wrong(f"{self.name}.{key} must be {kind.__name__}, not {value!r:.80}.")
        return value

    def need(self, key: str, kind: type) -> Any:
        """Return a value that must be there."""
        value = self.get(key, kind)
        if value is None:
            raise Wrong(f"{self.name} lacks {key!r}.")
        return value

    def number(self, key: str) -> float | None:
        """Return a finite number, None for none."""
        return as_number(self._value.get(key), f"{self.name}.{key}")

    def each(self, key: str) -> list["Fields"]:
        """Return a list of objects, empty where there is none."""
        return [Fields(v, f"{key}[{i}]") for i, v in enumerate(self.get(key, list, []))]

    def all(self, key: str, kind: type) -> list[Any]:
        """Return a list of values of a type, empty where there is none."""
        values: list[Any] = self.get(key, list, [])
        for value in values:
            if not isinstance(value, kind) or isinstance(value, bool):
                raise Wrong(f"{self.name}.{key} must hold {kind.__name__}, not {value!r:.80}.")
        return values
