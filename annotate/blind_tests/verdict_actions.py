"""Actions of a verdict: the version that it makes active, if somebody or the project wants that."""

from collections.abc import Callable

from annotate.blind_tests.verdict import VerdictCalculator
from annotate.training.automatic.activation_policy import ActivationPolicy
from storage.records import Trial
from storage.store import Store


class VerdictActions:
    """What follows from the verdicts of one model's blind tests; each acts once."""

    def __init__(
        self,
        store: Store,
        model_id: str,
        verdicts: VerdictCalculator,
        activate: Callable[[str], object],
        policy: ActivationPolicy,
    ) -> None:
        self._store, self._model_id, self._verdicts = store, model_id, verdicts
        self._activate, self._policy = activate, policy

    def act(self, trial: Trial) -> None:
        """Activate the winner of a test once its verdict is settled; its note records that."""
        own = trial.options.get("act")
        if trial.note or trial.base != self._model_id:
            return
        if not own and self._policy.choice != "blind_test":
            return

        outcome = self._verdicts.outcome(self._store.blind_tests.votes(trial.trial_id))
        if outcome is None:
            return
        note = self._as_the_test_says(trial, outcome) if own else self._as_project(trial, outcome)
        if note:
            self._store.blind_tests.set_state(trial.trial_id, trial.state, note)

    def _as_the_test_says(self, trial: Trial, outcome: str) -> str:
        """Act on a test that was started to activate its winner; return what was done."""
        active = self._store.active(self._model_id).version
        if outcome == "better":
            self._activate(trial.after)
            return f"{trial.after} was made active."
        if active == trial.after:
            self._activate(trial.before)
            return f"{trial.before} was made active again."
        return f"{trial.before} stays."

    def _as_project(self, trial: Trial, outcome: str) -> str:
        """Act on any other test as the project's settings say; return what was done."""
        if outcome != "better":
            return ""
        total = self._verdicts.total(self._store.blind_tests.votes(trial.trial_id))
        done = self._policy.after_blind_test(trial.before, trial.after, total.wins, total.losses)
        return f"{trial.after} became active by itself." if done else ""
