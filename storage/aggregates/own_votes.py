"""One annotator's current votes, newest first, to look through."""

from dataclasses import dataclass, field
from datetime import datetime

from storage.acts import CRITERION, REASON, STRENGTH
from storage.database import Database
from storage.records import Verdict

# A page of votes is read by their ids, so that a vote that comes meanwhile moves none of them.
OWN = """
SELECT vote_id, v.key, v.pair_id, v.verdict, v.created
FROM current_votes AS v JOIN pairs USING (pair_id)
WHERE v.base = $base AND v.annotator = $who
  AND ($verdict = '' OR v.verdict = $verdict)
  AND ($prompt = '' OR contains(lower(prompt), lower($prompt)))
"""

# Whether a test has ended is looked up for the votes of a page alone.
PAGE = f"""
SELECT *, pair_id IN (
    SELECT pair_id FROM trial_pairs WHERE trial_id IN (
        SELECT trial_id FROM trial_states GROUP BY trial_id
        HAVING arg_max(state, trial_state_id) = 'ended'))
FROM (SELECT * FROM ({OWN}) WHERE $before = 0 OR vote_id < $before
      ORDER BY vote_id DESC LIMIT $most)
ORDER BY vote_id DESC
"""

RANKINGS = """
SELECT ranking_id, prompt, images, best, worst, r.created
FROM current_rankings AS r JOIN quads USING (quad_id)
WHERE r.base = $base AND r.annotator = $who
  AND ($prompt = '' OR contains(lower(prompt), lower($prompt)))
"""

PAGE_OF_RANKINGS = f"""
SELECT * FROM ({RANKINGS}) WHERE $before = 0 OR ranking_id < $before
ORDER BY ranking_id DESC LIMIT $most
"""

ANNOTATIONS = """
SELECT vote_id, kind, name, CASE value WHEN pairs.left_image THEN 'left'
    WHEN pairs.right_image THEN 'right' ELSE value END
FROM current_annotations JOIN votes USING (vote_id) JOIN pairs USING (pair_id)
WHERE list_contains($votes, vote_id) ORDER BY vote_id, kind, name
"""


@dataclass(slots=True)
class OwnVote:
    """A current vote with what was said about it."""

    vote_id: int
    key: str
    pair_id: str
    verdict: Verdict
    created: datetime
    fixed: bool = False
    """True if it was given in a blind test that has ended, so that it stays as it is."""
    strong: bool = False
    reasons: list[str] = field(default_factory=list)
    criteria: dict[str, str] = field(default_factory=dict)
    """What won by each criterion: left, right or tie."""


@dataclass(frozen=True, slots=True)
class OwnRanking:
    """A current ranking of four images, the best and the worst by id; None where skipped."""

    ranking_id: int
    prompt: str
    images: list[str]
    best: str | None
    worst: str | None
    created: datetime


@dataclass(frozen=True, slots=True)
class OwnVotesFilter:
    """Which votes to return; an empty text is every one."""

    verdict: str = ""
    prompt: str = ""
    """A part of the prompt, in any case."""


class OwnVotes:
    """Reader of the votes of one annotator on one model's pairs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(
        self, base: str, annotator: str, wanted: OwnVotesFilter, before: int, most: int
    ) -> list[OwnVote]:
        """Return up to `most` votes, newest first, with ids below `before`; 0 is from the newest.

        Votes on control pairs and in blind tests are among them like any other.
        """
        known = {**asked(base, annotator, wanted), "before": before, "most": most}
        rows = self._database.read(PAGE, known)
        votes = {
            vote_id: OwnVote(vote_id, key, pair_id, Verdict(verdict), created, fixed)
            for vote_id, key, pair_id, verdict, created, fixed in rows
        }
        annotations = self._database.read(ANNOTATIONS, {"votes": list(votes)}) if votes else []
        for vote_id, kind, name, value in annotations:
            annotate(votes[vote_id], kind, name, value)
        return list(votes.values())

    def count(self, base: str, annotator: str, wanted: OwnVotesFilter) -> int:
        """Count the votes that a filter leaves."""
        rows = self._database.read(
            f"SELECT count(*) FROM ({OWN})", dict(asked(base, annotator, wanted))
        )
        return int(rows[0][0])

    def rankings(
        self, base: str, annotator: str, prompt: str, before: int, most: int
    ) -> list[OwnRanking]:
        """Return up to `most` rankings, newest first, with ids below `before`; 0 is the newest."""
        known = {"base": base, "who": annotator, "prompt": prompt}
        rows = self._database.read(PAGE_OF_RANKINGS, {**known, "before": before, "most": most})
        return [OwnRanking(*row) for row in rows]

    def count_rankings(self, base: str, annotator: str, prompt: str) -> int:
        """Count the rankings of prompts that hold a text."""
        known = {"base": base, "who": annotator, "prompt": prompt}
        return int(self._database.read(f"SELECT count(*) FROM ({RANKINGS})", known)[0][0])


def asked(base: str, annotator: str, wanted: OwnVotesFilter) -> dict[str, object]:
    """Return the parameters of OWN."""
    return {"base": base, "who": annotator, "verdict": wanted.verdict, "prompt": wanted.prompt}


def annotate(vote: OwnVote, kind: str, name: str, value: str) -> None:
    """Add an annotation to its vote."""
    if kind == STRENGTH:
        vote.strong = True
    elif kind == REASON:
        vote.reasons.append(name)
    elif kind == CRITERION:
        vote.criteria[name] = value
