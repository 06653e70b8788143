"""Prompts that images are rendered from, and what people changed about them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from storage.database import Cursor, Database
from storage.errors import InvalidPrompt, UnknownPrompt
from storage.records import Prompt
from storage.text import has_controls
from storage.timestamps import Clock

LONGEST = 2_000
"""Characters of a prompt."""
PROMPTS_PER_TRANSACTION = 4_000
"""Some 20 ms each, for which a vote may have to wait."""
IN_USE, REMOVED = "in use", "removed"
EDITED = "edited"
"""Source of a prompt that took the place of another one."""

CHANGE = """
INSERT INTO prompt_changes (prompt_id, state, weight, replaced_by, own, who, created)
SELECT prompt_id, coalesce($state, state), coalesce($weight, weight), $replaced_by, $own, $who, $now
FROM current_prompts WHERE list_contains($prompt_ids::BIGINT[], prompt_id)
RETURNING prompt_id
"""

USES = """
SELECT prompt, count(DISTINCT pairs.pair_id), count(key)
FROM pairs LEFT JOIN current_votes USING (pair_id)
WHERE pairs.base = $base AND list_contains($texts::VARCHAR[], prompt)
GROUP BY prompt
"""

UNVOTED = """
SELECT pair_id FROM pairs
WHERE base = $base AND version <> 'imported' AND prompt IN (SELECT unnest($texts::VARCHAR[]))
  AND pair_id NOT IN (SELECT pair_id FROM trial_pairs)
  AND pair_id NOT IN (SELECT pair_id FROM control_pairs)
  AND pair_id NOT IN (SELECT pair_id FROM current_votes)
"""

WAITING = """
SELECT DISTINCT prompt FROM (
    SELECT prompt FROM pairs WHERE base = $base AND version <> 'imported'
        AND pair_id NOT IN (SELECT pair_id FROM current_votes)
    UNION ALL
    SELECT prompt FROM quads WHERE base = $base
        AND quad_id NOT IN (SELECT quad_id FROM current_rankings)
) ORDER BY prompt
"""

UNRANKED = """
SELECT quad_id FROM quads
WHERE base = $base AND prompt IN (SELECT unnest($texts::VARCHAR[]))
  AND quad_id NOT IN (SELECT quad_id FROM current_rankings)
"""


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


@dataclass(frozen=True, slots=True)
class PromptState:
    """A prompt as it is now."""

    prompt_id: int
    text: str
    source: str
    removed: bool = False
    weight: float = 1.0
    """How often it comes, beside others."""
    replaced_by: int | None = None
    """The prompt that took its place."""
    own: bool = False
    """True if somebody added it, although a list had brought it before."""


@dataclass(frozen=True, slots=True)
class PromptUse:
    """What was made of a prompt."""

    pairs: int = 0
    votes: int = 0


class PromptChanges:
    """Removals, weights and edits of prompts, each one more row."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    def current(self) -> list[PromptState]:
        """Return every prompt as it is now, in the order they were added."""
        rows = self._database.read(
            "SELECT prompt_id, text, source, state = 'removed', weight, replaced_by, own "
            "FROM current_prompts ORDER BY prompt_id"
        )
        return [PromptState(*row) for row in rows]

    def change(
        self,
        prompt_ids: Sequence[int],
        who: str,
        removed: bool | None = None,
        weight: float | None = None,
        own: bool = False,
    ) -> None:
        """Remove prompts, use them again, or say how often they come; None leaves that as it is.

        With `own` they are prompts of the project from now on, not of a list alone. Nothing is
        changed if one of them raises UnknownPrompt.
        """
        state = None if removed is None else REMOVED if removed else IN_USE
        given = {"prompt_ids": list(prompt_ids), "state": state, "weight": weight, "own": own}
        self._database.write(lambda cursor: self._append(cursor, given, who))

    def replace(self, prompt_id: int, text: str, who: str) -> None:
        """Let a new text take the place of a prompt, which votes and pairs keep as it was.

        Raises InvalidPrompt or UnknownPrompt.
        """
        cleaned = clean_prompt(text, "The prompt")

        def write(cursor: Cursor) -> None:
            insert_new([cleaned], EDITED, self._clock(), cursor)
            new, weight = cursor.execute(
                "SELECT prompt_id, (SELECT weight FROM current_prompts WHERE prompt_id = ?) "
                "FROM prompts WHERE text = ?",
                [prompt_id, cleaned],
            ).fetchall()[0]
            taken = {"prompt_ids": [prompt_id], "state": REMOVED, "replaced_by": new}
            if new != prompt_id:
                self._append(cursor, taken, who)
            used = {"prompt_ids": [new], "state": IN_USE, "weight": weight, "own": True}
            self._append(cursor, used, who)

        self._database.write(write)

    def uses(self, base: str, texts: Sequence[str]) -> dict[str, PromptUse]:
        """Count the pairs of a model and the votes on them, by prompt; unused ones are missing."""
        rows = self._database.read(USES, {"base": base, "texts": list(texts)})
        return {text: PromptUse(pairs, votes) for text, pairs, votes in rows}

    def unvoted(self, base: str, texts: Sequence[str]) -> set[str]:
        """Return the rendered pairs of these prompts without a vote."""
        rows = self._database.read(UNVOTED, {"base": base, "texts": list(texts)}) if texts else []
        return {pair_id for (pair_id,) in rows}

    def waiting(self, base: str) -> list[str]:
        """Return the prompts of rendered pairs without a vote, and of quads without a ranking."""
        return [text for (text,) in self._database.read(WAITING, {"base": base})]

    def unranked(self, base: str, texts: Sequence[str]) -> set[str]:
        """Return the quads of these prompts without a ranking."""
        rows = self._database.read(UNRANKED, {"base": base, "texts": list(texts)}) if texts else []
        return {quad_id for (quad_id,) in rows}

    def _append(self, cursor: Cursor, given: Mapping[str, object], who: str) -> None:
        """Append a change of some prompts, inside the caller's transaction."""
        unchanged = {"state": None, "weight": None, "replaced_by": None, "own": False}
        values: dict[str, object] = {**unchanged, **given, "who": who, "now": self._clock()}
        changed = {number for (number,) in cursor.execute(CHANGE, values).fetchall()}
        asked = given["prompt_ids"]
        assert isinstance(asked, list)
        if unknown := sorted(set(asked) - changed):
            raise UnknownPrompt(f"There is no prompt {unknown[0]}. Reload the list of prompts.")


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
