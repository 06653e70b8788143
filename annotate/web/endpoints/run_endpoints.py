"""Endpoints of runs: settings, start and progress, and runs that start by themselves."""

from typing import Any

from annotate.views.next_run import AutomaticRunsView, RunPreview, SavedRunSettings
from annotate.views.training import RunDetail, RunProgress, RunView, StartedRun, VoteSource
from annotate.web.endpoints.version_endpoints import VersionEndpoints


class RunEndpoints(VersionEndpoints):
    """What programs can do about runs, in the page's words."""

    def fine_tune(self, settings: dict[str, Any] | str) -> StartedRun:
        """Start a run on the votes so far; settings is an object or its JSON, {} for defaults."""
        return self._studio.fine_tune(settings)

    def plan_run(self, settings: dict[str, Any] | str) -> RunPreview:
        """Return what a run would be: pairs, steps, minutes; or what is wrong with its settings."""
        return self._studio.next_run.preview(settings)

    def run_settings(self) -> SavedRunSettings:
        """Return the settings that automatic runs use, and every setting with its default."""
        return self._studio.next_run.saved()

    def change_run_settings(
        self, settings: dict[str, Any] | str, who: str = "me"
    ) -> SavedRunSettings:
        """Save the settings that automatic runs use, {} for the defaults, and return them."""
        return self._studio.next_run.save(settings, who)

    def automatic_runs(self) -> AutomaticRunsView:
        """Return when runs start and versions become active by themselves, and what is asked."""
        return self._studio.next_run.automatic()

    def change_automatic_runs(
        self, every: int, at: str, activation: str, who: str = "me"
    ) -> AutomaticRunsView:
        """Start runs after so many votes, 0 for never, and daily at a local HH:MM, "" for never.

        A version becomes active by itself: never, by checks, or after a blind_test.
        """
        return self._studio.next_run.change_automatic(every, at, activation, who)

    def answer_automatic_run(self, answer: str, who: str = "me") -> AutomaticRunsView:
        """Let runs that take over ten minutes start by themselves: now, tonight or not_yet."""
        return self._studio.next_run.answer(answer, who)

    def vote_sources(self) -> list[VoteSource]:
        """Return other models with votes here; fine_tune takes some along as also_votes_of."""
        return self._studio.vote_sources.all()

    def run_status(self, run_id: str) -> RunProgress:
        """Return a run's state, progress from 0 to 1, seconds left, new version and error."""
        return self._studio.run_status(run_id)

    def cancel_run(self, run_id: str) -> RunProgress:
        """Stop a run; it can be resumed from its last checkpoint."""
        return self._studio.cancel_run(run_id)

    def resume_run(self, run_id: str) -> RunProgress:
        """Resume a cancelled, interrupted or failed run."""
        return self._studio.resume_run(run_id)

    def runs(self) -> list[RunView]:
        """Return every run that was not deleted, newest first."""
        return self._studio.runs()

    def run_detail(self, run_id: str) -> RunDetail:
        """Return a run with its metrics, samples, settings and the end of its log."""
        return self._studio.run_detail(run_id)

    def delete_run(self, run_id: str, who: str = "me") -> list[RunView]:
        """Delete the files of a run that has ended; the version that it made stays."""
        self._studio.delete_run(run_id, who)
        return self._studio.runs()
