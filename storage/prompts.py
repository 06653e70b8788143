"""The prompts that pictures are drawn from."""

from collections.abc import Sequence

from storage.clock import Clock
from storage.database import Cursor, Database
from storage.errors import InvalidPrompt
from storage.records import Prompt
from storage.text import has_controls

LONGEST = 2_000


class Prompts:
    """All prompts of a studio, each text once."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def add(self, texts: Sequence[str], source: str) -> int:
        """Add prompts and return how many were new; none is added if one raises InvalidPrompt."""
        cleaned = [clean_prompt(text, f"Line {line}") for line, text in enumerate(texts, start=1)]
        now = self._clock()

        def insert(cursor: Cursor) -> int:
            rows = cursor.execute(
                """
                INSERT INTO prompts (text, source, created)
                SELECT unnest(?::VARCHAR[]), ?, ?
                ON CONFLICT DO NOTHING RETURNING prompt_id
                """,
                [list(dict.fromkeys(cleaned)), source, now],
            )
            return len(rows.fetchall())

        return self._database.write(insert)

    def all(self) -> list[Prompt]:
        """Return every prompt, in the order they were added."""
        rows = self._database.read("SELECT prompt_id, text, source FROM prompts ORDER BY prompt_id")
        return [Prompt(*row) for row in rows]


def clean_prompt(text: str, name: str) -> str:
    """Return a prompt without the space around it; raises InvalidPrompt that calls it `name`."""
    text = text.strip()
    if not text:
        raise InvalidPrompt(f"{name} is empty. Write what the picture should show.")
    if len(text) > LONGEST:
        raise InvalidPrompt(
            f"{name} has {len(text):,} characters, and a prompt may have {LONGEST:,}. Shorten it."
        )
    if has_controls(text):
        raise InvalidPrompt(f"{name} holds control characters. Write it as plain text.")
    return text
