"""The public API: endpoints for gradio_client and plain HTTP, JSON in and JSON out."""

from typing import Any

from gradio.events import api

from annotate.handlers import Errors, refusals
from annotate.studio import Studio


class Endpoints:
    """The endpoints as methods: what their names, parameters and docstrings say is public."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def next_pair(self, annotator: str) -> dict[str, Any]:
        """The annotator's open pair, the same until it is voted on, or how long to wait and why."""
        return self._studio.next_pair(annotator)

    def trial_pair(self, annotator: str, trial: str) -> dict[str, Any]:
        """The annotator's open pair of a blind test; vote and undo are the same as ever."""
        return self._studio.next_pair(annotator, trial)

    def vote(self, pair_id: str, verdict: str, annotator: str, key: str) -> dict[str, Any]:
        """Record left, right, tie, both_good, both_bad or skip; the same key twice counts once."""
        return self._studio.vote(pair_id, verdict, annotator, key)

    def undo(self, annotator: str) -> dict[str, Any]:
        """Take back the annotator's newest vote and return its pair."""
        return self._studio.undo(annotator)

    def stats(self) -> dict[str, Any]:
        """Counts of votes, and how many decisive ones are missing until the next fine-tune."""
        return self._studio.stats()

    def fine_tune(self, settings: dict[str, Any] | str) -> dict[str, Any]:
        """Start a run on the votes so far; settings is an object or its JSON, {} for defaults."""
        return self._studio.fine_tune(settings)

    def run_status(self, run_id: str) -> dict[str, Any]:
        """State, progress from 0 to 1, seconds left, the new version and the error of a run."""
        return self._studio.run_status(run_id)

    def cancel_run(self, run_id: str) -> dict[str, Any]:
        """Stop a run; it can be resumed from its last checkpoint."""
        return self._studio.cancel_run(run_id)

    def resume_run(self, run_id: str) -> dict[str, Any]:
        """Go on with a cancelled, interrupted or failed run."""
        return self._studio.resume_run(run_id)

    def versions(self) -> list[dict[str, Any]]:
        """Every version of the model, oldest first; the first is the untuned "base"."""
        return self._studio.versions()

    def activate(self, version: str) -> list[dict[str, Any]]:
        """Let new pairs come from this version, and return every version."""
        return self._studio.activate(version)

    def activate_anyway(self, version: str) -> list[dict[str, Any]]:
        """Let new pairs come from this version even though it is held back."""
        return self._studio.activate(version, anyway=True)

    def start_trial(
        self,
        before: str,
        after: str,
        prompts: list[str] | None = None,
        questions: list[str] | None = None,
        mixed: bool = False,
        act: bool = False,
    ) -> dict[str, Any]:
        """Start a blind test of two versions on prompts that nobody labeled, and return it."""
        asked = questions or ["overall"]
        return self._studio.trials.begin(before, after, prompts or None, asked, mixed, act)

    def trials(self) -> list[dict[str, Any]]:
        """Every blind test with what its votes say so far, newest first."""
        return self._studio.trials.reports()

    def end_trial(self, trial: str) -> dict[str, Any]:
        """Ask for no more votes in a blind test, and return it."""
        return self._studio.trials.end(trial)

    def report_trial(self, trial: str) -> dict[str, Any]:
        """Save a blind test with its votes, pictures and report in a folder, and say where."""
        return self._studio.trials.saved.save(trial)

    def rename_version(self, version: str, name: str) -> list[dict[str, Any]]:
        """Give a version a name to show beside its own, an empty one for none."""
        self._studio.library.rename(version, name)
        return self._studio.versions()

    def note_version(self, version: str, note: str) -> list[dict[str, Any]]:
        """Write a note on a version, an empty one for none."""
        self._studio.library.note(version, note)
        return self._studio.versions()

    def delete_version(self, version: str) -> list[dict[str, Any]]:
        """Delete a version's files for good; its row stays, so that votes stay explainable."""
        self._studio.library.delete(version)
        return self._studio.versions()

    def export_version(self, version: str, form: str) -> dict[str, Any]:
        """Write a version for other programs: form is diffusers, kohya or merged."""
        return self._studio.library.export(version, form)

    def compare(self, prompt: str, seed: int, before: str, after: str) -> dict[str, Any]:
        """Draw one prompt and seed with two versions; addresses are relative to the server root."""
        return self._studio.compare(prompt, seed, before, after)

    def compare_many(
        self, prompts: list[str], seeds: list[int], before: str, after: str
    ) -> list[dict[str, Any]]:
        """Draw every prompt with every seed with two versions: up to 256, in batches."""
        drawn: dict[int, dict[str, str]] = {}
        for group in self._studio.compare_many(prompts, seeds, before, after):
            drawn |= group
        asked = [{"prompt": prompt, "seed": seed} for prompt in prompts for seed in seeds]
        return [one | drawn[place] for place, one in enumerate(asked)]

    def import_images(self, folder: str) -> dict[str, Any]:
        """Bring in a folder of pictures on the server, and return what became of each."""
        return self._studio.material.bring(folder)

    def add_prompts(self, prompts: list[str] | str) -> dict[str, Any]:
        """Add prompts, a list or one a line, and return how many were new."""
        return self._studio.add_prompts(prompts)


def add_api(studio: Studio, expected: Errors) -> None:
    """Register the endpoints in the Blocks that is open; expected errors reach clients as text."""
    endpoints, refuse = Endpoints(studio), refusals(expected)
    quick = (
        endpoints.next_pair,
        endpoints.vote,
        endpoints.undo,
        endpoints.stats,
        endpoints.fine_tune,
        endpoints.run_status,
        endpoints.cancel_run,
        endpoints.resume_run,
        endpoints.versions,
        endpoints.activate,
        endpoints.activate_anyway,
        endpoints.trial_pair,
        endpoints.start_trial,
        endpoints.trials,
        endpoints.end_trial,
        endpoints.rename_version,
        endpoints.note_version,
        endpoints.delete_version,
        endpoints.add_prompts,
    )
    for endpoint in quick:
        api(refuse(endpoint), concurrency_limit=None)
    # Drawing is one at a time anyway; a few may wait in line without taking every worker thread.
    slow = (
        endpoints.compare,
        endpoints.compare_many,
        endpoints.export_version,
        endpoints.import_images,
        endpoints.report_trial,
    )
    for patient in slow:
        api(refuse(patient), concurrency_limit=4)
