"""Activation by policy: a new version becomes active by itself, as the project's settings say.

Every such activation is recorded with the sentence that it was decided by.
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime

from align.contracts.errors import PalateError
from align.contracts.run_files import HoldoutResult, RunResult
from annotate.errors import InvalidRequest
from annotate.training.samples.changes import ChangeKind, change_of
from annotate.versions.naming import version_title
from annotate.views.next_run import Activation, PolicyActivation
from storage.records import Version
from storage.store import Store

logger = logging.getLogger(__name__)

POLICY = "activation_policy"
CHOICES: tuple[Activation, ...] = ("never", "checks", "blind_test")
NEVER: Activation = "never"
MOST_RECORDED = 50
BY_POLICY = "activation policy"
"""Who writes the record, as the store keeps it."""


class ActivationPolicy:
    """The project's choice of when a version becomes active by itself, and what came of it."""

    def __init__(self, store: Store, model_id: str, activate: Callable[[str], object]) -> None:
        self._values, self._store, self._model_id = store.project_settings, store, model_id
        self._activate = activate
        self._record_name = f"activated_by_policy:{model_id}"

    @property
    def choice(self) -> Activation:
        """never, checks or blind_test."""
        choice: Activation = self._values.get(POLICY, NEVER)
        return choice

    def choose(self, choice: object, who: str) -> None:
        """Choose when a version becomes active by itself; raises InvalidRequest."""
        self.require(choice)
        self._values.set(POLICY, choice, who)

    @staticmethod
    def require(choice: object) -> None:
        """Raise InvalidRequest for a choice that is none."""
        if choice not in CHOICES:
            raise InvalidRequest(
                f"Activation must be one of {', '.join(CHOICES)}, not {choice!r}. never is the "
                "default: somebody decides."
            )

    def newest(self) -> PolicyActivation | None:
        """Return the version that became active by itself and still is; None for none."""
        newest = next(iter(self.activated()), None)
        active = self._store.active(self._model_id).version
        return newest if newest and newest["version"] == active else None

    def activated(self) -> list[PolicyActivation]:
        """Return the versions of this model that became active by themselves, newest first."""
        record: list[PolicyActivation] = self._values.get(self._record_name, [])
        return record

    def after_run(self, version: Version) -> None:
        """Make the version of a run active if its checks and held-out pairs say so."""
        if self.choice != "checks":
            return
        if sentence := passed(version.summary, self._store.active(self._model_id)):
            self._make_active(version.version, sentence)

    def after_blind_test(self, before: str, after: str, wins: int, losses: int) -> bool:
        """Make the winner of a blind test active if it was against the active version."""
        active = self._store.active(self._model_id).version
        if self.choice != "blind_test" or before != active or after == active:
            return False
        sentence = f"preferred in {wins} of {wins + losses} votes of a blind test against {before}"
        return self._make_active(after, sentence)

    def _make_active(self, version: str, sentence: str) -> bool:
        try:
            self._activate(version)
        except PalateError as error:
            # Held back, or deleted meanwhile.
            logger.warning("%s does not become active by itself: %s", version, error)
            return False
        except Exception:
            # The run or the vote that led here must not fail for it.
            logger.exception("%s could not be made active by itself", version)
            return False
        title = version_title(self._store.version(self._model_id, version))
        entry: PolicyActivation = {
            "version": version,
            "sentence": f"{title} became active by itself: {sentence}.",
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        record = [entry, *self.activated()][:MOST_RECORDED]
        self._values.set(self._record_name, record, BY_POLICY)
        return True


def passed(result: RunResult, active: Version | None = None) -> str | None:
    """Return what speaks for a version; None unless checks and held-out pairs both do for sure.

    That it is better than the base is not enough where another version is active: it must agree on
    no smaller share of its held-out pairs than the active one did on those of its own run.
    """
    held, checks, change = result.get("held_out"), result.get("checks"), change_of(result)
    if not held or not checks or not all(check["passed"] for check in checks):
        return None
    if change.kind is not ChangeKind.MOVED or not change.sure:
        return None
    told = f"{_agreed(held)} held-out pairs"
    before = active.summary.get("held_out") if active else None
    if active and before and before.get("pairs"):
        if (held["accuracy"] or 0.0) < (before["accuracy"] or 0.0):
            return None
        told += f" ({version_title(active)}: {_agreed(before)})"
    return f"{told}, all checks passed"


def _agreed(held: HoldoutResult) -> str:
    """Return on how many of the held-out pairs a version agrees with people."""
    return f"{round(held['pairs'] * (held['accuracy'] or 0.0))} of {held['pairs']}"
