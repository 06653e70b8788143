"""Blind tests: two versions draw the same prompts and seeds, and people vote without knowing whose
image is whose.

A trial's pairs are drawn ahead and handed out like others; its prompts are nobody's to learn from.
"""

import logging
import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from annotate.blind_tests.report import BlindTestReports
from annotate.blind_tests.verdict import VerdictCalculator
from annotate.clock import Monotonic
from annotate.comparison.grid import ComparisonGrid, Drawn
from annotate.comparison.mixes import parse_mix
from annotate.errors import InvalidRequest
from annotate.interfaces import RenderItem
from annotate.labeling.assignment import PairAssigner
from annotate.rendering.prompt_sources import PromptSampler
from annotate.versions.release_gate import require_passed_checks
from storage.records import QUESTIONS, Image, Trial
from storage.store import Store
from storage.tables.blind_tests import ENDED, OPEN

logger = logging.getLogger(__name__)

AHEAD = 12
"""Pairs of a trial that should wait for anybody."""
LARGEST_GROUP = 8
WANTED_S = 60.0
"""For how long after somebody asked for a trial's pairs more are drawn."""
ALIKE = 24
"""So many times in a row the same image from both versions, and there is nothing to tell."""
RETRY_S = 5.0
IDLE_S = 0.5
CLOSING_S = 30.0
FEWEST_PROMPTS = 4


@dataclass(slots=True)
class RenderProgress:
    """Where the drawing of a trial has come to."""

    place: int
    group: int = 1
    alike: int = 0
    wanted_at: float = 0.0
    problem: str | None = None
    prompts: list[str] = field(default_factory=list)


class BlindTests:
    """Starts blind tests, draws their pairs in a thread, and says what came of them."""

    def __init__(
        self,
        store: Store,
        assigner: PairAssigner,
        comparing: ComparisonGrid,
        model_id: str,
        prompt_sampler: PromptSampler,
        prompts: Sequence[str],
        activate: Callable[[str], Any],
        chance: random.Random,
        clock: Monotonic,
        model_name: str,
    ) -> None:
        """Take the prompts that are set aside for blind tests, and what makes a version active."""
        self._store, self._assigner, self._grid, self._model_id = (
            store,
            assigner,
            comparing,
            model_id,
        )
        self._prompt_sampler, self._prompts, self._activate = (
            prompt_sampler,
            list(prompts),
            activate,
        )
        self._chance, self._clock = chance, clock
        self.reports = BlindTestReports(store, model_id, model_name, self.results)
        self._verdicts = VerdictCalculator()
        self._progress: dict[str, RenderProgress] = {}
        self._closing, self._nudge = threading.Event(), threading.Event()
        self._guard = threading.Lock()
        self._thread = threading.Thread(target=self._work, name="trials", daemon=True)

    def start(self) -> None:
        """Take up the open trials of an earlier app, and start the thread."""
        for trial in self._store.blind_tests.of_base(self._model_id):
            if trial.state == OPEN:
                self._take_up(trial)
        self._thread.start()

    def close(self) -> None:
        """Stop drawing."""
        self._closing.set()
        self._nudge.set()
        if self._thread.is_alive():
            self._thread.join(CLOSING_S)

    def begin(
        self,
        before: str,
        after: str,
        prompts: Sequence[str] | None = None,
        questions: Sequence[str] = QUESTIONS[:1],
        mixed: bool = False,
        act: bool = False,
    ) -> dict[str, Any]:
        """Open a trial and return its report.

        With `mixed` its pairs come in between others for everybody; with `act` its verdict makes
        the version active, or the earlier one again.

        Raises ReleaseBlocked, InvalidRequest (no prompt is left), UnknownVersion or InvalidTrial.
        """
        require_passed_checks(self._store.version(self._model_id, after))
        texts = self._fresh(prompts if prompts is not None else self._prompts)
        options = {"mixed": mixed, "act": act}
        trial = self._store.blind_tests.create(
            self._model_id, before, after, texts, questions, options
        )
        self._prompt_sampler.drop(texts)
        self._take_up(trial)
        return self.results(trial.trial_id)

    def end(self, trial_id: str, note: str | None = None) -> dict[str, Any]:
        """Ask for no more votes; what was said stays."""
        trial = self._store.blind_tests.get(trial_id)
        if trial.state == OPEN:
            self._store.blind_tests.set_state(trial_id, ENDED, note or trial.note)
        self._assigner.drop_trial(trial_id)
        with self._guard:
            self._progress.pop(trial_id, None)
        return self.results(trial_id)

    def results(self, trial_id: str) -> dict[str, Any]:
        """What a trial is and what its votes say so far."""
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

    def all_results(self) -> list[dict[str, Any]]:
        """The reports of all blind_tests, newest first."""
        return [
            self.results(trial.trial_id)
            for trial in self._store.blind_tests.of_base(self._model_id)
        ]

    def request_pairs(self, trial_id: str) -> str:
        """Somebody wants pairs of a trial; returns why there may be none yet.

        Raises InvalidRequest for a trial that ended, UnknownTrial for none.
        """
        progress = self._progress.get(trial_id)
        if progress is None:
            trial = self._store.blind_tests.get(trial_id)
            raise InvalidRequest(trial.note or f"The blind test {trial.trial_id} has ended.")
        progress.wanted_at = self._clock()
        self._nudge.set()
        return progress.problem or "Drawing images with both versions."

    def act_on_verdict(self, trial_id: str) -> None:
        """Act on a verdict once it is settled, if the trial was started so."""
        trial = self._store.blind_tests.get(trial_id)
        if not trial.options.get("act") or trial.note:
            return
        votes = self._store.blind_tests.votes(trial_id)
        outcome = self._verdicts.outcome(votes)
        if outcome is None:
            return
        active = self._store.active(self._model_id).version
        note = f"{trial.before} stays."
        if outcome == "better":
            self._activate(trial.after)
            note = f"{trial.after} was made active."
        elif active == trial.after:
            self._activate(trial.before)
            note = f"{trial.before} was made active again."
        self._store.blind_tests.set_state(trial_id, trial.state, note)

    def reserved_prompts(self) -> set[str]:
        """The prompts that nothing is learned from."""
        return self._store.blind_tests.reserved_prompts() | set(self._prompts)

    def _fresh(self, prompts: Sequence[str]) -> list[str]:
        """The prompts that nobody was given to learn from; raises InvalidRequest without any."""
        used = self._store.blind_tests.labeled_prompts(self._model_id)
        fresh = [text for text in dict.fromkeys(p.strip() for p in prompts) if text not in used]
        if len(fresh) < FEWEST_PROMPTS:
            raise InvalidRequest(
                f"{len(prompts) - len(fresh)} of {len(prompts)} prompts were labeled already. A "
                f"blind test needs at least {FEWEST_PROMPTS} that nobody voted on: write some, one "
                "a line."
            )
        return fresh

    def _take_up(self, trial: Trial) -> None:
        prompts = list(trial.prompts)
        random.Random(trial.trial_id).shuffle(prompts)
        progress = RenderProgress(
            self._store.blind_tests.next_index(trial.trial_id), prompts=prompts
        )
        progress.wanted_at = self._clock()
        for pair in self._store.blind_tests.waiting(trial.trial_id):
            self._assigner.add(pair)
        if trial.options.get("mixed"):
            self._assigner.mixed = trial.trial_id
        with self._guard:
            self._progress[trial.trial_id] = progress
        self._nudge.set()

    def _work(self) -> None:
        while not self._closing.is_set():
            with self._guard:
                in_progress = list(self._progress.items())
            drew = [self._step(trial_id, progress) for trial_id, progress in in_progress]
            if not any(drew):
                self._nudge.wait(IDLE_S)
            self._nudge.clear()

    def _step(self, trial_id: str, progress: RenderProgress) -> bool:
        """Draw a group of a trial's pairs if they are wanted; returns whether it did."""
        wanted = self._assigner.mixed == trial_id or self._clock() - progress.wanted_at < WANTED_S
        if not wanted or self._assigner.ready(trial_id) >= AHEAD or self._closing.is_set():
            return False
        try:
            self._draw(self._store.blind_tests.get(trial_id), progress)
            progress.problem = None
        except Exception as error:
            if not self._closing.is_set():
                progress.problem = f"{error} Drawing goes on by itself once it can."
                logger.error("trial %s cannot be drawn", trial_id, exc_info=error)
                self._closing.wait(RETRY_S)
            return False
        return True

    def _draw(self, trial: Trial, progress: RenderProgress) -> None:
        places = range(progress.place, progress.place + progress.group)
        items = [self._item(trial, progress, place) for place in places]
        mixes = [parse_mix(trial.before), parse_mix(trial.after)]
        drawn: Drawn = {}
        for group in self._grid.compare(items, mixes):
            drawn |= group
        for index, place in enumerate(places):
            sides = drawn[index, 0], drawn[index, 1]
            self._publish(trial, progress, place, items[index].prompt, sides)
        progress.place, progress.group = places.stop, min(LARGEST_GROUP, 2 * progress.group)
        if progress.alike >= ALIKE:
            self.end(trial.trial_id, "The two versions draw the same images.")

    def _item(self, trial: Trial, progress: RenderProgress, place: int) -> RenderItem:
        """Every prompt with one seed, then every prompt with the next."""
        turn, number = divmod(place, len(progress.prompts))
        seed = random.Random(f"{trial.trial_id} {turn} {number}").randrange(2**32)
        return RenderItem(progress.prompts[number], seed)

    def _publish(
        self,
        trial: Trial,
        progress: RenderProgress,
        place: int,
        prompt: str,
        sides: tuple[Image, Image],
    ) -> None:
        before, after = sides
        if before.sha256 == after.sha256:
            progress.alike += 1
            return
        progress.alike = 0
        swap = self._chance.random() < 0.5
        for question in trial.questions:
            ids = (before.image_id, after.image_id)
            pair = self._store.blind_tests.add_pair(trial, place, prompt, question, ids, swap)
            self._assigner.add(pair)
