"""Rows of the configuration `full`, checked and turned back into votes and rankings."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storage.acts import CRITERION, REASON, STRENGTH, check_annotator
from storage.errors import InvalidAnnotator, UnreadableData
from storage.records import QUAD_SIZE, Verdict
from storage.sources.image_headers import NotAnImage, read_image_header

ID = re.compile(r"[0-9a-f]{16}")
PLAIN = (
    *("image_0_uid", "image_1_uid", "label_0", "pair_id", "kind", "prompt", "annotator"),
    *("created_at", "strength", "reasons", "criteria", "weight", "weight_reason", "base"),
    *("version", "recipe_0", "recipe_1", "width_0", "height_0", "width_1", "height_1"),
    *("response_ms", "in_a_row", "source", "shown_order", "ranks", "excluded_vote"),
    *("excluded_annotator", "kept_from", "kept_by", "selection_rule", "propensity"),
)
"""Columns that a studio is restored from, besides those with images."""
UNDECIDED = {Verdict.TIE, Verdict.BOTH_GOOD, Verdict.BOTH_BAD, Verdict.SKIP}


class NotOurs(Exception):
    """What is wrong with a row, as a part of a sentence."""


@dataclass(frozen=True, slots=True)
class RestoredImage:
    """An image of a row, without its bytes."""

    uid: str
    width: int
    height: int
    recipe: str

    @property
    def version(self) -> str:
        """Return the version that rendered it."""
        return str(json.loads(self.recipe).get("version", "imported"))


@dataclass(frozen=True, slots=True)
class RestoredVote:
    """A vote, or a ranking of four images, as a studio stores it."""

    item_id: str
    prompt: str
    images: tuple[RestoredImage, ...]
    """From left to right."""
    verdict: str | None
    """Of a vote."""
    winner: str | None
    best: str | None
    worst: str | None
    values: Mapping[str, Any]
    """The columns as they were read."""

    @property
    def is_ranking(self) -> bool:
        """Return True for a ranking, a skipped one too."""
        return len(self.images) == QUAD_SIZE

    @property
    def annotator(self) -> str:
        """The pseudonym or the name of who gave it."""
        return str(self.values["annotator"])

    @property
    def base(self) -> str:
        """The model whose images were voted on."""
        return str(self.values["base"])

    @property
    def created(self) -> datetime:
        """When it was given."""
        created: datetime = self.values["created_at"]
        return created

    @property
    def key(self) -> str:
        """The key of its act, which its pair and its annotator determine."""
        return key_of(self.item_id, self.annotator)

    def annotations(self) -> list[tuple[str, str, str]]:
        """Return (kind, name, value) of what was added to a vote."""
        found = [(STRENGTH, "", "2")] if self.values["strength"] == 2 else []
        found += [(REASON, name, "on") for name in self.values["reasons"] or ()]
        uids = (self.values["image_0_uid"], self.values["image_1_uid"])
        criteria: dict[str, str] = json.loads(self.values["criteria"])
        for name, value in criteria.items():
            found.append((CRITERION, name, value if value == "tie" else uids[int(value)]))
        return found


def key_of(item_id: str, annotator: str) -> str:
    """Return the key of a restored vote."""
    return f"restored:{item_id}:{annotator}"


def restored_vote(values: Mapping[str, Any], more: Sequence[Mapping[str, Any]]) -> RestoredVote:
    """Return the vote of a row; raises UnreadableData with what is wrong in it.

    Args:
        values: the columns of `PLAIN` by their names.
        more: the images after the second.
    """
    try:
        return checked(values, more)
    except (KeyError, ValueError, TypeError, IndexError, AttributeError) as error:
        raise NotOurs(f"it holds something else than Palate writes ({error})") from error
    except InvalidAnnotator as error:
        raise NotOurs(str(error).rstrip(".")) from error


def checked(values: Mapping[str, Any], more: Sequence[Mapping[str, Any]]) -> RestoredVote:
    """Return the vote of a row; raises what wrong values lead to."""
    check_annotator(values["annotator"])
    require(isinstance(values["created_at"], datetime), "it has no time")
    for name in ("prompt", "base", "version", "pair_id"):
        require(bool(values[name]) and len(values[name]) < 100_000, f"its {name} is empty or huge")

    require(0 < values["weight"] <= 1, "its weight is not above 0 and up to 1")
    is_selected = values["selection_rule"] is not None
    require(not is_selected or 0 <= values["propensity"] <= 1, "its propensity is none")

    in_row = [image_of(values, 0), image_of(values, 1)]
    in_row += [
        RestoredImage(*(image[name] for name in ("uid", "width", "height", "recipe")))
        for image in more
    ]
    for image in in_row:
        require_id(image.uid)
        require(image.width > 0 and image.height > 0, "an image has no size")
        require_recipe(image.recipe)
        require(bool(image.version), "an image has no version")

    order = values["shown_order"]
    require(sorted(order) == list(range(len(in_row))), "the order of its images is none")
    shown = tuple(in_row[place] for place in order)
    if len(in_row) == QUAD_SIZE:
        return ranking_of(values, in_row, shown)
    require(len(in_row) == 2, f"it has {len(in_row)} images")
    return vote_of(values, in_row, shown)


def vote_of(
    values: Mapping[str, Any], in_row: Sequence[RestoredImage], shown: tuple[RestoredImage, ...]
) -> RestoredVote:
    """Return the vote of a row with two images."""
    verdict = Verdict(values["kind"]) if values["kind"] != "preference" else None
    winner = None
    if verdict is None:
        require(values["label_0"] in (0, 1), "its label is neither 0 nor 1")
        winner = in_row[0 if values["label_0"] == 1 else 1].uid
        verdict = Verdict.LEFT if winner == shown[0].uid else Verdict.RIGHT
    else:
        require(verdict in UNDECIDED, "its kind is none")

    vote = RestoredVote(
        *(values["pair_id"], values["prompt"], shown, verdict.value, winner, None, None, values)
    )
    vote.annotations()
    return vote


def ranking_of(
    values: Mapping[str, Any], in_row: Sequence[RestoredImage], shown: tuple[RestoredImage, ...]
) -> RestoredVote:
    """Return the ranking of a row with four images."""
    best = worst = None
    if values["kind"] != "skip":
        require(values["kind"] == "ranking", "it is no ranking")
        require(sorted(values["ranks"]) == [0, 1, 1, 2], "it names no best and worst")
        best, worst = (in_row[values["ranks"].index(rank)].uid for rank in (0, 2))
    return RestoredVote(
        *(values["pair_id"], values["prompt"], shown, None, None, best, worst, values)
    )


def image_of(values: Mapping[str, Any], number: int) -> RestoredImage:
    """Return the first or the second image of a row."""
    return RestoredImage(
        values[f"image_{number}_uid"],
        *(values[f"{name}_{number}"] for name in ("width", "height", "recipe")),
    )


def require_id(uid: object) -> None:
    """Raise NotOurs for what is no id of an image."""
    is_id = isinstance(uid, str) and ID.fullmatch(uid)
    require(bool(is_id), f"{str(uid)[:40]!r} is no id of an image")


def require_png(content: object, width: object, height: object) -> None:
    """Raise NotOurs unless these are the bytes of a whole PNG of this size."""
    try:
        header = read_image_header(content if isinstance(content, bytes) else b"")
    except NotAnImage as error:
        raise NotOurs(str(error)) from error
    require(header.suffix == ".png", "an image is no PNG")
    require((header.width, header.height) == (width, height), "an image has another size")


def require_recipe(text: str) -> None:
    """Raise NotOurs unless a recipe has what a run reads of it; or what wrong values lead to."""
    recipe = json.loads(text)
    for name in ("prompt_prefix", "prompt_suffix"):
        require(isinstance(recipe.get(name, ""), str), f"the {name} of a recipe is no text")
    if original := recipe.get("original"):
        (width, height), (left, top) = original["size"], original["crop"]
        require(min(width, height) > 0 and min(left, top) >= 0, "an original size is none")


def require(holds: bool, why: str) -> None:
    """Raise NotOurs unless something holds."""
    if not holds:
        raise NotOurs(why)


def at_row(error: NotOurs, file: str, row: int) -> UnreadableData:
    """Return the sentence about a row that cannot be restored."""
    return UnreadableData(
        f"Row {row + 1:,} of {file} cannot be restored: {error}. Nothing was changed. Bring the "
        "file in as a source, which leaves out rows that it cannot use."
    )
