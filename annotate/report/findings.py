"""Findings of an evaluation in sentences, the same in the HTML page and in Markdown."""

from datetime import UTC, datetime

from annotate.report.evaluation import Evaluation, ScorerResult, VerdictResult, WinRate
from annotate.wording import percent, quantity

EVEN = 0.5
"""The win rate of two equal versions."""
OUTCOMES = {
    "better": "people prefer it",
    "worse": "people prefer the one before",
    "same": "people see no difference worth the name",
}


def title(evaluation: Evaluation) -> str:
    """Return the report's title: the model and its versions."""
    names = [version.name for version in evaluation.versions]
    return f"{evaluation.model}: {', '.join(names)}" if names else evaluation.model


def moment(created: str | None) -> str:
    """Return the time of an evaluation in UTC; an unreadable time as it is written."""
    try:
        return datetime.fromisoformat(created or "").astimezone(UTC).strftime("%d %b %Y, %H:%M UTC")
    except ValueError:
        return created or ""


def checks_sentence(evaluation: Evaluation) -> str:
    """Return a sentence on whether the versions passed their release checks."""
    several = len({check.version for check in evaluation.checks}) > 1
    failed = [
        f"{check.name} of {check.version}" if several else check.name
        for check in evaluation.checks
        if not check.passed
    ]
    number = len(evaluation.checks)
    # The file's own outcome wins: it may follow from more than the single checks.
    passed = evaluation.passed if evaluation.passed is not None else not failed
    if passed and not failed:
        return f"All {number} checks passed." if number != 1 else "The check passed."
    if not failed:
        return "The evaluation failed, though no single check did."
    held = "Held back" if not passed else "Let through all the same"
    return f"{held}: {', '.join(failed)} failed, of {number} checks."


def number(value: float | None) -> str:
    """Format a number with three significant digits; a dash for None."""
    return "–" if value is None else f"{value:.3g}"


def rated(evaluation: Evaluation) -> list[tuple[str, WinRate]]:
    """Return every win rate with its label: those of people first, then those of scorers."""
    rows = [(verdict_name(verdict), verdict.win_rate) for verdict in evaluation.verdicts]
    rows += [(score_name(score), score.win_rate) for score in evaluation.scores]
    return [(name, win_rate) for name, win_rate in rows if win_rate is not None]


def interval(win_rate: WinRate) -> str:
    """Format a win rate with its interval."""
    if win_rate.low is None or win_rate.high is None:
        return percent(win_rate.rate)
    return f"{percent(win_rate.rate)} ({percent(win_rate.low)} to {percent(win_rate.high)})"


def verdict_sentence(verdict: VerdictResult) -> str:
    """Return a sentence on what people preferred, and on whether the verdict is settled."""
    votes = verdict.wins + verdict.losses
    if not votes:
        return f"Nobody has chosen between {verdict.after} and {verdict.before} yet."

    counted = f"{verdict.after} won {verdict.wins} of {quantity(votes, 'choice')} against "
    counted += f"{verdict.before}, with {quantity(verdict.ties, 'tie')}"
    if verdict.outcome is not None:
        return f"{counted}. Settled: {OUTCOMES.get(verdict.outcome, verdict.outcome)}."
    return f"{counted}. Not settled yet{_leaning(verdict.win_rate)}."


def score_name(score: ScorerResult) -> str:
    """Return the label of a scorer's result in a plot or table."""
    return f"{score.scorer}, {score.version}"


def verdict_name(verdict: VerdictResult) -> str:
    """Return the label of a verdict in a plot or table."""
    return f"{verdict.after} over {verdict.before}, {verdict.question}"


def _leaning(win_rate: WinRate | None) -> str:
    """Return what the interval suggests before the verdict is settled.

    The interval holds for one look at the end; the sequential test behind the verdict may be looked
    at after every vote, and asks for more.
    """
    if win_rate is None or win_rate.low is None or win_rate.high is None:
        return ""
    if win_rate.low > EVEN:
        return ", though the interval lies above one half; looking early needs more than that"
    if win_rate.high < EVEN:
        return ", though the interval lies below one half; looking early needs more than that"
    return ": the interval holds one half"
