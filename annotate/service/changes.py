"""The newest change: what the newest run changed, and what a person does about it."""

from collections.abc import Callable, Sequence
from typing import Any

from align.contracts.run_files import RunState
from align.contracts.run_settings import RunSettingFields
from annotate.clock import in_utc
from annotate.errors import InvalidRequest
from annotate.training.planning.run_form import changed, form_values
from annotate.training.samples.changes import Change, change_of
from annotate.training.samples.run_samples import samples_of
from annotate.versions.naming import version_title
from annotate.versions.release_gate import failed_checks
from annotate.views.changes import ChangeSample, ChangeView
from annotate.views.training import PlanView, SampleView, StartedRun
from storage.records import Run, Version
from storage.store import Store

TWICE = {"gentle": "normal", "normal": "strong"}
"""The budget of a run that is twice as long as one of another budget."""
USED_ANYWAY = "It failed a check, and is used anyway"


class RunChanges:
    """Tells what the newest finished run changed, and acts on its version."""

    def __init__(
        self,
        store: Store,
        model_id: str,
        activate: Callable[[str, bool], Any],
        plan: Callable[[dict[str, Any]], PlanView],
        fine_tune: Callable[[dict[str, Any]], StartedRun],
        fields: Callable[[], RunSettingFields],
    ) -> None:
        self._store, self._model_id = store, model_id
        self._activate, self._plan, self._fine_tune = activate, plan, fine_tune
        self._fields = fields

    def newest(self) -> ChangeView | None:
        """Return what the newest finished run changed; None without one whose version is there."""
        made = self._newest()
        if made is None:
            return None

        run, version = made
        change, kept = change_of(version.summary), self._kept(version)
        return {
            "key": f"{run.run_id} {in_utc(run.created)}",
            "run_id": run.run_id,
            "version": version.version,
            "name": version_title(version),
            "kept": kept.version,
            "kept_name": version_title(kept),
            "kind": change.kind.value,
            "title": _title(version, change),
            "sentence": change.sentence,
            "sure": change.sure,
            "active": version.active,
            "samples": before_and_after(samples_of(self._store.run_dir(run.run_id))),
        }

    def shown(self) -> str:
        """Return what tells one card from another, without reading the run's folder."""
        made = self._newest()
        if made is None:
            return ""
        run, version = made
        kept = version_title(self._kept(version))
        return f"{run.run_id} {run.created} {version.name} {version.active} {kept}"

    def failure(self) -> str:
        """Return why the newest run failed or was interrupted; empty where it was not."""
        run = next(iter(self._store.runs(self._model_id)), None)
        if run is None or run.state not in (RunState.FAILED, RunState.INTERRUPTED):
            return ""
        return run.error or "Its process is gone. Resume it on the Train tab."

    def under_way(self) -> bool:
        """Return whether a run is under way, or waits for its turn."""
        states = (RunState.QUEUED, RunState.RUNNING, RunState.PAUSED)
        return any(run.state in states for run in self._store.runs(self._model_id))

    def act(self, run_id: str, action: str) -> str:
        """Do what a button of the card says, and return a sentence on it.

        Raises InvalidRequest for an unknown button, or where a newer run ended meanwhile.
        """
        made = self._newest()
        if made is None or made[0].run_id != run_id:
            raise InvalidRequest("Another run has ended meanwhile. Close this card to see it.")

        run, version = made
        if action == "use":
            self._activate(version.version, True)
            return f"New pairs are rendered by {version_title(version)} from now on."
        if action == "keep":
            return self._keep(version)
        if action == "train_on":
            onward = changed(run.settings, "init_from", version.version, self._fields())
            return self._started(onward)
        if action == "stronger":
            return self._started(self._stronger(run))
        raise InvalidRequest(f"There is no button {action!r} on this card. Reload the page.")

    def _keep(self, version: Version) -> str:
        kept = self._kept(version)
        if version.active:
            self._activate(kept.version, True)
        return f"New pairs are rendered by {version_title(kept)}."

    def _kept(self, version: Version) -> Version:
        """Return the active version, or the one before where that is this one."""
        if version.active:
            return self._store.version_labels.active_before(self._model_id, version.version)
        return self._store.active(self._model_id)

    def _stronger(self, run: Run) -> dict[str, Any]:
        """Return the settings of a run with twice its budget."""
        known = self._fields()
        if twice := TWICE.get(str(form_values(run.settings, known)["budget"])):
            return changed(run.settings, "budget", twice, known)

        plan = self._plan(run.settings)
        minutes = plan.get("max_minutes", 0)
        longer = changed(run.settings, "steps", 2 * plan["steps"], known)
        return changed(longer, "max_minutes", 2 * minutes, known) if minutes else longer

    def _started(self, settings: dict[str, Any]) -> str:
        self._fine_tune(settings)
        return "A new run is under way. Follow it on the Train tab."

    def _newest(self) -> tuple[Run, Version] | None:
        """Return the newest run that is done, with the version that it made."""
        done = (run for run in self._store.runs(self._model_id) if run.state == RunState.DONE)
        run = next(done, None)
        if run is None:
            return None
        versions = self._store.version_labels.versions(self._model_id)
        made = (each for each in versions if each.run_id == run.run_id and each.deleted is None)
        version = next(made, None)
        return (run, version) if version else None


def before_and_after(samples: Sequence[SampleView]) -> list[ChangeSample]:
    """Return the first and the last image of each sampled prompt; none where one is missing."""
    return [
        {
            "prompt": sample["prompt"],
            "seed": sample["seed"],
            "voted": sample["voted"],
            "brought": sample.get("brought", False),
            "before": sample["stages"][0]["url"],
            "after": sample["stages"][-1]["url"],
        }
        for sample in samples
        if len(sample["stages"]) > 1
        and (sample["stages"][0]["share"], sample["stages"][-1]["share"]) == (0, 1)
    ]


def _title(version: Version, change: Change) -> str:
    """Return the outcome in a few words; nobody holds back what is in use."""
    return USED_ANYWAY if version.active and failed_checks(version.summary) else change.title
