"""Reader of evaluation.json: images, release checks, scores and blind-test verdicts.

`align.contracts.evaluation_files` says what its writers put there. It may come from anybody, so
every field is checked; only what is needed to name things is required.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

from pydantic import BeforeValidator, Field, ValidationError, field_validator, model_validator

from align.contracts.evaluation_files import EVALUATION, FORMAT
from annotate.errors import BrokenEvaluation
from annotate.report.json_fields import Fields, Number, first_problem

Row = TypeVar("Row", bound=Fields)


def _counts_by_name(value: Any) -> Any:
    """Return wins, losses and ties by a name; raises ValueError."""
    if not isinstance(value, dict):
        return value
    for counts in value.values():
        if not isinstance(counts, list) or len(counts) != 3 or not all(map(_is_count, counts)):
            raise ValueError(f"{{}} must hold [wins, losses, ties], not {counts!r:.80}.")
    return {name: tuple(counts) for name, counts in value.items()}


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


CountsByName = Annotated[dict[str, tuple[int, int, int]], BeforeValidator(_counts_by_name)]


@dataclass(frozen=True, slots=True)
class WinRate:
    """Win rate with its interval, each from 0 to 1."""

    rate: float
    low: float | None
    high: float | None


class CheckResult(Fields):
    """Result of one release check; `version` is None in a file with a single version."""

    version: str | None = None
    name: str
    passed: bool
    sentence: str = ""
    value: Number = None
    limit: Number = None


class Compared(Fields):
    """Base of what has a win rate with an interval."""

    rate: Number = None
    low: Number = None
    high: Number = None

    @property
    def win_rate(self) -> WinRate | None:
        """Return the win rate with its interval; None if there is no rate."""
        return None if self.rate is None else WinRate(self.rate, self.low, self.high)

    @model_validator(mode="after")
    def _between_0_and_1(self) -> Self:
        shares = [share for share in (self.rate, self.low, self.high) if share is not None]
        if self.rate is not None and not all(0 <= share <= 1 for share in shares):
            name = type(self).model_fields["rate"].alias or "rate"
            raise ValueError(f"{{}}.{name} or its interval is not between 0 and 1.")
        return self


class ScorerResult(Compared):
    """Scores of a version by one scorer, and its win rate against the base."""

    scorer: str
    version: str
    mean: Number = None
    median: Number = None
    rate: Number = Field(None, alias="win_rate")
    by_prompt: list[Number] = Field(default_factory=list)


class VerdictResult(Compared):
    """Votes of a blind test of two versions, for one question; counts are wins, losses, ties."""

    before: str
    after: str
    question: str = "overall"
    wins: int
    losses: int
    ties: int = 0
    e_value: Number = None
    outcome: str | None = None
    by_prompt: CountsByName = Field(default_factory=dict)
    by_person: CountsByName = Field(default_factory=dict)


class EvaluatedVersion(Fields):
    """Version whose images were rendered; None for what is not known of its run."""

    name: str
    title: str | None = None
    run: str | None = None
    objective: str | None = None
    pairs: int | None = None
    movement: Number = None


class EvaluatedModel(Fields):
    """The base of an evaluation."""

    name: str = "model"
    identity: str | None = None


class RenderedImage(Fields):
    """An image of a version, by the index of its prompt and its seed."""

    version: str
    prompt: int
    seed: int
    file: str


class EvaluationFields(Fields):
    """The fields of evaluation.json."""

    format: int | None = Field(None, validate_default=True)
    created: str | None = None
    model: EvaluatedModel = EvaluatedModel()
    versions: list[EvaluatedVersion] = Field(default_factory=list)
    prompts: list[str] = Field(default_factory=list)
    seeds: list[int] = Field(default_factory=list)
    images: list[RenderedImage] = Field(default_factory=list)
    pictures: list[RenderedImage] = Field(default_factory=list)
    """Files of the release before say pictures."""
    grids: list[str] = Field(default_factory=list)
    checks: list[CheckResult] = Field(default_factory=list)
    passed: bool | None = None
    scores: list[ScorerResult] = Field(default_factory=list)
    verdicts: list[VerdictResult] = Field(default_factory=list)

    @field_validator("format")
    @classmethod
    def _is_known(cls, number: int | None) -> int | None:
        if number != FORMAT:
            raise ValueError(f"its format is {number}, and this Palate reads {FORMAT}.")
        return number


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Evaluation of a folder; `images` are by version, index of the prompt, and seed."""

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
        return evaluation_of(folder, EvaluationFields.model_validate(value))
    except ValidationError as error:
        raise BrokenEvaluation(
            f"{path} cannot be used: {first_problem(error)} Run the evaluation again."
        ) from None


def evaluation_of(folder: Path, fields: EvaluationFields) -> Evaluation:
    """Build an evaluation from its fields; files outside of the folder are left out."""
    images = {}
    for image in fields.images or fields.pictures:
        if (file := within(folder, image.file)) is not None:
            images[image.version, image.prompt, image.seed] = file
    grids = [within(folder, name) for name in fields.grids]

    return with_titles(
        Evaluation(
            created=fields.created,
            model=fields.model.name or "model",
            identity=fields.model.identity,
            versions=fields.versions,
            prompts=fields.prompts,
            seeds=fields.seeds,
            images=images,
            grids=[grid for grid in grids if grid is not None],
            checks=fields.checks,
            passed=fields.passed,
            scores=fields.scores,
            verdicts=fields.verdicts,
        )
    )


def with_titles(evaluation: Evaluation) -> Evaluation:
    """Return an evaluation that calls its versions by their titles, where they have some."""
    titles = {version.name: version.title or version.name for version in evaluation.versions}
    # Of two versions with one title, the images could not be told apart.
    if len(set(titles.values())) < len(titles):
        return evaluation

    def of(name: str) -> str:
        return titles.get(name, name)

    def renamed(row: Row, *keys: str) -> Row:
        names = {key: getattr(row, key) for key in keys}
        return row.model_copy(update={key: of(name) for key, name in names.items() if name})

    return replace(
        evaluation,
        versions=[renamed(row, "name") for row in evaluation.versions],
        images={
            (of(name), prompt, seed): file
            for (name, prompt, seed), file in evaluation.images.items()
        },
        checks=[renamed(row, "version") for row in evaluation.checks],
        scores=[renamed(row, "version") for row in evaluation.scores],
        verdicts=[renamed(row, "before", "after") for row in evaluation.verdicts],
    )


def within(folder: Path, name: str) -> Path | None:
    """Return a file of the folder; None for a name that leads out of it.

    The file may come from anybody, and the report embeds the images that it names.
    """
    path = (folder / name).resolve()
    return path if path.is_relative_to(folder.resolve()) else None
