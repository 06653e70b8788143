"""Answers: rows of labeling programs, with what each person said of two or more images."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from storage.layouts.foreign_votes import ForeignImage, ForeignKind, ForeignVote, RowLeftOut
from storage.layouts.forms.mapped_rows import MappedRow
from storage.layouts.forms.ranking_rows import of_ranks
from storage.layouts.layouts import MOST_IMAGES
from storage.layouts.values import NO_ANSWER, LeftOut, parsed, time_of

UNKNOWN = "an answer is none of the known ones"
NOT_SUBMITTED = "an answer was discarded, or is a draft"
CANCELLED = "an answer was cancelled"
WORDS: dict[str, ForeignKind | int] = {
    **dict.fromkeys(("left", "a", "first", "imagea", "optiona", "modela"), 0),
    **dict.fromkeys(("right", "b", "second", "imageb", "optionb", "modelb"), 1),
    **dict.fromkeys(("tie", "same", "equal", "draw", "nopreference", "bothequal"), "tie"),
    **dict.fromkeys(("bothgood", "tiebothgood"), "both_good"),
    **dict.fromkeys(("bothbad", "tiebothbad", "neither"), "both_bad"),
    **dict.fromkeys(("skip", "skipped", "unsure", "cannottell", "canttell"), "skip"),
}
"""Answers by their letters and digits: the number of the better image, or what else it is."""
OTHER_CHARACTERS = re.compile(r"[^a-z0-9]+")
SUBMITTED = ("submitted", "completed", "")
USER_KEYS = ("user_id", "user", "users", "annotator", "completed_by")
STATUS_KEYS = ("status", "statuses")
PAIRWISE = "pairwise"


@dataclass(frozen=True, slots=True)
class Answer:
    """What one person said."""

    value: Any
    """A word, or a list that orders images."""
    user: Any = None
    given: Any = None
    reason: str = ""
    """Why it does not count; empty if it does."""


def votes_by_answers(row: MappedRow) -> Iterator[ForeignVote | RowLeftOut]:
    """Yield a vote for each answer of a row; raises LeftOut where it has none."""
    answers = list(answers_in(row.value("answer"), row))
    if not answers:
        raise LeftOut(NO_ANSWER)

    roles = roles_of(row)
    images = [row.image(role) for role in roles]
    names = [letters(row.mapping.columns[role].rpartition(".")[2]) for role in roles]
    for answer in answers:
        try:
            yield of_answer(row, answer, images, names)
        except LeftOut as left_out:
            yield row.left_out(str(left_out))


def roles_of(row: MappedRow) -> list[str]:
    """Return the roles of the images that there are columns for."""
    return [f"image_{n}" for n in range(MOST_IMAGES) if row.has(f"image_{n}")]


def of_answer(
    row: MappedRow, answer: Answer, images: Sequence[ForeignImage], names: Sequence[str]
) -> ForeignVote:
    """Return the vote of one answer; raises LeftOut."""
    if answer.reason:
        raise LeftOut(answer.reason)
    more = {"annotator": answer.user, "given": answer.given}
    if isinstance(answer.value, list):
        ranks = ranks_in(answer.value, names)
        ranked = [image for image, rank in zip(images, ranks, strict=True) if rank is not None]
        told = [rank for rank in ranks if rank is not None]
        return of_ranks(row, ranked, told, **more)

    shown = [row.value(role) for role in roles_of(row)]
    # The name of an image's file, as its cell has it, is an answer too.
    named = isinstance(answer.value, str) and shown.count(answer.value) == 1
    better = shown.index(answer.value) if named else meaning(answer.value, names)
    pair = row.both("image_0", "image_1")
    if isinstance(better, str):
        return row.vote(pair, better, **more)
    if better > 1 or len(images) > len(pair):
        # One of more than two: what it says of the others among themselves is nothing.
        return of_ranks(row, images, [int(n != better) for n in range(len(images))], **more)
    return row.preference(pair, 1 if better else 0, **more)


def meaning(value: Any, names: Sequence[str]) -> ForeignKind | int:
    """Return the number of the better image, or what else an answer says; raises LeftOut.

    The names of the images' columns win over words such as left and right.
    """
    if not isinstance(value, str):
        raise LeftOut(UNKNOWN if value is not None else NO_ANSWER)
    word = letters(value[:100])
    if word in names:
        return names.index(word)
    if word not in WORDS:
        raise LeftOut(UNKNOWN if word else NO_ANSWER)
    return WORDS[word]


def ranks_in(order: Sequence[Any], names: Sequence[str]) -> list[Any]:
    """Return the rank of each image, None for one that was not ordered; raises LeftOut.

    The order is a list of names, the best first, or of names with their ranks.
    """
    ranks: dict[str, Any] = {}
    for place, entry in enumerate(order, 1):
        told = entry if isinstance(entry, Mapping) else {"value": entry, "rank": place}
        name = told.get("value")
        if not isinstance(name, str) or letters(name) not in names:
            raise LeftOut(UNKNOWN)
        ranks[letters(name)] = told.get("rank")
    return [ranks.get(name) for name in names]


def letters(text: str) -> str:
    """Return the letters and digits of a word, in lower case."""
    return OTHER_CHARACTERS.sub("", text.lower())


def answers_in(value: Any, row: MappedRow | None = None) -> Iterator[Answer]:
    """Yield the answers in a cell, whichever program wrote it.

    One word or `{"selected": ...}`; a list of words, with people and statuses in other cells; a
    list of objects with value and user; an object of lists; the annotations of Label Studio.
    """
    if isinstance(value, Mapping):
        if isinstance(value.get("value"), list) and any(
            isinstance(value.get(k), list) for k in USER_KEYS + STATUS_KEYS
        ):
            users, statuses = first_of(value, USER_KEYS), first_of(value, STATUS_KEYS)
            yield from in_step(value["value"], users, statuses)
        else:
            yield of_object(value)
    elif isinstance(value, list):
        if value and all(isinstance(entry, Mapping) for entry in value):
            yield from map(of_object, value)
        else:
            users = row.value("annotator") if row else None
            yield from in_step(value, users, row.value("statuses") if row else None)
    elif isinstance(value, str) and isinstance(told := parsed(value), (list, dict)):
        # A cell of CSV, such as [{"selected": "right"}].
        yield from answers_in(told, row)
    elif value is not None and value != "":
        status = row.value("statuses") if row else None
        yield Answer(value, reason=reason_of(status))


def in_step(values: Sequence[Any], users: Any, statuses: Any) -> Iterator[Answer]:
    """Yield the answers of lists that run beside each other."""
    several = users if isinstance(users, list) else [users] * len(values)
    states = statuses if isinstance(statuses, list) else [statuses] * len(values)
    for value, user, status in zip_longest(values, several[: len(values)], states[: len(values)]):
        yield Answer(value, "" if user is None else user, reason=reason_of(status))


def of_object(entry: Mapping[str, Any]) -> Answer:
    """Return the answer in an object: Argilla's, Label Studio's, or one with what was selected."""
    user, given = first_of(entry, USER_KEYS), time_of(entry.get("created_at"))
    if isinstance(result := entry.get("result"), list):
        reason = CANCELLED if entry.get("was_cancelled") else ""
        return Answer(selected_in(result), user, given, reason)
    status = reason_of(first_of(entry, STATUS_KEYS))
    value = entry["selected"] if "selected" in entry else entry.get("value")
    return Answer(value, user, given, status)


def selected_in(result: Sequence[Any]) -> Any:
    """Return what was selected in one annotation of Label Studio; None where nothing was."""
    for part in result:
        if isinstance(part, Mapping) and isinstance(part.get("value"), Mapping):
            value = part["value"]
            if "selected" in value and part.get("type", PAIRWISE) == PAIRWISE:
                return value["selected"]
            if isinstance(choices := value.get("choices"), list) and len(choices) == 1:
                return choices[0]
    return None


def first_of(entry: Mapping[str, Any], keys: Sequence[str]) -> Any:
    """Return the value of the first key that an object has; None for none of them."""
    return next((entry[key] for key in keys if entry.get(key) is not None), None)


def reason_of(status: Any) -> str:
    """Return why an answer of this status does not count; empty if it does."""
    known = status if isinstance(status, str) else ""
    return "" if known.lower() in SUBMITTED else NOT_SUBMITTED
