"""Scorers of images by name, ranking of a folder, and pairs labeled by a scorer.

Shapes: N images.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol, TypeGuard

from torch import Tensor

from align.contracts.evaluation_files import GRID
from align.contracts.snapshot_files import PairRow, PreferenceRow, UnlabeledPair
from align.data.image_files import SUFFIXES, caption_of, looks_like_image
from align.device import Compute
from align.errors import AlignError, InvalidSettings, ModelNotFound
from align.scoring.clip import load_aesthetic, load_clip_score, load_pickscore
from align.scoring.implicit_reward import load_implicit
from align.scoring.taste_head import load_taste_head


class Scorer(Protocol):
    """Gives an image and its prompt a number; a higher one is better."""

    @property
    def name(self) -> str:
        """Name of the scorer in files and on the command line."""

    @property
    def meaning(self) -> str:
        """Explain the number in a sentence."""

    def score(self, prompts: Sequence[str], images: Sequence[Path]) -> Tensor:
        """Return scores_N, in fp32, one for each prompt and its image."""


@dataclass(frozen=True)
class ScorerKind:
    """A scorer that can be opened by name."""

    needs: str
    """Content that its path must have, in words."""
    load: Callable[[Path | None, Compute], Scorer]


def _load_taste(path: Path | None, compute: Compute) -> Scorer:
    return load_taste_head(_required_path(path, "taste"))


def _load_implicit(path: Path | None, compute: Compute) -> Scorer:
    return load_implicit(_required_path(path, "implicit"), compute)


def _required_path(path: Path | None, name: str) -> Path:
    if path is None:
        raise ModelNotFound(f"The scorer {name!r} needs {SCORERS[name].needs}. Pass its path.")
    return path


SCORERS: Mapping[str, ScorerKind] = MappingProxyType(
    {
        "taste": ScorerKind("a taste head's JSON file", _load_taste),
        "implicit": ScorerKind("the folder of a finished run", _load_implicit),
        "pickscore": ScorerKind("a folder with PickScore's weights", load_pickscore),
        "clip": ScorerKind("a folder with a CLIP", load_clip_score),
        "aesthetic": ScorerKind(
            "a folder with CLIP ViT-L/14 and the small network", load_aesthetic
        ),
    }
)


def open_scorer(name: str, path: Path | None, compute: Compute) -> Scorer:
    """Load the scorer of this name, with the weights at `path`.

    Raises:
        InvalidSettings: there is no scorer of this name.
        ModelNotFound: weights are missing; the error says which, and where they come from.
        BrokenModel, WrongModel, BrokenRun: what lies at `path` cannot be used.
    """
    if name not in SCORERS:
        raise InvalidSettings(f"There is no scorer {name!r}. Choose one of {', '.join(SCORERS)}.")
    return SCORERS[name].load(path, compute)


@dataclass(frozen=True)
class ScoredImage:
    """An image with its score."""

    image: Path
    prompt: str
    score: float


def score_folder(scorer: Scorer, folder: Path, prompt: str = "") -> list[ScoredImage]:
    """Score every image below `folder` but contact sheets; best first, equal ones by path.

    The prompt of an image is the text file of its name beside it, or else `prompt`.

    Raises:
        InvalidSettings: the folder holds no image.
        AlignError: an image cannot be scored.
    """
    files = (p for p in folder.rglob("*") if looks_like_image(p))
    images = sorted(p for p in files if p.name != GRID)
    if not images:
        raise InvalidSettings(f"{folder} holds no image ({', '.join(SUFFIXES)}).")

    prompts = [caption_of(image, prompt) for image in images]
    scores = finite_scores(scorer, prompts, images)
    scored = map(ScoredImage, images, prompts, scores)
    return sorted(scored, key=lambda image: -image.score)


def finite_scores(scorer: Scorer, prompts: Sequence[str], images: Sequence[Path]) -> list[float]:
    """Score images, refusing scores that are not finite: they would sort and label at random.

    Raises:
        AlignError: a score is not a finite number.
    """
    scores: list[float] = scorer.score(prompts, images).tolist()
    for image, score in zip(images, scores, strict=True):
        if not math.isfinite(score):
            raise AlignError(f"The scorer {scorer.name!r} gives {image} the score {score}.")
    return scores


def label_pairs(
    scorer: Scorer,
    rows: Sequence[UnlabeledPair | PairRow],
    folder: Path,
    temperature: float = 1.0,
) -> list[PreferenceRow]:
    """Label pairs that nobody voted on by a scorer; return them as rows of `pairs.jsonl`.

    An unlabeled row has `prompt` and two `images`, relative to `folder`; a row that says its
    `kind` or what was `chosen` is a vote and is left out, and so is a pair with equal scores.
    `label` is σ(temperature · (score of chosen - score of rejected)), the probability with which
    the scorer prefers the chosen image: Bradley and Terry 1952 with the score as log odds.
    `source` marks the row as no person's vote.

    Raises:
        InvalidSettings: the temperature is not above zero, or a row is not a pair.
        AlignError: an image cannot be scored.
    """
    if not 0 < temperature < math.inf:
        raise InvalidSettings(f"The temperature must be above zero; {temperature} is not.")

    unlabeled = [row for row in rows if _is_unlabeled(row)]
    for row in unlabeled:
        if "prompt" not in row or len(row.get("images", ())) != 2:
            raise InvalidSettings(f"Not a pair with a prompt and two images: {dict(row)}.")

    prompts = [row["prompt"] for row in unlabeled for _ in range(2)]
    images = [folder / image for row in unlabeled for image in row["images"]]
    scores = finite_scores(scorer, prompts, images) if unlabeled else []
    # Equal scores prefer neither image: such a pair teaches nothing.
    margins = [first - second for first, second in zip(scores[::2], scores[1::2], strict=True)]
    return [
        _labeled(row, temperature * margin, scorer.name)
        for row, margin in zip(unlabeled, margins, strict=True)
        if margin != 0
    ]


def _is_unlabeled(row: UnlabeledPair | PairRow) -> TypeGuard[UnlabeledPair]:
    return "kind" not in row and "chosen" not in row


def _labeled(row: UnlabeledPair, logit: float, name: str) -> PreferenceRow:
    """Return the row with its images ordered by the scorer, for a logit that is not zero."""
    first, second = row["images"]
    # Whatever else the row says stays.
    kept: Any = {key: value for key, value in row.items() if key != "images"}
    labeled: PreferenceRow = kept | {
        "kind": "preference",
        "chosen": first if logit > 0 else second,
        "rejected": second if logit > 0 else first,
        "label": 1 / (1 + math.exp(-abs(logit))),
        "source": f"scorer:{name}",
    }
    return labeled
