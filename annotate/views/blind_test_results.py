"""Blind tests: what their votes say so far."""

from typing import TypedDict

WinsLossesTies = tuple[int, int, int]
"""Votes for the version after, for the version before, and for neither."""


class QuestionResults(TypedDict):
    """Votes on one question, in terms of the version after."""

    wins: int
    """Votes for the version after."""
    losses: int
    """Votes for the version before."""
    ties: int
    """Votes for neither: tie, both_good and both_bad."""
    skipped: int
    rate: float | None
    """Wins among the decisive votes; null without any."""
    low: float
    """Lower end of the rate's 95 % Wilson interval."""
    high: float
    """Its upper end."""
    over_prompts: tuple[float, float] | None
    """95 % interval of a bootstrap over prompts; null with fewer than two of them."""
    log_e: float
    """Logarithm of the e-value: from log 20 on the outcome is settled."""
    outcome: str | None
    """better, worse, or null while the votes leave it open."""


class BlindTestVerdict(TypedDict):
    """Votes of a blind test, counted by question, by prompt and by person."""

    votes: int
    """Votes on the deciding question, which is overall."""
    outcome: str | None
    """better, worse, or null while the votes leave it open."""
    votes_needed: tuple[int, int] | None
    """Range of the decisive votes still needed, simulated; null once there is an outcome."""
    questions: dict[str, QuestionResults]
    """overall, and where they are asked appeal and fidelity."""
    by_prompt: dict[str, WinsLossesTies]
    """Wins, losses and ties on the deciding question, by prompt; most votes first."""
    by_person: dict[str, WinsLossesTies]
    """The same by annotator."""


class BlindTestSettings(TypedDict):
    """Versions that a blind test compares, and whether it goes on."""

    trial: str
    """Id of the test, under the name of the release before."""
    before: str
    """The version that is the baseline."""
    after: str
    """The version that is the candidate."""
    state: str
    """open or ended."""
    note: str | None
    """Why it ended, or what was done about its verdict."""
    created: str
    """ISO 8601 in UTC, without a zone."""
    mixed: bool
    """Its pairs come in between others for everybody."""
    act: bool
    """Whether the winner is made active, under the name of the release before."""
    prompts: int
    """How many prompts are rendered, with new seeds again and again."""
    problem: str | None
    """Why no image can be rendered just now."""


class BlindTestView(BlindTestSettings, BlindTestVerdict):
    """A blind test with its verdict so far."""


class BlindTestCard(BlindTestView):
    """A blind test as the page shows it."""

    report_url: str | None
    """Relative URL of its saved report."""


class BlindTestAnswer(BlindTestView):
    """A blind test as endpoints answer it: renamed keys are there under both names."""

    blind_test: str
    """Id of the test, such as t0001."""
    activate_winner: bool
    """Whether the winner is made active once there is an outcome."""


class BlindTestProgress(TypedDict):
    """A blind test without who leads, which would sway its voters."""

    trial: str
    before: str
    after: str
    state: str
    votes: int
    votes_needed: tuple[int, int] | None
    problem: str | None
    note: str | None
    settled: bool
    """There is an outcome."""


class SavedReport(TypedDict):
    """A report of a blind test, saved among the exports."""

    trial: str
    """Id of the test, under the name of the release before."""
    saved: str
    """Path within the studio folder."""
    url: str | None
    """URL of its page, relative to the server's root."""


class SavedReportAnswer(SavedReport):
    """A saved report as the endpoint answers it."""

    blind_test: str
    """Id of the test, such as t0001."""
