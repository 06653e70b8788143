"""Automatic runs: when one starts by itself, with which settings, and what is asked before.

The settings are those saved with the project. A run that is expected to take long waits until
somebody has agreed to such runs once: now, tonight or not yet.
"""

from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any, TypedDict

from align.contracts.errors import InvalidInput, NotFound
from annotate.errors import InvalidRequest, InvalidSchedule
from annotate.training.automatic.trigger import Trigger, time_of_day
from annotate.training.planning.new_votes import RUN_SETTINGS, NewVotes
from annotate.views.next_run import LongRunQuestion
from annotate.views.training import PlanView
from storage.store import Store

SCHEDULE, ANSWER, DUE = "automatic_runs", "long_run_answer", "daily_run_due"
"""Names of the project settings that are kept here, besides the settings of runs."""
LONG_RUN_MIN = 10.0
"""Minutes from which on a run does not start by itself before somebody agreed."""
MUCH_LONGER = 2.0
"""An answer holds until runs take this much longer than what it was given for."""
ANSWERS = ("now", "tonight", "not_yet")
DAILY = "daily"
"""What starts a run once a day: it stays due until somebody agreed, and beyond the app's end."""
BY_ITSELF = "automatic runs"
"""Who notes that, as the store keeps it."""
EVENING = time(22, 0)
NIGHT = timedelta(hours=8)
ASK_AGAIN_VOTES = 50
"""New votes after which it is asked again, where no number of votes starts runs."""


class Answer(TypedDict):
    """An answer on long runs, as the project keeps it."""

    answer: str
    minutes: float
    """What the run was expected to take."""
    votes: int
    """New votes when it was given."""


class AutomaticRuns:
    """Starts of runs by themselves; called under the lock of the runs, and by the page."""

    def __init__(
        self,
        store: Store,
        trigger: Trigger,
        new_votes: NewVotes,
        plan: Callable[[dict[str, Any]], PlanView],
    ) -> None:
        self._values, self._trigger, self._new_votes = store.project_settings, trigger, new_votes
        self._plan = plan
        self._due: str | None = DAILY if self._values.get(DUE, False) else None
        self._planned: tuple[int, dict[str, Any], float] | None = None
        """New votes and settings of the newest plan, and its minutes."""
        self.question: LongRunQuestion | None = None
        """What somebody is asked before the run that is due starts; None for nothing."""
        saved = self._values.get(SCHEDULE, None)
        # A run that is due today stays due when another model is opened.
        if saved and (saved["every"], saved["at"]) != (trigger.every, in_clock_time(trigger.at)):
            trigger.change(saved["every"], saved["at"] or None)

    @property
    def settings(self) -> dict[str, Any]:
        """Return the settings of runs that are saved with the project."""
        return dict(self._values.get(RUN_SETTINGS, {}))

    def save_settings(self, settings: dict[str, Any], who: str) -> None:
        """Save the settings of runs with the project."""
        self._values.set(RUN_SETTINGS, settings, who)

    def change(self, every: object, at: object, who: str) -> None:
        """Change when runs start by themselves; raises InvalidSchedule."""
        votes, moment = as_vote_count(every), as_moment(at)
        self._trigger.change(votes, moment or None)
        self._values.set(SCHEDULE, {"every": votes, "at": moment}, who)
        self._forget()

    def answer(self, answer: object, who: str) -> None:
        """Take an answer on runs that take long: now, tonight or not_yet; raises InvalidRequest."""
        if answer not in ANSWERS:
            raise InvalidRequest(f"The answer must be one of {', '.join(ANSWERS)}, not {answer!r}.")
        new = self._new_votes.new_vote_count()
        minutes = self._minutes(new)
        self._values.set(ANSWER, {"answer": answer, "minutes": minutes, "votes": new}, who)
        self.question = None

    def poll(self) -> str | None:
        """Return what starts a run now, "threshold" or "daily", or None.

        Call it only while no run is under way. Raises InvalidRequest where the saved settings
        cannot be used.
        """
        now, new = self._trigger.now(), self._new_votes.new_vote_count()
        settled = self._new_votes.settled_count(new)
        reason = self._trigger.poll(now, new, settled)
        if reason is None and self._due == DAILY and new:
            # The trigger says so once a day only, and it was not agreed to yet.
            reason = DAILY if settled else None
        elif reason is None:
            self._forget()
        if reason is None:
            return None

        self._note_due(reason)
        if not self._may_start(now, new):
            return None
        self._forget()
        return reason

    def night_from(self) -> time:
        """Return the time after which a run starts that is to start tonight."""
        at = self._trigger.at
        return at if at and (at.hour >= 18 or at.hour < 6) else EVENING

    def _may_start(self, now: datetime, new: int) -> bool:
        """Return whether a run that is due may start; ask where nobody agreed to one so long."""
        minutes = self._minutes(new)
        if minutes <= LONG_RUN_MIN:
            return True

        answer: Answer | None = self._values.get(ANSWER, None)
        if answer and minutes <= MUCH_LONGER * answer["minutes"]:
            if answer["answer"] == "now":
                return True
            if answer["answer"] == "tonight":
                self.question = None
                return is_within(now, self.night_from(), NIGHT)
            if new < answer["votes"] + (self._trigger.every or ASK_AGAIN_VOTES):
                self.question = None
                return False
        tonight = in_clock_time(self.night_from())
        self.question = {"minutes": minutes, "votes": new, "tonight": tonight}
        return False

    def _minutes(self, new: int) -> float:
        """Return what the next run should take; planned anew only when votes or settings change."""
        settings = self.settings
        if self._planned is None or self._planned[:2] != (new, settings):
            try:
                minutes = self._plan(settings)["minutes"]
            except (InvalidInput, NotFound) as error:
                raise InvalidRequest(
                    f"A run is due, and its saved settings cannot be used: {error} Change them on "
                    "the Train tab and save them."
                ) from None
            self._planned = (new, settings, minutes)
        return self._planned[2]

    def _note_due(self, reason: str | None) -> None:
        """Note which run is due; a daily one in the project's settings, for the next app."""
        if (reason == DAILY) != (self._due == DAILY):
            self._values.set(DUE, reason == DAILY, BY_ITSELF)
        self._due = reason

    def _forget(self) -> None:
        self._note_due(None)
        self.question = None


def as_vote_count(every: object) -> int:
    """Return a number of votes, 0 for never; raises InvalidSchedule."""
    if isinstance(every, float) and every.is_integer():
        every = int(every)
    if every is None or every == "":
        return 0
    if isinstance(every, bool) or not isinstance(every, int) or every < 0:
        raise InvalidSchedule(
            f"A run cannot start every {every} votes. Choose 1 or more, or 0 for never."
        )
    return every


def as_moment(at: object) -> str:
    """Return a local time as HH:MM, or an empty text for none; raises InvalidSchedule."""
    if at is None or at == "":
        return ""
    if not isinstance(at, str):
        raise InvalidSchedule(f"{at!r} is no time of day. Write it as HH:MM, such as 02:30.")
    return in_clock_time(time_of_day(at)) if at.strip() else ""


def in_clock_time(moment: time | None) -> str:
    """Return a time of day as HH:MM; an empty text for none."""
    return f"{moment:%H:%M}" if moment else ""


def is_within(now: datetime, start: time, length: timedelta) -> bool:
    """Return whether a time is in the hours from a time of day on, past midnight too."""
    today = datetime.combine(now.date(), start)
    return any(begin <= now < begin + length for begin in (today, today - timedelta(days=1)))
