"""Prompts that images are rendered from."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from storage.database import Cursor, Database
from storage.errors import InvalidPrompt
from storage.records import Prompt
from storage.text import has_controls
from storage.timestamps import Clock

LONGEST = 2_000
"""Characters of a prompt."""
PROMPTS_PER_TRANSACTION = 4_000
"""Some 20 ms each, for which a vote may have to wait."""


class Prompts:
    """All prompts of a studio, each text once."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def add(self, texts: Sequence[str], source: str) -> int:
        """Add prompts and return how many were new; none is added if one raises InvalidPrompt.

        Many are added in several transactions, so that votes get in between. Those that a kill left
        out are new when the texts are added again.
        """
        cleaned = [clean_prompt(text, f"Line {line}") for line, text in enumerate(texts, start=1)]
        once, now = list(dict.fromkeys(cleaned)), self._clock()
        size = PROMPTS_PER_TRANSACTION
        parts = (once[start : start + size] for start in range(0, len(once), size))
        return sum(self._database.write(partial(insert_new, part, source, now)) for part in parts)

    def all(self) -> list[Prompt]:
        """Return every prompt, in the order they were added."""
        rows = self._database.read("SELECT prompt_id, text, source FROM prompts ORDER BY prompt_id")
        return [Prompt(*row) for row in rows]


def insert_new(texts: Sequence[str], source: str, now: datetime, cursor: Cursor) -> int:
    """Append the prompts that are new, and return how many."""
    # ON CONFLICT would look every text up by itself: a hundred times slower at 40,000 prompts.
    rows = cursor.execute(
        """
        INSERT INTO prompts (text, source, created)
        SELECT text, $source, $now
        FROM (SELECT unnest($texts::VARCHAR[]) AS text, generate_subscripts($texts, 1) AS place)
        WHERE text NOT IN (SELECT text FROM prompts) ORDER BY place RETURNING 1
        """,
        {"texts": list(texts), "source": source, "now": now},
    )
    return len(rows.fetchall())


def clean_prompt(text: str, name: str) -> str:
    """Return a prompt without the space around it; raises InvalidPrompt that calls it `name`."""
    text = text.strip()
    if not text:
        raise InvalidPrompt(f"{name} is empty. Write what the image should show.")
    if len(text) > LONGEST:
        raise InvalidPrompt(
            f"{name} has {len(text):,} characters, and a prompt may have {LONGEST:,}. Shorten it."
        )
    if has_controls(text):
        raise InvalidPrompt(f"{name} holds control characters. Write it as plain text.")
    return text
