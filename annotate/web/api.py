"""The public API: endpoints for gradio_client and plain HTTP, JSON in and JSON out."""

from typing import Any, cast

from gradio.events import api

from annotate.insights.insights import PATIENT_S
from annotate.labeling.undo_messages import flat
from annotate.service.labeler_view import Labeled
from annotate.service.studio import Studio
from annotate.web.errors_to_ui import Errors, refusals
from annotate.web.permissions import open_to, signed
from storage.tables.people import Role


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
        """Take back what the annotator gave last: a vote, a ranking, a report or a mark."""
        return flat(self._studio.take_back(annotator))

    def next_quad(self, annotator: str) -> dict[str, Any]:
        """Four images of a prompt to rank, the same until they are, or how long to wait."""
        return self._studio.next_quad(annotator)

    def rank(
        self, quad_id: str, best: int | None, worst: int | None, annotator: str, key: str
    ) -> dict[str, Any]:
        """Record the places, 0 to 3, of the best and the worst of four; null twice is a skip."""
        self._studio.best_worst.rank(quad_id, best, worst, annotator, key)
        return {"accepted": True, "key": key}

    def remark(
        self, vote_key: str, kind: str, name: str, value: str, annotator: str, key: str
    ) -> dict[str, Any]:
        """Add a strength, a reason or a criterion to the annotator's vote under `vote_key`."""
        self._studio.annotations.remark(vote_key, annotator, kind, name, value, key)
        return {"accepted": True, "key": key}

    def report_pair(self, pair_id: str, note: str, annotator: str, key: str) -> dict[str, Any]:
        """Show a pair to nobody any more, and list it for somebody to look at."""
        self._studio.annotations.report(pair_id, annotator, note, key)
        return {"accepted": True, "key": key}

    def reports(self) -> list[dict[str, Any]]:
        """Every reported pair, newest first."""
        return self._studio.annotations.reports()

    def decide_report(self, report: int, decision: str, who: str = "me") -> list[dict[str, Any]]:
        """Let a reported pair be shown again, or keep it hidden: decision is shown or hidden."""
        return self._studio.annotations.decide(report, decision, who)

    def project(self) -> dict[str, Any]:
        """What everybody is asked: reasons, criteria, and how many people see each pair."""
        return self._studio.annotations.offered()

    def change_project(
        self, reasons: list[str], criteria: list[str], overlap: int, who: str = "me"
    ) -> dict[str, Any]:
        """Change what everybody is asked, and return it."""
        return self._studio.annotations.offer(reasons, criteria, overlap, who)

    def stats(self) -> dict[str, Any]:
        """Counts of votes, how many decisive ones the next fine-tune waits for, and notices."""
        return {**self._studio.stats(), "notices": self._studio.notices()}

    def retry_model(self) -> dict[str, Any]:
        """Try again now to load an image model that failed, and return its state and why."""
        return self._studio.retry_model()

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
        """Save a blind test with its votes, images and report in a folder, and say where."""
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
        """Write a version for other programs: form is kohya, diffusers, dora, peft or merged."""
        return self._studio.library.export(version, form)

    def insights(self, annotator: str = "") -> dict[str, Any]:
        """How votes were given and what they like: one person's, or everybody's for no name."""
        return self._studio.insights.report(annotator or None, PATIENT_S)

    def own_votes(self, annotator: str) -> dict[str, Any]:
        """What a person's own votes say: pace, habits and taste, and nothing of anybody else's."""
        return self._studio.insights.own(annotator)

    def exclude_votes(self, annotator: str, reason: str, who: str = "api") -> list[dict[str, Any]]:
        """Learn nothing from a person's votes until it is lifted; all exclusions, newest first."""
        return self._studio.insights.exclude(reason, who, person=annotator)

    def lift_exclusion(self, exclusion: int, who: str = "api") -> list[dict[str, Any]]:
        """Learn again from what was excluded; every exclusion, newest first."""
        return self._studio.insights.lift(exclusion, who)

    def mark_known(self, pair_id: str, better: str, who: str = "api") -> dict[str, str]:
        """Say that left or right is surely better, "" for unsure; the winner of every such pair."""
        return self._studio.insights.mark_gold(pair_id, better, who)

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

    def look_at_folder(self, folder: str) -> dict[str, Any]:
        """Say what a folder on the server would bring, with ten examples; nothing is brought in."""
        return self._studio.material.look(folder).told()

    def import_images(self, folder: str) -> dict[str, Any]:
        """Bring in a folder of images on the server, and return what became of each."""
        return self._studio.material.bring(folder)

    def add_prompts(self, prompts: list[str] | str) -> dict[str, Any]:
        """Add prompts, a list or one a line, and return how many were new."""
        return self._studio.add_prompts(prompts)


def add_api(studio: Labeled, expected: Errors, role: Role = Role.ADMIN) -> None:
    """Register what a role may call in the Blocks that is open; expected errors reach clients as
    text.
    """
    # A labeler's studio has what `open_to` lets labelers call.
    endpoints, refuse = Endpoints(cast(Studio, studio)), refusals(expected)
    quick = (
        endpoints.next_pair,
        endpoints.vote,
        endpoints.undo,
        endpoints.next_quad,
        endpoints.rank,
        endpoints.remark,
        endpoints.report_pair,
        endpoints.reports,
        endpoints.decide_report,
        endpoints.project,
        endpoints.change_project,
        endpoints.stats,
        endpoints.retry_model,
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
        endpoints.exclude_votes,
        endpoints.lift_exclusion,
        endpoints.mark_known,
    )
    for endpoint in quick:
        if open_to(role, endpoint.__name__):
            api(refuse(signed(endpoint)), concurrency_limit=None)
    # Drawing is one at a time anyway; a few may wait in line without taking every worker thread.
    slow = (
        endpoints.compare,
        endpoints.compare_many,
        endpoints.export_version,
        endpoints.insights,
        endpoints.own_votes,
        endpoints.look_at_folder,
        endpoints.import_images,
        endpoints.report_trial,
    )
    for patient in slow:
        if open_to(role, patient.__name__):
            api(refuse(signed(patient)), concurrency_limit=4)
