"""What a blind test's votes say: by question, by prompt, by person."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from annotate.statistics.intervals import Tally, bootstrap_over_prompts, wilson_interval
from annotate.statistics.sequential_test import log_e_value, outcome, votes_needed
from storage.records import QUESTIONS, TrialVote

DECIDING = QUESTIONS[0]
"""The question whose votes settle a verdict; the others are told beside it."""


class VerdictCalculator:
    """Adds up votes; simulations are remembered by what they started from."""

    def __init__(self) -> None:
        self._needed: dict[Tally, tuple[int, int] | None] = {}

    def outcome(self, votes: Sequence[TrialVote]) -> str | None:
        """better, worse, or None while it cannot be called."""
        return outcome(tally([vote for vote in votes if vote.question == DECIDING]))

    def verdict(self, questions: Sequence[str], votes: Sequence[TrialVote]) -> dict[str, Any]:
        """Everything about a trial's votes, in values that JSON can hold."""
        asked = {name: [v for v in votes if v.question == name] for name in questions}
        deciding = asked[DECIDING]
        total = tally(deciding)
        return {
            "votes": len(deciding),
            "outcome": outcome(total),
            "votes_needed": self._range(total),
            "questions": {name: told(some) for name, some in asked.items()},
            "by_prompt": grouped(deciding, lambda vote: vote.prompt),
            "by_person": grouped(deciding, lambda vote: vote.annotator),
        }

    def _range(self, total: Tally) -> tuple[int, int] | None:
        plain = Tally(total.wins, total.losses)
        if plain not in self._needed:
            self._needed[plain] = votes_needed(plain)
        return self._needed[plain]


def tally(votes: Sequence[TrialVote]) -> Tally:
    """Count votes by what they say; skips say nothing."""
    results = [vote.result for vote in votes]
    return Tally(results.count("after"), results.count("before"), results.count("tie"))


def told(votes: Sequence[TrialVote]) -> dict[str, Any]:
    """One question's numbers: the rate over decisive votes, its interval, and one over prompts."""
    total = tally(votes)
    by_prompt = defaultdict(list)
    for vote in votes:
        by_prompt[vote.prompt].append(vote)
    resampled = bootstrap_over_prompts({prompt: tally(some) for prompt, some in by_prompt.items()})
    low, high = wilson_interval(total)
    return {
        "wins": total.wins,
        "losses": total.losses,
        "ties": total.ties,
        "skipped": len(votes) - total.decisive - total.ties,
        "rate": total.rate,
        "low": low,
        "high": high,
        "over_prompts": resampled,
        "log_e": log_e_value(total.wins, total.losses),
        "outcome": outcome(total),
    }


def grouped(
    votes: Sequence[TrialVote], key: Callable[[TrialVote], str]
) -> dict[str, tuple[int, int, int]]:
    """Wins, losses and ties by some key, those with most votes first."""
    groups = defaultdict(list)
    for vote in votes:
        groups[key(vote)].append(vote)
    largest = sorted(groups, key=lambda name: (-len(groups[name]), name))
    tallies = {name: tally(groups[name]) for name in largest}
    return {name: (t.wins, t.losses, t.ties) for name, t in tallies.items()}
