"""Palate's own Parquet, as the votes of somebody else's studio."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from storage.layouts.foreign_votes import ForeignImage, ForeignKind, ForeignVote
from storage.layouts.forms.mapped_rows import MappedRow
from storage.layouts.forms.pair_rows import EVEN
from storage.layouts.forms.ranking_rows import listed_ranks
from storage.layouts.mapping import ColumnMapping
from storage.layouts.values import NO_ANSWER, LeftOut, list_of, number_of, parsed, plain

EXCLUDED = "it was left out of training where it was given"
UNKNOWN_KIND = "its kind of vote is none of Palate's"
UNDECIDED: dict[str, ForeignKind] = {
    kind: kind for kind in ("tie", "both_good", "both_bad", "skip")
}
SIGNS = frozenset(("pair_id", "kind", "jpg_0", "jpg_1", "label_0", "caption", "annotator"))
"""Columns by which the form is known."""
ROLES = {"prompt": "caption", "given": "created_at", "image_0": "jpg_0", "image_1": "jpg_1"}
"""Columns whose names are not those of their roles."""
READ = (
    *("kind", "label_0", "share", "ranks", "more_images", "annotator", "strength", "weight"),
    *("reasons", "criteria", "base", "version", "recipe_0", "recipe_1", "in_a_row", "source"),
    *("excluded_vote", "excluded_annotator"),
)
CARRIED = ("base", "version", "weight", "in_a_row", "source")
"""Columns that go into the details of a vote as they are."""
MAX_CRITERIA = 100
MOST = 1e15
"""Numbers that are no larger are kept."""


def own_mapping(cells: Iterable[str]) -> ColumnMapping:
    """Return the mapping of the columns that there are; those of `default` are fewer."""
    known = set(cells)
    columns = {**ROLES, **{name: name for name in READ}}
    return ColumnMapping("palate", {r: cell for r, cell in columns.items() if cell in known})


def votes_of_own(row: MappedRow) -> Iterator[ForeignVote]:
    """Yield the vote of a row; raises LeftOut."""
    if row.value("excluded_vote") or row.value("excluded_annotator"):
        raise LeftOut(EXCLUDED)
    kind = text_of(row, "kind")
    if kind == "ranking":
        images = [row.image("image_0"), row.image("image_1"), *more_images(row)]
        vote = row.vote(images, "ranking", ranks=listed_ranks(row.value("ranks"), len(images)))
        order = list(range(len(images)))
    elif kind in UNDECIDED and not row.value("more_images"):
        vote, order = row.vote(row.both("image_0", "image_1"), UNDECIDED[kind]), [0, 1]
    elif kind == "preference":
        vote, order = preference_of(row)
    else:
        raise LeftOut(NO_ANSWER if kind in UNDECIDED else UNKNOWN_KIND)

    yield replace(vote, strength=strength_of(row), details=details_of(row, order))


def preference_of(row: MappedRow) -> tuple[ForeignVote, list[int]]:
    """Return a choice, and the numbers of its images in the row; raises LeftOut."""
    share = row.value("share")
    first = number_of(row.value("label_0") if share is None else share)
    if first == EVEN or first > 1:
        raise LeftOut(NO_ANSWER)
    better = 0 if first > EVEN else 1
    told = None if share is None else max(first, 1 - first)
    vote = row.preference(row.both("image_0", "image_1"), 0 if better == 0 else 1, share=told)
    return vote, [better, 1 - better]


def more_images(row: MappedRow) -> Iterator[ForeignImage]:
    """Yield the images of a ranking after the second; raises LeftOut."""
    for number, value in enumerate(list_of(row.value("more_images") or [])):
        yield row.finder.find(value, row.data, f"more_images[{number}]")


def strength_of(row: MappedRow) -> int:
    """Return 2 for a clear preference, else 1."""
    return 2 if row.value("strength") == 2 else 1


def details_of(row: MappedRow, order: list[int]) -> dict[str, Any]:
    """Return what else the row says, with the images numbered as those of the vote."""
    details: dict[str, Any] = {
        name: plain(value) if isinstance(value, str) else value
        for name in CARRIED
        if isinstance(value := row.value(name), (str, int, float)) and is_finite(value)
    }
    if reasons := list_of(row.value("reasons") or []):
        details["reasons"] = [plain(str(reason)[:200]) for reason in reasons[:MAX_CRITERIA]]
    criteria = parsed(text_of(row, "criteria"))
    if isinstance(criteria, dict) and criteria:
        places = {str(number): str(order.index(number)) for number in order}
        few = list(criteria.items())[:MAX_CRITERIA]
        details["criteria"] = {
            plain(name): places.get(str(told), plain(str(told)[:200])) for name, told in few
        }
    recipes = [recipe_of(text_of(row, f"recipe_{number}")) for number in order[:2]]
    if any(recipes):
        details["recipes"] = recipes
    return details


def text_of(row: MappedRow, role: str) -> str:
    """Return the text of a role; empty where it has none, or something else."""
    value = row.value(role)
    return value if isinstance(value, str) else ""


def recipe_of(text: str) -> Any:
    """Return a recipe that is written as JSON; None for what cannot be written so again."""
    recipe = parsed(text)
    try:
        json.dumps(recipe, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return recipe


def is_finite(value: str | float) -> bool:
    """Return whether a value says something: no empty text, and no number that is none."""
    return bool(value) if isinstance(value, str) else abs(value) < MOST
