"""Values of foreign rows: texts, numbers and times as a file of somebody else's has them."""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from storage.acts import LONGEST_NAME
from storage.tables.prompts import LONGEST as LONGEST_PROMPT

NO_PROMPT = "there is no prompt"
PROMPT_NO_TEXT = "the prompt is no text"
PROMPT_TOO_LONG = f"the prompt has more than {LONGEST_PROMPT:,} characters"
PROMPT_OF_TURNS = "the prompt is a conversation of several turns"
NO_ANSWER = "nobody has chosen between its images"
BAD_NUMBER = "a label or a share is no number from 0 on"
NO_LIST = "a list is missing, or is no list"
FEW, MOST_ENTRIES = 2, 64
"""Images of a ranking."""
LONGEST_LIST_TEXT = 100_000
"""Characters of a list that is written as text in a cell."""


class LeftOut(Exception):
    """A row gives no vote; the text is the reason, by which such rows are counted."""


def plain(text: str) -> str:
    """Return a text as a prompt may be: without control characters and halves of characters."""
    if not text.isprintable():
        text = "".join(map(plain_character, text))
    return text.strip()


def plain_character(character: str) -> str:
    """Return what stands for one character: a space for a tab or for the end of a line."""
    category = unicodedata.category(character)
    if category == "Cs":
        return ""
    return " " if category == "Cc" else character


def prompt_of(value: Any) -> str:
    """Return the prompt in a cell: a text, or what the user says in a list of messages.

    Raises LeftOut.
    """
    text = said(value).strip()
    if len(text) <= LONGEST_PROMPT:
        # Longer ones are not gone through: there may be a megabyte in each row.
        text = plain(text)
    if not text:
        raise LeftOut(NO_PROMPT)
    if len(text) > LONGEST_PROMPT:
        raise LeftOut(PROMPT_TOO_LONG)
    return text


def said(value: Any) -> str:
    """Return the text of a prompt's cell; raises LeftOut where it is not clear."""
    if value is None:
        return ""
    if isinstance(value, str):
        messages = parsed(value) if value.startswith('[{"') else None
        return value if messages is None else said(messages)
    if not isinstance(value, list):
        raise LeftOut(PROMPT_NO_TEXT)

    messages = [entry for entry in value if isinstance(entry, Mapping)]
    users = [entry for entry in messages if entry.get("role", "user") in ("user", "human")]
    if len(users) > 1:
        raise LeftOut(PROMPT_OF_TURNS)
    return content_of(users[0].get("content")) if users else ""


def content_of(content: Any) -> str:
    """Return the text of one message, which may be a list of texts and images."""
    if isinstance(content, list):
        parts = [entry for entry in content if isinstance(entry, Mapping)]
        texts = [entry["text"] for entry in parts if isinstance(entry.get("text"), str)]
        content = texts[0] if len(texts) == 1 else None
    if not isinstance(content, str):
        raise LeftOut(PROMPT_NO_TEXT)
    return content


def parsed(text: str) -> Any:
    """Return a value that is written as JSON in a cell; None where it is none."""
    if len(text) > LONGEST_LIST_TEXT:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def number_of(value: Any) -> float:
    """Return a label, a share or a rank as a number; raises LeftOut for one below 0 or without end.

    Yes and no count as 1 and 0, also as the words true and false.
    """
    if isinstance(value, str):
        value = {"true": 1, "false": 0}.get(value.strip().lower(), value)
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise LeftOut(BAD_NUMBER) from None
    if not 0 <= number < math.inf:
        raise LeftOut(BAD_NUMBER)
    return number


def list_of(value: Any) -> Sequence[Any]:
    """Return a list, also one that is written as JSON; raises LeftOut."""
    value = parsed(value) if isinstance(value, str) else value
    if not isinstance(value, (list, tuple)):
        raise LeftOut(NO_LIST)
    return value


def is_true(value: Any) -> bool:
    """Return whether a cell says yes; an empty one and what cannot be read say no."""
    try:
        return value is not None and number_of(value) > 0
    except LeftOut:
        return False


def name_of(value: Any) -> str:
    """Return the annotator in a cell: a name, a number, or an object that has one."""
    if isinstance(value, Mapping):
        value = next(filter(None, map(value.get, ("id", "username", "email", "name"))), "")
    if value is None or isinstance(value, (list, bytes, float)):
        return ""
    return plain(str(value)[:LONGEST_NAME])


def time_of(value: Any) -> datetime | None:
    """Return a time in UTC without its zone; None for what is no time."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip()[:40])
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    try:
        return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    except OverflowError:
        return None
