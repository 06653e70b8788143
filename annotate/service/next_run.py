"""The next run: settings that are saved with the project, its preview, and automatic runs."""

from typing import Any

from align.contracts.durations import in_words
from align.contracts.errors import InvalidInput, NotFound, PalateError
from align.contracts.models import ModelInfo
from annotate.errors import NothingToLearn
from annotate.interfaces import Trainer
from annotate.training.automatic.activation_policy import ActivationPolicy
from annotate.training.automatic.automatic_runs import in_clock_time
from annotate.training.automatic.trigger import Trigger
from annotate.training.planning.new_votes import NewVotes
from annotate.training.planning.run_form import readiness
from annotate.training.runs import TrainingRuns
from annotate.validation import as_settings
from annotate.views.next_run import (
    AutomaticRunsView,
    LongRunQuestion,
    PolicyActivation,
    RunPreview,
    SavedRunSettings,
)
from annotate.wording import quantity
from storage.store import Store


class NextRun:
    """Settings and start of the next run; thread-safe."""

    def __init__(
        self,
        store: Store,
        runs: TrainingRuns,
        trainer: Trainer,
        model: ModelInfo,
        model_id: str,
        trigger: Trigger,
        new_votes: NewVotes,
        policy: ActivationPolicy,
    ) -> None:
        self._runs, self._automatic, self._policy = runs, runs.automatic, policy
        self._trigger, self._new_votes = trigger, new_votes
        self._store, self._model_id = store, model_id
        self.known = trainer.setting_fields(model)
        """Every setting of a run on this model, with its default and what it means."""

    def saved(self) -> SavedRunSettings:
        """Return the saved settings of runs, and what may be set."""
        return {"settings": self._automatic.settings, "known": self.known}

    def save(self, settings: dict[str, Any] | str, who: str) -> SavedRunSettings:
        """Save settings of runs, which automatic ones use too; raises as `plan` does."""
        given = as_settings(settings)
        try:
            self._runs.plan(given)
        except NothingToLearn:
            # They are saved before there is a vote, too.
            pass
        self._automatic.save_settings(given, who)
        return self.saved()

    def annotators(self) -> dict[str, int]:
        """Return who gave votes that a run may learn from, with how many."""
        return self._store.snapshots.annotators(self._model_id)

    def preview(self, settings: dict[str, Any] | str) -> RunPreview:
        """Return what a run with these settings would be, and whether one makes sense now."""
        try:
            plan = self._runs.plan(as_settings(settings))
        except NothingToLearn as error:
            return preview(reason=str(error))
        except PalateError as error:
            return preview(error=str(error), field=field_at_fault(error))

        ready = readiness(plan, self._runs.running is not None)
        return {**preview(ready.reason), "plan": plan, "possible": ready.possible}

    def automatic(self) -> AutomaticRunsView:
        """Return when runs start by themselves, and versions become active by themselves."""
        new = self._new_votes.new_vote_count()
        return {
            "every": self._trigger.every,
            "at": in_clock_time(self._trigger.at),
            "until_next": self._trigger.until_next(new),
            "activation": self._policy.choice,
            "question": self.question,
            "activated": self._policy.activated(),
        }

    @property
    def question(self) -> LongRunQuestion | None:
        """What somebody is asked before a long run that is due starts; None for nothing."""
        return None if self._runs.running else self._automatic.question

    @property
    def newest_activation(self) -> PolicyActivation | None:
        """The version that became active by itself and still is; None for none."""
        return self._policy.newest()

    def notices(self) -> list[str]:
        """Return a sentence on a run that is due and waits for an answer, if one does."""
        if not (question := self.question):
            return []
        return [
            f"{question_sentence(question)} Answer on the Train tab, or by answer_automatic_run: "
            "now, tonight or not_yet."
        ]

    def change_automatic(
        self, every: object, at: object, activation: object, who: str
    ) -> AutomaticRunsView:
        """Change them; raises InvalidSchedule or InvalidRequest."""
        # All are checked before any is kept.
        self._policy.require(activation)
        self._automatic.change(every, at, who)
        self._policy.choose(activation, who)
        return self.automatic()

    def answer(self, answer: str, who: str) -> AutomaticRunsView:
        """Answer whether long runs start by themselves: now, tonight or not_yet."""
        self._automatic.answer(answer, who)
        return self.automatic()


def question_sentence(question: LongRunQuestion) -> str:
    """Return what a long run is that is due."""
    return (
        f"A run on {quantity(question['votes'], 'new choice')} is due. It should take about "
        f"{in_words(60 * question['minutes'])}."
    )


def preview(reason: str = "", error: str = "", field: str = "") -> RunPreview:
    """Return a preview of a run that cannot be, with the reason or the error."""
    return {
        "plan": None,
        "possible": False,
        "reason": reason,
        "error": error,
        "field": field,
    }


def field_at_fault(error: PalateError) -> str:
    """Return the name of the setting that an error is about; empty where it is none alone."""
    if isinstance(error, NotFound):
        # The one thing that settings name and that may not be there.
        return "init_from"
    return error.field if isinstance(error, InvalidInput) else ""
