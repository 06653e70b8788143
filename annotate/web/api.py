"""The public API: endpoints for gradio_client and plain HTTP, JSON in and JSON out."""

from typing import Any, cast

from gradio.events import api

from annotate.insights.insights import PATIENT_S
from annotate.labeling.new_acts import as_annotation, as_flag, as_ranking, as_vote
from annotate.labeling.undo_messages import flat
from annotate.service.labeler_view import AnyStudio
from annotate.service.studio import Studio
from annotate.views.blind_test_results import BlindTestAnswer, SavedReportAnswer
from annotate.views.comparison import BeforeAfterUrls, ComparedImages
from annotate.views.image_import import ImportPreviewView, ImportSummaryView
from annotate.views.look import LookView
from annotate.views.openable_models import FoundModel, ModelList
from annotate.views.pair_rendering import (
    AddedPrompts,
    PreparedPairsView,
    PrepareEstimate,
    SamplerView,
)
from annotate.views.pairs_and_votes import (
    Accepted,
    AcceptedVote,
    NoticedStats,
    PairView,
    QuadView,
    UndoneOnPair,
    UndoneOnQuad,
    Wait,
)
from annotate.views.project import FlagAnswer, ProjectOptions
from annotate.views.readings import ReadingsView
from annotate.views.vote_insights import InsightsView, OwnVotesView
from annotate.views.voting_habits import ExclusionView
from annotate.web.endpoint_aliases import (
    ALIASES,
    blind_test_answer,
    current_name,
    flag_answer,
    saved_report_answer,
    under_old_name,
)
from annotate.web.endpoint_speed import QUICK, SLOW
from annotate.web.endpoints.data_endpoints import DataEndpoints
from annotate.web.endpoints.own_vote_endpoints import OwnVoteEndpoints
from annotate.web.endpoints.prompt_endpoints import PromptEndpoints
from annotate.web.endpoints.run_endpoints import RunEndpoints
from annotate.web.errors_to_ui import errors_as_gr_error
from annotate.web.permissions import authorized, open_to
from storage.tables.people import Role


class Endpoints(RunEndpoints, PromptEndpoints, OwnVoteEndpoints, DataEndpoints):
    """The endpoints as methods: what their names, parameters and docstrings say is public."""

    def next_pair(self, annotator: str) -> PairView | Wait:
        """Return the annotator's open pair until it is voted on, or how long to wait and why."""
        return self._studio.next_pair(annotator)

    def blind_test_pair(self, annotator: str, blind_test: str) -> PairView | Wait:
        """Return the annotator's open pair of a blind test; vote and undo are the same as ever."""
        return self._studio.next_pair(annotator, blind_test)

    def vote(
        self, pair_id: str, verdict: str, annotator: str, key: str, keep_winner: bool = False
    ) -> AcceptedVote:
        """Record left, right, tie, both_good, both_bad or skip; the same key twice counts once."""
        return self._studio.vote(as_vote(pair_id, verdict, annotator, key), keep_winner is True)

    def undo(self, annotator: str) -> UndoneOnPair | UndoneOnQuad:
        """Take back what the annotator gave last: a vote, a ranking, a flag or an annotation."""
        return flat(self._studio.undo(annotator))

    def next_quad(self, annotator: str) -> QuadView | Wait:
        """Return four images of a prompt until they are ranked, or how long to wait and why."""
        return self._studio.next_quad(annotator)

    def rank(
        self, quad_id: str, best: int | None, worst: int | None, annotator: str, key: str
    ) -> Accepted:
        """Record the places, 0 to 3, of the best and the worst of four; null twice is a skip."""
        self._studio.best_worst.rank(as_ranking(quad_id, best, worst, annotator, key))
        return {"accepted": True, "key": key}

    def annotate_vote(
        self, vote_key: str, kind: str, name: str, value: str, annotator: str, key: str
    ) -> Accepted:
        """Add a strength, a reason or a criterion to the annotator's vote under `vote_key`."""
        annotation = as_annotation(vote_key, annotator, kind, name, value, key)
        self._studio.annotations.annotate(annotation)
        return {"accepted": True, "key": key}

    def flag_pair(self, pair_id: str, note: str, annotator: str, key: str) -> Accepted:
        """Flag a pair: it is shown to nobody any more, and listed for an admin to decide on."""
        self._studio.annotations.flag(as_flag(pair_id, annotator, note, key))
        return {"accepted": True, "key": key}

    def flags(self) -> list[FlagAnswer]:
        """Return every flagged pair, newest first."""
        return [flag_answer(flag) for flag in self._studio.annotations.flags()]

    def decide_flag(self, flag: int, decision: str, who: str = "me") -> list[FlagAnswer]:
        """Show a flagged pair again, or keep it hidden: decision is shown or hidden."""
        self._studio.annotations.decide_flag(flag, decision, who)
        return self.flags()

    def project(self) -> ProjectOptions:
        """Return what everybody is asked: reasons, criteria, and how many people see each pair."""
        return self._studio.annotations.options()

    def change_project(
        self,
        reasons: list[str],
        criteria: list[str],
        overlap: int,
        purpose: str | None = None,
        who: str = "me",
    ) -> ProjectOptions:
        """Change what everybody is asked and told, and return it; without a purpose that stays."""
        return self._studio.annotations.set_options(reasons, criteria, overlap, who, purpose)

    def look(self) -> LookView:
        """Return the look: what every image is rendered with, and what may be chosen."""
        return self._studio.look.view()

    def change_look(self, settings: dict[str, Any] | str, who: str = "me") -> LookView:
        """Change settings of the look, null for the model's own; ready pairs are rendered anew."""
        return self._studio.look.change(settings, who)

    def prepare_pairs(self, pairs: int, who: str = "me") -> PreparedPairsView:
        """Render so many pairs more than there are, for people who label later; return how far."""
        return self._studio.preparation.begin(pairs, who)

    def estimate_prepare(self, pairs: int) -> PrepareEstimate:
        """Return how long so many pairs take, how much disk, and why they would be refused."""
        return self._studio.preparation.estimate(pairs)

    def prepare(self) -> PreparedPairsView:
        """Return how many prepared pairs were asked for, are rendered and wait, and the rest."""
        return self._studio.preparation.view()

    def stop_prepare(self, who: str = "me") -> PreparedPairsView:
        """Render no more of the pairs that were asked for; those that are rendered stay ready."""
        return self._studio.preparation.stop(who)

    def stats(self) -> NoticedStats:
        """Count votes, and the decisive ones that the next fine-tune waits for; return notices."""
        return {**self._studio.stats(), "notices": self._studio.notices()}

    def retry_model(self) -> SamplerView:
        """Try again now to load an image model that failed, and return its state and why."""
        return self._studio.retry_model()

    def models(self) -> ModelList:
        """Return the open model, and those in the folder of models with why one cannot be used."""
        return self._studio.models.all()

    def look_up_model(self, model: str, vae: str = "", prediction: str = "") -> FoundModel:
        """Return what a file, a folder or a hub name is, and the download that opening it takes."""
        return self._studio.models.look_up(model, vae, prediction)

    def open_model(self, model: str, vae: str = "", prediction: str = "") -> FoundModel:
        """Open another model for everybody; it loads in the background, see stats and models."""
        return self._studio.models.open(model, vae, prediction)

    def readings(self) -> ReadingsView:
        """Return the ways to take the open model that its file leaves open, if it does."""
        return self._studio.readings.view()

    def render_readings(self, prompt: str, seed: int) -> ReadingsView:
        """Render one image under each reading, and return them with the images' addresses."""
        return self._studio.readings.render(prompt, seed)

    def choose_reading(self, reading: str, who: str = "me") -> ReadingsView:
        """Take the open model in this reading, now and whenever it is opened again."""
        return self._studio.readings.choose(reading, who)

    def start_blind_test(
        self,
        before: str,
        after: str,
        prompts: list[str] | None = None,
        questions: list[str] | None = None,
        mixed: bool = False,
        activate_winner: bool = False,
    ) -> BlindTestAnswer:
        """Start a blind test of two versions on prompts that nobody labeled, and return it."""
        asked = questions or ["overall"]
        trials = self._studio.blind_tests
        results = trials.begin(before, after, prompts or None, asked, mixed, activate_winner)
        return blind_test_answer(results)

    def blind_tests(self) -> list[BlindTestAnswer]:
        """Return every blind test with what its votes say so far, newest first."""
        return [blind_test_answer(results) for results in self._studio.blind_tests.all_results()]

    def end_blind_test(self, blind_test: str) -> BlindTestAnswer:
        """End a blind test: no more votes are asked for; return it."""
        return blind_test_answer(self._studio.blind_tests.end(blind_test))

    def save_blind_test_report(self, blind_test: str) -> SavedReportAnswer:
        """Save a blind test with its votes, images and report in a folder, and return where."""
        return saved_report_answer(self._studio.blind_tests.reports.save(blind_test))

    def insights(self, annotator: str = "") -> InsightsView:
        """Return how votes were given and what they like: one person's, or everybody's for ""."""
        return self._studio.insights.report(annotator or None, PATIENT_S)

    def own_votes(self, annotator: str) -> OwnVotesView:
        """Return what a person's own votes say (pace, habits, taste), and nothing of others."""
        return self._studio.insights.own(annotator)

    def exclude_votes(self, annotator: str, reason: str, who: str = "api") -> list[ExclusionView]:
        """Exclude a person's votes from training until that is lifted; return all exclusions."""
        return self._studio.insights.exclude(reason, who, person=annotator)

    def lift_exclusion(self, exclusion: int, who: str = "api") -> list[ExclusionView]:
        """Lift an exclusion: its votes are trained on again; return all exclusions."""
        return self._studio.insights.lift(exclusion, who)

    def mark_gold(self, pair_id: str, better: str, who: str = "api") -> dict[str, str]:
        """Mark a gold pair: left or right is better, "" for neither; return all their winners."""
        return self._studio.insights.mark_gold(pair_id, better, who)

    def compare(self, prompt: str, seed: int, before: str, after: str) -> BeforeAfterUrls:
        """Render one prompt and seed with two versions; URLs are relative to the server root."""
        return self._studio.compare(prompt, seed, before, after)

    def compare_many(
        self, prompts: list[str], seeds: list[int], before: str, after: str
    ) -> list[ComparedImages]:
        """Render every prompt with every seed with two versions: up to 256, in batches."""
        urls: dict[int, BeforeAfterUrls] = {}
        for batch in self._studio.compare_many(prompts, seeds, before, after):
            urls |= batch

        items = [(prompt, seed) for prompt in prompts for seed in seeds]
        return [
            {"prompt": prompt, "seed": seed, **urls[index]}
            for index, (prompt, seed) in enumerate(items)
        ]

    def preview_import(self, folder: str) -> ImportPreviewView:
        """Preview the import of a folder on the server, with ten examples; import nothing."""
        return self._studio.importer.preview(folder).as_dict()

    def import_images(self, folder: str) -> ImportSummaryView:
        """Import a folder of images on the server; return how many were new, known or skipped."""
        return self._studio.importer.import_folder(folder)

    def add_prompts(self, prompts: list[str] | str) -> AddedPrompts:
        """Add prompts, a list or one a line, and return how many were new."""
        return self._studio.add_prompts(prompts)


SLOW_AT_ONCE = 4
"""Images are rendered one batch at a time anyway; more callers would take every worker thread."""


def add_api(studio: AnyStudio, role: Role = Role.ADMIN) -> None:
    """Register the endpoints that a role may call, then their aliases, in the open Blocks."""
    # A labeler's studio has what `open_to` lets labelers call.
    endpoints = Endpoints(cast(Studio, studio))
    named = {name: getattr(endpoints, name) for name in (*QUICK, *SLOW)}
    for old_name, alias in ALIASES.items():
        named[old_name] = under_old_name(named[alias.endpoint], old_name)

    for name, endpoint in named.items():
        if open_to(role, name):
            limit = SLOW_AT_ONCE if current_name(name) in SLOW else None
            answered = errors_as_gr_error(authorized(endpoint), for_programs=True)
            api(answered, concurrency_limit=limit)
