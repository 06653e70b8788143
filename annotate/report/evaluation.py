"""Reader of evaluation.json: images, release checks, scores and blind-test verdicts.

Only what is needed to name things is required; other fields may be missing.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

from align.contracts.evaluation import EVALUATION, FORMAT
from annotate.errors import BrokenEvaluation
from annotate.report.json_fields import InvalidField, JsonObject, as_number, is_count


@dataclass(frozen=True, slots=True)
class CheckResult:
    """Result of one release check; `version` is None in a file with a single version."""

    version: str | None
    name: str
    passed: bool
    sentence: str
    value: float | None
    limit: float | None


@dataclass(frozen=True, slots=True)
class WinRate:
    """Win rate with its interval, each from 0 to 1."""

    rate: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class ScorerResult:
    """Scores of a version by one scorer, and its win rate against the base."""

    scorer: str
    version: str
    mean: float | None
    median: float | None
    win_rate: WinRate | None
    by_prompt: list[float | None] = field(hash=False)


@dataclass(frozen=True, slots=True)
class VerdictResult:
    """Votes of a blind test of two versions, for one question; counts are wins, losses, ties."""

    before: str
    after: str
    question: str
    wins: int
    losses: int
    ties: int
    win_rate: WinRate | None
    e_value: float | None
    outcome: str | None
    by_prompt: dict[str, tuple[int, int, int]] = field(hash=False)
    by_person: dict[str, tuple[int, int, int]] = field(hash=False)


@dataclass(frozen=True, slots=True)
class EvaluatedVersion:
    """Version whose images were rendered; None for what is not known of its run."""

    name: str
    run: str | None
    objective: str | None
    pairs: int | None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Evaluation of a folder; `images` are by version, index of the prompt, and seed."""

    folder: Path
    created: str | None
    model: str
    identity: str | None
    versions: list[EvaluatedVersion]
    prompts: list[str]
    seeds: list[int]
    images: dict[tuple[str, int, int], Path]
    grids: list[Path]
    checks: list[CheckResult]
    passed: bool | None
    scores: list[ScorerResult]
    verdicts: list[VerdictResult]


def read_evaluation(folder: Path) -> Evaluation:
    """Read a folder's evaluation.json; raises BrokenEvaluation."""
    path = folder / EVALUATION
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BrokenEvaluation(
            f"{path} cannot be read ({error.strerror}). Name a folder that `python -m align "
            "evaluate` wrote."
        ) from None
    except (ValueError, RecursionError) as error:
        raise BrokenEvaluation(f"{path} is not JSON: {error}. Run the evaluation again.") from None

    try:
        return evaluation_of(folder, JsonObject(value, ""))
    except InvalidField as error:
        raise BrokenEvaluation(
            f"{path} cannot be used: {error} Run the evaluation again."
        ) from None


def evaluation_of(folder: Path, fields: JsonObject) -> Evaluation:
    """Build an evaluation from its JSON; raises InvalidField."""
    if (number := fields.get("format", int)) != FORMAT:
        raise InvalidField(f"its format is {number}, and this Palate reads {FORMAT}.")

    model = fields.object("model")
    images = {}
    # Files of the release before say pictures.
    for image in fields.objects("images") or fields.objects("pictures"):
        key = (image.need("version", str), image.need("prompt", int), image.need("seed", int))
        if (file := within(folder, image.need("file", str))) is not None:
            images[key] = file
    grids = [within(folder, name) for name in fields.items("grids", str)]

    return Evaluation(
        folder=folder,
        created=fields.get("created", str),
        model=model.get("name", str) or "model",
        identity=model.get("identity", str),
        versions=[version_of(entry) for entry in fields.objects("versions")],
        prompts=fields.items("prompts", str),
        seeds=fields.items("seeds", int),
        images=images,
        grids=[grid for grid in grids if grid is not None],
        checks=[check_of(entry) for entry in fields.objects("checks")],
        passed=fields.get("passed", bool),
        scores=[score_of(entry) for entry in fields.objects("scores")],
        verdicts=[verdict_of(entry) for entry in fields.objects("verdicts")],
    )


def version_of(fields: JsonObject) -> EvaluatedVersion:
    """Build a version from its JSON."""
    return EvaluatedVersion(
        fields.need("name", str),
        fields.get("run", str),
        fields.get("objective", str),
        fields.get("pairs", int),
    )


def check_of(fields: JsonObject) -> CheckResult:
    """Build the result of a check from its JSON."""
    return CheckResult(
        fields.get("version", str),
        fields.need("name", str),
        fields.need("passed", bool),
        fields.get("sentence", str) or "",
        fields.number("value"),
        fields.number("limit"),
    )


def score_of(fields: JsonObject) -> ScorerResult:
    """Build a scorer's result from its JSON."""
    values = fields.get("by_prompt", list) or []
    return ScorerResult(
        fields.need("scorer", str),
        fields.need("version", str),
        fields.number("mean"),
        fields.number("median"),
        rate_of(fields, "win_rate"),
        [as_number(value, f"{fields.name}.by_prompt") for value in values],
    )


def verdict_of(fields: JsonObject) -> VerdictResult:
    """Build a blind test's verdict from its JSON."""
    return VerdictResult(
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


def rate_of(fields: JsonObject, name: str) -> WinRate | None:
    """Build a win rate with its interval; None if there is no rate."""
    rate, low, high = fields.number(name), fields.number("low"), fields.number("high")
    if rate is None:
        return None
    for value in (rate, low, high):
        if value is not None and not 0 <= value <= 1:
            raise InvalidField(f"{fields.name}.{name} or its interval is not between 0 and 1.")
    return WinRate(rate, low, high)


def counts_of(fields: JsonObject, name: str) -> dict[str, tuple[int, int, int]]:
    """Build wins, losses and ties by prompt or by person."""
    counts = {}
    for key, value in (fields.get(name, dict) or {}).items():
        if not isinstance(value, list) or len(value) != 3 or not all(map(is_count, value)):
            raise InvalidField(
                f"{fields.name}.{name} must hold [wins, losses, ties], not {value!r:.80}."
            )
        counts[str(key)] = (value[0], value[1], value[2])
    return counts


def within(folder: Path, name: str) -> Path | None:
    """Return a file of the folder; None for a name that leads out of it.

    The file may come from anybody, and the report embeds the images that it names.
    """
    path = (folder / name).resolve()
    return path if path.is_relative_to(folder.resolve()) else None
