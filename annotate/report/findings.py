"""What an evaluation says, in plain sentences; page and Markdown say the same."""

from datetime import UTC, datetime

from annotate.report.evaluation import Evaluation, Rate, Score, Verdict

EVEN = 0.5
OUTCOMES = {
    "better": "people prefer it",
    "worse": "people prefer the one before",
    "same": "people see no difference worth the name",
}


def title(evaluation: Evaluation) -> str:
    """Name the report."""
    names = [version.name for version in evaluation.versions]
    return f"{evaluation.model}: {', '.join(names)}" if names else evaluation.model


def moment(created: str | None) -> str:
    """Say when an evaluation was made, as it says itself where that is no moment."""
    try:
        return datetime.fromisoformat(created or "").astimezone(UTC).strftime("%d %b %Y, %H:%M UTC")
    except ValueError:
        return created or ""


def checks_sentence(evaluation: Evaluation) -> str:
    """Say whether the checks let a version through."""
    several = len({check.version for check in evaluation.checks}) > 1
    failed = [
        f"{check.name} of {check.version}" if several else check.name
        for check in evaluation.checks
        if not check.passed
    ]
    number = len(evaluation.checks)
    passed = evaluation.passed if evaluation.passed is not None else not failed
    if passed and not failed:
        return f"All {number} checks passed." if number != 1 else "The check passed."
    if not failed:
        return "The evaluation failed, though no single check did."
    held = "Held back" if not passed else "Let through all the same"
    return f"{held}: {', '.join(failed)} failed, of {number} checks."


def percent(share: float) -> str:
    """Say a share."""
    return f"{100 * share:.0f} %"


def interval(won: Rate) -> str:
    """Say a rate and how sure it is."""
    if won.low is None or won.high is None:
        return percent(won.rate)
    return f"{percent(won.rate)} ({percent(won.low)} to {percent(won.high)})"


def verdict_sentence(verdict: Verdict) -> str:
    """Say what people preferred, and whether that is settled."""
    votes = verdict.wins + verdict.losses
    if not votes:
        return f"No decisive vote on {verdict.after} against {verdict.before} yet."
    counted = f"{verdict.after} won {verdict.wins} of {votes} decisive votes against "
    counted += f"{verdict.before}, with {verdict.ties} ties"
    if verdict.outcome is not None:
        return f"{counted}. Settled: {OUTCOMES.get(verdict.outcome, verdict.outcome)}."
    return f"{counted}. Not settled yet{_leaning(verdict.won)}."


def score_name(score: Score) -> str:
    """Name a score in a plot or table."""
    return f"{score.scorer}, {score.version}"


def verdict_name(verdict: Verdict) -> str:
    """Name a verdict in a plot or table."""
    return f"{verdict.after} over {verdict.before}, {verdict.question}"


def _leaning(won: Rate | None) -> str:
    if won is None or won.low is None or won.high is None:
        return ""
    if won.low > EVEN:
        return ", though the interval lies above one half; looking early needs more than that"
    if won.high < EVEN:
        return ", though the interval lies below one half; looking early needs more than that"
    return ": the interval holds one half"
