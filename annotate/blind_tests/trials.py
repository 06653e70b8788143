"""Blind tests: two versions render the same prompts and seeds, and people vote without knowing
which version rendered which image.

The pairs of a test are rendered ahead in a thread and assigned like others. Its prompts are
reserved: no run learns from them. The walk of a verdict:

    begin -> _render -> _publish -> (votes) -> act_on_verdict -> verdict.VerdictCalculator
          -> statistics.sequential_test

Tables and keys of answers call a blind test a trial.
"""

import logging
import random
import threading
from collections.abc import Callable, Sequence

from annotate.blind_tests.render_progress import RenderProgress
from annotate.blind_tests.report import BlindTestReports
from annotate.blind_tests.verdict import VerdictCalculator
from annotate.blind_tests.verdict_actions import VerdictActions
from annotate.clock import Monotonic
from annotate.comparison.grid import ComparisonGrid, GridImages
from annotate.comparison.mixes import parse_mix
from annotate.errors import InvalidRequest, SamplerSuspended
from annotate.labeling.assignment import PairAssigner
from annotate.rendering.prompts.prompt_sampler import PromptSampler
from annotate.rendering.rendering_watch import RenderingWatch
from annotate.training.automatic.activation_policy import ActivationPolicy
from annotate.versions.release_gate import require_passed_checks
from annotate.views.blind_test_results import BlindTestView
from storage.records import QUESTIONS, Image, Trial
from storage.store import Store
from storage.tables.blind_tests import ENDED, OPEN

logger = logging.getLogger(__name__)

PAIRS_AHEAD = 12
"""Pairs of a test that should wait for annotators."""
REQUEST_LASTS_S = 60.0
"""Seconds for which pairs are rendered after an annotator asked for some."""
RETRY_S = 5.0
IDLE_S = 0.5
JOIN_TIMEOUT_S = 30.0
MIN_PROMPTS = 4
"""With fewer, a verdict would say little about other prompts."""


class BlindTests:
    """Blind tests of a studio: starts and ends them, renders their pairs, reports their results."""

    def __init__(
        self,
        store: Store,
        assigner: PairAssigner,
        grid: ComparisonGrid,
        model_id: str,
        prompt_sampler: PromptSampler,
        prompts: Sequence[str],
        activate: Callable[[str], object],
        chance: random.Random,
        clock: Monotonic,
        model_name: str,
        policy: ActivationPolicy,
    ) -> None:
        """Reserve `prompts` for blind tests; `activate` is called to make a version active."""
        self._store, self._assigner, self._grid = store, assigner, grid
        self._model_id = model_id
        self._prompt_sampler, self._prompts = prompt_sampler, list(prompts)
        self._chance, self._clock = chance, clock
        self.reports = BlindTestReports(store, model_id, model_name, self.results)
        self._verdicts = VerdictCalculator()
        self._actions = VerdictActions(store, model_id, self._verdicts, activate, policy)
        # Without previews, which would show an image together with when it is rendered.
        self.watch = RenderingWatch(clock)
        self._progress: dict[str, RenderProgress] = {}
        self._closing, self._wake_up = threading.Event(), threading.Event()
        self._guard = threading.Lock()
        self._thread = threading.Thread(target=self._work, name="blind-tests", daemon=True)

    def start(self) -> None:
        """Resume the open tests of an earlier app, and start the rendering thread."""
        for trial in self._store.blind_tests.of_base(self._model_id):
            if trial.state == OPEN:
                self._resume(trial)
        self._thread.start()

    def close(self) -> None:
        """Stop rendering."""
        self._closing.set()
        self._wake_up.set()
        if self._thread.is_alive():
            self._thread.join(JOIN_TIMEOUT_S)

    def begin(
        self,
        before: str,
        after: str,
        prompts: Sequence[str] | None = None,
        questions: Sequence[str] = QUESTIONS[:1],
        mixed: bool = False,
        act: bool = False,
    ) -> BlindTestView:
        """Start a blind test of `after` against `before`, and return its results.

        With `mixed` its pairs come in between others for everybody; with `act` its verdict makes
        `after` active, or `before` again.

        Raises ReleaseBlocked, InvalidPrompts, InvalidRequest (no prompt is left), UnknownVersion or
        InvalidTrial.
        """
        require_passed_checks(self._store.version(self._model_id, after))
        templates = list(self._prompts if prompts is None else prompts)
        texts = self._unlabeled(self._prompt_sampler.vary(templates))

        trial = self._store.blind_tests.create(
            self._model_id, before, after, texts, questions, {"mixed": mixed, "act": act}
        )
        # Pairs that are rendered to learn from use these prompts no more.
        self._prompt_sampler.drop([*templates, *texts])
        self._resume(trial)
        return self.results(trial.trial_id)

    def end(self, trial_id: str, note: str | None = None) -> BlindTestView:
        """End a test: no more votes are asked for, and those cast stay."""
        trial = self._store.blind_tests.get(trial_id)
        if trial.state == OPEN:
            self._store.blind_tests.set_state(trial_id, ENDED, note or trial.note)
        self._assigner.drop_trial(trial_id)
        with self._guard:
            self._progress.pop(trial_id, None)
        return self.results(trial_id)

    def results(self, trial_id: str) -> BlindTestView:
        """Return a test's settings and what its votes say so far; raises UnknownTrial."""
        trial = self._store.blind_tests.get(trial_id)
        progress = self._progress.get(trial_id)

        return {
            "trial": trial_id,
            "before": trial.before,
            "after": trial.after,
            "state": trial.state,
            "note": trial.note,
            "created": trial.created.isoformat(),
            "mixed": bool(trial.options.get("mixed")),
            "act": bool(trial.options.get("act")),
            "prompts": len(trial.prompts),
            "problem": progress.problem if progress else None,
            **self._verdicts.verdict(trial.questions, self._store.blind_tests.votes(trial_id)),
        }

    def all_results(self) -> list[BlindTestView]:
        """Return the results of all blind tests, newest first."""
        return [
            self.results(trial.trial_id)
            for trial in self._store.blind_tests.of_base(self._model_id)
        ]

    def request_pairs(self, trial_id: str) -> str:
        """Let pairs of a test be rendered now; return why there may be none yet.

        Raises InvalidRequest for a test that ended, UnknownTrial for an unknown one.
        """
        progress = self._progress.get(trial_id)
        if progress is None:
            trial = self._store.blind_tests.get(trial_id)
            if trial.base != self._model_id:
                raise InvalidRequest(f"The blind test {trial_id} is of a model that is not open.")
            raise InvalidRequest(trial.note or f"The blind test {trial.trial_id} has ended.")

        progress.requested_at = self._clock()
        self._wake_up.set()
        return progress.problem or "Rendering images with both versions."

    def act_on_verdict(self, trial_id: str) -> None:
        """Activate the winner once the verdict is settled, if the test or the project asks for it.

        Called after every vote in a test; its note records that it has acted.
        """
        self._actions.act(self._store.blind_tests.get(trial_id))

    def reserved_prompts(self) -> set[str]:
        """Return the prompts of blind tests, which no run learns from."""
        return self._store.blind_tests.reserved_prompts() | set(self._prompts)

    def _unlabeled(self, prompts: Sequence[str]) -> list[str]:
        """Return the prompts whose pairs nobody labeled to learn from.

        Raises InvalidRequest for fewer than MIN_PROMPTS of them.
        """
        used = self._store.blind_tests.labeled_prompts(self._model_id)
        fresh = [text for text in dict.fromkeys(p.strip() for p in prompts) if text not in used]
        if len(fresh) < MIN_PROMPTS:
            raise InvalidRequest(
                f"{len(prompts) - len(fresh)} of {len(prompts)} prompts were labeled already. A "
                f"blind test needs at least {MIN_PROMPTS} that nobody voted on: write some, one "
                "a line."
            )
        return fresh

    def _resume(self, trial: Trial) -> None:
        """Let the stored pairs of a test wait for annotators, and render more on request."""
        next_index = self._store.blind_tests.next_index(trial.trial_id)
        progress = RenderProgress(trial.trial_id, trial.prompts, next_index)
        progress.requested_at = self._clock()
        for pair in self._store.blind_tests.waiting(trial.trial_id):
            self._assigner.add(pair)
        if trial.options.get("mixed"):
            self._assigner.mix_in(trial.trial_id)
        with self._guard:
            self._progress[trial.trial_id] = progress
        self._wake_up.set()

    def _work(self) -> None:
        """Render for every open test in turn until `close`."""
        while not self._closing.is_set():
            with self._guard:
                in_progress = list(self._progress.items())
            rendered = [self._step(trial_id, progress) for trial_id, progress in in_progress]
            if not any(rendered):
                self._wake_up.wait(IDLE_S)
            self._wake_up.clear()

    def _step(self, trial_id: str, progress: RenderProgress) -> bool:
        """Render a group of a test's pairs if they are needed; return whether it did."""
        recent = self._clock() - progress.requested_at < REQUEST_LASTS_S
        needed = recent or self._assigner.mixed == trial_id
        if not needed or self._assigner.ready(trial_id) >= PAIRS_AHEAD or self._closing.is_set():
            return False

        try:
            self._render(self._store.blind_tests.get(trial_id), progress)
            progress.problem = None
        except Exception as error:
            if not self._closing.is_set():
                progress.problem = f"{error} Rendering goes on by itself once it can."
                # A run that has the device is no fault, and asking again gets the next turn.
                level = logging.DEBUG if isinstance(error, SamplerSuspended) else logging.ERROR
                words = "the images of blind test %s cannot be rendered"
                logger.log(level, words, trial_id, exc_info=error)
                self._closing.wait(RETRY_S)
            return False
        return True

    def _render(self, trial: Trial, progress: RenderProgress) -> None:
        """Render the next group of pairs with both versions, and publish them."""
        indexes = progress.next_group()
        items = [progress.item(index) for index in indexes]
        mixes = [parse_mix(trial.before), parse_mix(trial.after)]
        images: GridImages = {}
        for group in self._grid.render(items, mixes, self.watch):
            images |= group

        for row, index in enumerate(indexes):
            both = images[row, 0], images[row, 1]
            self._publish(trial, progress, index, items[row].prompt, both)

        progress.advance(indexes)
        if progress.versions_look_the_same:
            self.end(trial.trial_id, "The two versions render the same images.")

    def _publish(
        self,
        trial: Trial,
        progress: RenderProgress,
        index: int,
        prompt: str,
        images: tuple[Image, Image],
    ) -> None:
        """Store a pair of images, once per question, and let it wait for annotators."""
        before, after = images
        if before.sha256 == after.sha256:
            # There is nothing to vote on; the same prompt differs with another seed, maybe.
            progress.identical += 1
            return

        progress.identical = 0
        # A coin decides the sides, or annotators would learn which side is the new version.
        swap = self._chance.random() < 0.5
        ids = (before.image_id, after.image_id)
        for question in trial.questions:
            pair = self._store.blind_tests.add_pair(trial, index, prompt, question, ids, swap)
            self._assigner.add(pair)
