"""Verdict of a blind test: its votes counted by question, by prompt and by person.

The test is that of statistics.sequential_test, whose result may be looked at after every vote.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence

from align.intervals import Tally, bootstrap_over_prompts, wilson_interval
from annotate.statistics.sequential_test import log_e_value, outcome, votes_needed
from annotate.views.blind_test_results import BlindTestVerdict, QuestionResults, WinsLossesTies
from storage.records import QUESTIONS, TrialVote

DECIDING_QUESTION = QUESTIONS[0]
"""The question whose votes settle the verdict; the others are only reported."""


class VerdictCalculator:
    """Calculator of verdicts; caches the simulations of how many votes are still needed."""

    def __init__(self) -> None:
        self._votes_needed: dict[Tally, tuple[int, int] | None] = {}

    def outcome(self, votes: Sequence[TrialVote]) -> str | None:
        """Return "better" or "worse" once the verdict is settled, None before."""
        return outcome(self.total(votes))

    def total(self, votes: Sequence[TrialVote]) -> Tally:
        """Count the votes that settle the verdict."""
        return tally([vote for vote in votes if vote.question == DECIDING_QUESTION])

    def verdict(self, questions: Sequence[str], votes: Sequence[TrialVote]) -> BlindTestVerdict:
        """Summarize the votes of a blind test.

        `questions` are those asked; the deciding one is among them.
        """
        by_question = {name: [v for v in votes if v.question == name] for name in questions}
        deciding = by_question[DECIDING_QUESTION]
        total = tally(deciding)

        return {
            "votes": len(deciding),
            "outcome": outcome(total),
            "votes_needed": self._needed_range(total),
            "questions": {name: question_results(some) for name, some in by_question.items()},
            "by_prompt": grouped(deciding, lambda vote: vote.prompt),
            "by_person": grouped(deciding, lambda vote: vote.annotator),
        }

    def _needed_range(self, total: Tally) -> tuple[int, int] | None:
        """Return how many more votes the verdict needs, a range from simulations, or None."""
        # Ties do not move the test, so they are no part of the cache's key.
        decisive = Tally(total.wins, total.losses)
        if decisive not in self._votes_needed:
            self._votes_needed[decisive] = votes_needed(decisive)
        return self._votes_needed[decisive]


def tally(votes: Sequence[TrialVote]) -> Tally:
    """Count wins of `after`, wins of `before`, and ties; skips count as nothing."""
    results = [vote.result for vote in votes]
    return Tally(results.count("after"), results.count("before"), results.count("tie"))


def question_results(votes: Sequence[TrialVote]) -> QuestionResults:
    """Return one question's counts, win rate and intervals.

    The rate is over decisive votes; `low` and `high` are its Wilson interval, `over_prompts` the
    interval of a bootstrap over prompts.
    """
    total = tally(votes)
    by_prompt = defaultdict(list)
    for vote in votes:
        by_prompt[vote.prompt].append(vote)
    # Votes on one prompt resemble each other, so the interval over prompts is the wider one.
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
) -> dict[str, WinsLossesTies]:
    """Return wins, losses and ties by a key, those with the most votes first."""
    groups = defaultdict(list)
    for vote in votes:
        groups[key(vote)].append(vote)

    largest = sorted(groups, key=lambda name: (-len(groups[name]), name))
    tallies = {name: tally(groups[name]) for name in largest}
    return {name: (t.wins, t.losses, t.ties) for name, t in tallies.items()}
