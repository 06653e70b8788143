"""Blind tests of two versions: their prompts, their pairs, and the votes on them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.database import Cursor, Database, Row
from storage.errors import InvalidTrial, UnknownTrial
from storage.records import QUESTIONS, Pair, Trial, TrialOptions, TrialVote, new_id
from storage.tables.pairs import SHOWN, insert_pair
from storage.tables.prompts import clean_prompt
from storage.tables.versions import version_name, version_number
from storage.timestamps import Clock

OPEN, ENDED = "open", "ended"

TRIALS = """
SELECT trials.*, newest.state, newest.note
FROM trials
JOIN (
    SELECT trial_id, arg_max(state, trial_state_id) AS state,
           arg_max_null(note, trial_state_id) AS note
    FROM trial_states GROUP BY trial_id
) AS newest USING (trial_id)
"""

VOTES = """
SELECT question, pairs.prompt, annotator, CASE
    WHEN winner = trial_pairs.after THEN 'after'
    WHEN winner = trial_pairs.before THEN 'before'
    WHEN verdict = 'skip' THEN 'skip'
    ELSE 'tie'
END
FROM trial_pairs
JOIN current_votes USING (pair_id)
JOIN pairs USING (pair_id)
WHERE trial_id = ?
ORDER BY vote_id
"""


@dataclass(frozen=True, slots=True)
class VersionImages:
    """The images that both versions rendered for one prompt and seed, by their ids."""

    prompt: str
    before: str
    after: str


class StoredBlindTests:
    """All blind tests of a studio; a state is one more row, and the newest one counts."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def create(
        self,
        base: str,
        before: str,
        after: str,
        prompts: Sequence[str],
        questions: Sequence[str] = QUESTIONS[:1],
        options: TrialOptions | None = None,
    ) -> Trial:
        """Record an open trial; from now on no run trains on its prompts.

        Raises UnknownVersion, InvalidPrompt or InvalidTrial.
        """
        texts = [clean_prompt(text, f"Prompt {n}") for n, text in enumerate(prompts, start=1)]
        texts = list(dict.fromkeys(texts))
        require_testable(before, after, texts, questions)
        now = self._clock()

        def insert(cursor: Cursor) -> str:
            number = next_number(cursor)
            trial_id = f"t{number:04d}"
            numbers = [version_number(cursor, base, name) for name in (before, after)]

            cursor.execute(
                "INSERT INTO trials VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [trial_id, number, base, *numbers, json.dumps(list(questions)),
                 json.dumps(options or {}), now],
            )  # fmt: skip
            rows = [[trial_id, place, text] for place, text in enumerate(texts)]
            cursor.executemany("INSERT INTO trial_prompts VALUES (?, ?, ?)", rows)
            append_state(cursor, trial_id, OPEN, None, now)
            return trial_id

        return self.get(self._database.write(insert))

    def set_state(self, trial_id: str, state: str, note: str | None = None) -> Trial:
        """Record a trial's state, with a note; raises UnknownTrial."""
        self.get(trial_id)
        now = self._clock()
        self._database.write(lambda cursor: append_state(cursor, trial_id, state, note, now))
        return self.get(trial_id)

    def get(self, trial_id: str) -> Trial:
        """Return the trial with this id; raises UnknownTrial."""
        rows = self._database.read(f"{TRIALS} WHERE trial_id = ?", [trial_id])
        if not rows:
            raise UnknownTrial(f"There is no blind test {trial_id!r}. Look at the list of them.")
        return self._trial_of(rows[0])

    def of_base(self, base: str) -> list[Trial]:
        """Return the trials of a model, newest first."""
        rows = self._database.read(f"{TRIALS} WHERE base = ? ORDER BY number DESC", [base])
        return [self._trial_of(row) for row in rows]

    def reserved_prompts(self) -> set[str]:
        """Return the prompts of all trials, which no run may train on."""
        return {text for (text,) in self._database.read("SELECT prompt FROM trial_prompts")}

    def labeled_prompts(self, base: str) -> set[str]:
        """Return the prompts of all pairs of a model that belong to no trial."""
        rows = self._database.read(
            "SELECT DISTINCT prompt FROM pairs WHERE base = ? "
            "AND pair_id NOT IN (SELECT pair_id FROM trial_pairs)",
            [base],
        )
        return {text for (text,) in rows}

    def add_pair(
        self,
        trial: Trial,
        place: int,
        prompt: str,
        question: str,
        sides: tuple[str, str],
        swap: bool,
    ) -> Pair:
        """Store a pair of image ids (before, after), shown the other way round if `swap`.

        `place` is the index of its prompt and seed within the trial. Raises UnknownImage.
        """
        before, after = sides
        left, right = (after, before) if swap else (before, after)
        pair = Pair(new_id(), prompt, left, right, trial.after, trial.trial_id, question)
        now = self._clock()

        def insert(cursor: Cursor) -> Pair:
            insert_pair(cursor, pair, trial.base, now)
            cursor.execute(
                "INSERT INTO trial_pairs VALUES (?, ?, ?, ?, ?, ?)",
                [pair.pair_id, trial.trial_id, place, question, before, after],
            )
            return pair

        return self._database.write(insert)

    def next_index(self, trial_id: str) -> int:
        """Return the index after that of the trial's last pair of images."""
        rows = self._database.read(
            "SELECT coalesce(max(place), -1) + 1 FROM trial_pairs WHERE trial_id = ?", [trial_id]
        )
        return int(rows[0][0])

    def waiting(self, trial_id: str) -> list[Pair]:
        """Return a trial's pairs without a current vote, oldest first."""
        rows = self._database.read(
            f"{SHOWN} WHERE trial_id = ? AND pair_id NOT IN (SELECT pair_id FROM current_votes) "
            "ORDER BY number",
            [trial_id],
        )
        return [Pair(*row) for row in rows]

    def image_pairs(self, trial_id: str) -> list[VersionImages]:
        """Return the images that both versions of a trial rendered, in order, voted on or not."""
        rows = self._database.read(
            "SELECT DISTINCT place, prompt, before, after FROM trial_pairs JOIN pairs "
            "USING (pair_id) WHERE trial_id = ? ORDER BY place",
            [trial_id],
        )
        return [VersionImages(*row[1:]) for row in rows]

    def votes(self, trial_id: str) -> list[TrialVote]:
        """Return the current votes on a trial, in the order in which they were given."""
        return [TrialVote(*row) for row in self._database.read(VOTES, [trial_id])]

    def _trial_of(self, row: Row) -> Trial:
        trial_id, _, base, before, after, questions, options, created, state, note = row
        prompts = self._database.read(
            "SELECT prompt FROM trial_prompts WHERE trial_id = ? ORDER BY place", [trial_id]
        )

        return Trial(
            trial_id=trial_id,
            base=base,
            before=version_name(before),
            after=version_name(after),
            questions=tuple(json.loads(questions)),
            options=json.loads(options),
            prompts=tuple(text for (text,) in prompts),
            created=created,
            state=state,
            note=note,
        )


def require_testable(
    before: str, after: str, prompts: Sequence[str], questions: Sequence[str]
) -> None:
    """Raise InvalidTrial without two different versions, a prompt and the questions."""
    if before == after:
        raise InvalidTrial(f"{after} cannot be tested against itself. Choose two versions.")
    if not prompts:
        raise InvalidTrial(
            "A blind test needs prompts that nobody voted on. Write some, one a line."
        )
    if QUESTIONS[0] not in questions or set(questions) - set(QUESTIONS):
        raise InvalidTrial(
            f"The questions must hold {QUESTIONS[0]!r} and be of {', '.join(QUESTIONS)}, "
            f"not {', '.join(questions) or 'none'}."
        )


def next_number(cursor: Cursor) -> int:
    """Return the number after the newest trial's."""
    row = cursor.execute("SELECT coalesce(max(number), 0) + 1 FROM trials").fetchall()[0]
    return int(row[0])


def append_state(
    cursor: Cursor, trial_id: str, state: str, note: str | None, now: datetime
) -> None:
    """Append a trial's state."""
    cursor.execute(
        "INSERT INTO trial_states (trial_id, state, note, created) VALUES (?, ?, ?, ?)",
        [trial_id, state, note, now],
    )
