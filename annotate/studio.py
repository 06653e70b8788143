"""The studio: everything that a page or a program can ask Palate for, in plain values.

Studio ── Desk        who sees which pair, votes, undo
       ── Pool        pairs drawn ahead            ── Painter ── Sampler (handed in)
       ── Tuning      runs and their queue         ── Trainer (handed in)
       ── Comparing   same prompts, two versions   ── Painter
       ── Reports     what is told about runs and versions
       ── library     names, notes, exports, imports, deletions   ── Workshop (handed in)
"""

import random
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from annotate.comparing import Comparing, Drawn
from annotate.desk import Desk
from annotate.harvest import Harvest
from annotate.library import Library
from annotate.painting import Painter
from annotate.pool import Pool
from annotate.ports import Model, Sampler, Trainer, Workshop
from annotate.prompts import PromptBag, built_in_prompts, check_prompts
from annotate.reports import Reports, in_words
from annotate.requests import (
    as_annotator,
    as_items,
    as_response_ms,
    as_settings,
    as_text,
)
from annotate.schedule import Schedule
from annotate.timing import Monotonic, WallClock
from annotate.tuning import Tuning
from storage.records import Pair
from storage.store import Store

PASTED = "pasted"
MOST_AT_ONCE = 48


class Studio:
    """One model in one studio folder; safe from any thread between `start` and `close`."""

    def __init__(
        self,
        store: Store,
        sampler: Sampler,
        trainer: Trainer,
        model: Model,
        train_every: int = 50,
        train_at: str | None = None,
        *,
        prompts: Sequence[str] | None = None,
        settle_s: float = 10.0,
        watch_s: float = 1.0,
        chance: random.Random | None = None,
        clock: Monotonic = time.monotonic,
        now: WallClock = datetime.now,
        workshop: Workshop | None = None,
    ) -> None:
        """Take what the app was started with; `prompts` take the place of the built-in ones.

        Raises InvalidSchedule.
        """
        chance = chance or random.SystemRandom()
        schedule = Schedule(train_every, train_at, now)
        self.train_every = train_every
        self._store, self._sampler, self._base = store, sampler, model.identity
        self._schedule = schedule
        self._given = list(prompts) if prompts else built_in_prompts(model.path)
        self._given_source = "file" if prompts else "built-in"
        self._bag = PromptBag(self._given, chance)
        self._desk = Desk(store, self._base, clock)
        painter = Painter(sampler, model)
        self._pool = Pool(store, sampler, painter, self._desk, self._bag, self._base, chance, clock)
        self._harvest = Harvest(store, self._desk, self._base, settle_s)
        self._tuning = Tuning(
            store, sampler, trainer, model, self._pool, self._harvest, schedule, clock, watch_s
        )
        self._comparing = Comparing(store, painter, self._pool, self._base)
        self._reports = Reports(store, trainer, self._base)
        self.library = Library(store, trainer, workshop, model)
        self.disk = store.disk

    def start(self) -> None:
        """Take up what the store holds, and start the image model and both threads."""
        self._store.ensure_base(self._base)
        self._store.add_prompts(self._given, self._given_source)
        self._bag.add(p.text for p in self._store.prompts() if p.source == PASTED)
        self._desk.open(self._store.active(self._base).version)
        self._pool.start()
        self._tuning.start()

    def close(self) -> None:
        """Stop both threads and the image model; a trainer goes on for the next app to adopt."""
        self._tuning.close()
        self._pool.close()

    # Labeling

    def next_pair(self, annotator: str) -> dict[str, Any]:
        """Return the annotator's open pair, the same until it is voted on, or why to wait."""
        answer = self.pairs_ahead(annotator, [], 1)
        if answer["pairs"]:
            pair: dict[str, Any] = answer["pairs"][0]
            return pair
        return {"wait_s": answer["wait_s"], "reason": answer["reason"]}

    def pairs_ahead(self, annotator: str, have: Iterable[str], want: int) -> dict[str, Any]:
        """Return up to `want` pairs besides those the page has, the open one first.

        With fewer, says when there should be more and why. `passed_over` names pairs among `have`
        that come from a version no longer active: the page may leave them out.
        """
        name, want = as_annotator(annotator), max(0, min(MOST_AT_ONCE, want))
        handout = self._desk.ahead(name, list(have), want, any_version=self._pool.stuck)
        self._pool.wake()
        wait = self._pool.wait() if len(handout.pairs) < want else None
        return {
            "pairs": [as_dict(pair) for pair in handout.pairs],
            "passed_over": handout.passed_over,
            "wait_s": round(wait.seconds, 1) if wait else None,
            "reason": wait.reason if wait else None,
        }

    def vote(
        self,
        pair_id: str,
        verdict: str,
        annotator: str,
        key: str,
        response_ms: int | None = None,
    ) -> dict[str, Any]:
        """Record a vote, once per key; raises storage's errors about pair, verdict and key."""
        receipt = self._desk.vote(
            as_text(pair_id, "The pair_id"),
            as_text(verdict, "The verdict"),
            as_annotator(annotator),
            as_text(key, "The key"),
            as_response_ms(response_ms),
        )
        return {
            "accepted": True,
            "key": receipt.key,
            "votes": self._store.counts(self._base).votes,
            "until_next_run": self._until_next_run(),
        }

    def undo(self, annotator: str, key: str | None = None) -> dict[str, Any]:
        """Take back the annotator's newest vote, once per key, and return its pair, open again."""
        own_key = None if key is None else as_text(key, "The key")
        return as_dict(self._desk.undo(as_annotator(annotator), own_key))

    def stats(self, annotator: str | None = None) -> dict[str, Any]:
        """Count votes, what is missing until the next run, and the pairs that wait for anybody.

        Naming an annotator keeps their pairs for them.
        """
        if annotator is not None:
            self._desk.touch(as_annotator(annotator))
        counts = self._store.counts(self._base)
        return {
            "votes": counts.votes,
            "decisive": counts.decisive,
            "ties": counts.ties,
            "skipped": counts.skipped,
            "until_next_run": self._until_next_run(),
            "ready_pairs": self._desk.ready(),
        }

    def add_prompts(self, prompts: list[str] | str) -> dict[str, int]:
        """Add prompts, a list or one a line, and return how many are new and in all."""
        texts = check_prompts(prompts)
        self._store.add_prompts(texts, PASTED)
        return {"added": self._bag.add(texts), "total": len(self._bag)}

    def image_file(self, image_id: str) -> Path | None:
        """Return the file of a picture by the id in its address; None for an unknown one."""
        image = self._store.image(image_id)
        return self._store.image_path(image.sha256) if image else None

    def activity(self) -> dict[str, Any]:
        """Say what the app is doing now."""
        state, run_id = self._sampler.state(), self._tuning.running
        run = {"run_id": run_id, **self._reports.status(run_id)} if run_id else None
        ready, target = self._desk.ready(), self._pool.target
        return {
            "sampler": {"state": state.state, "detail": state.detail, "device": state.device},
            "pool": {"ready": ready, "target": target, "problem": self._pool.problem},
            "run": run,
            "problem": self._tuning.problem,
            "message": self._message(run, ready, target),
        }

    # Fine-tuning and versions

    def plan(self, settings: dict[str, Any] | str) -> dict[str, Any]:
        """Say what a run would be; raises NothingToLearn, or what the trainer raises."""
        return self._tuning.plan(as_settings(settings))

    def fine_tune(self, settings: dict[str, Any] | str) -> dict[str, str]:
        """Start or queue a run on all votes so far; waits until they are settled."""
        return {"run_id": self._tuning.fine_tune(as_settings(settings)).run_id}

    def run_status(self, run_id: str) -> dict[str, Any]:
        """Return state, progress from 0 to 1, seconds left, the version made and the error."""
        return self._reports.status(as_text(run_id, "The run_id"))

    def run_detail(self, run_id: str) -> dict[str, Any]:
        """Return everything about a run, its metrics too."""
        return self._reports.detail(as_text(run_id, "The run_id"))

    def cancel_run(self, run_id: str) -> dict[str, Any]:
        """Stop a run, which may take a moment, and return its status."""
        self._tuning.cancel(as_text(run_id, "The run_id"))
        return self._reports.status(run_id)

    def resume_run(self, run_id: str) -> dict[str, Any]:
        """Let a cancelled, interrupted or failed run go on, and return its status."""
        self._tuning.resume(as_text(run_id, "The run_id"))
        return self._reports.status(run_id)

    def runs(self) -> list[dict[str, Any]]:
        """Return all runs, newest first."""
        return self._reports.runs()

    def versions(self) -> list[dict[str, Any]]:
        """Return all versions, oldest first."""
        return self._reports.versions()

    def activate(self, version: str) -> list[dict[str, Any]]:
        """Let new pairs come from a version, and return all versions."""
        self.library.require_file(as_text(version, "The version"))
        self._store.activate(self._base, version)
        self._desk.switch(version)
        self._pool.wake()
        return self._reports.versions()

    def compare(self, prompt: str, seed: int, before: str, after: str) -> dict[str, str]:
        """Draw one prompt and seed with two versions and return where the pictures are."""
        drawn = self.compare_many([prompt], [seed], before, after)
        return next(drawn)[0]

    def compare_many(
        self, prompts: Sequence[str], seeds: Sequence[int], before: str, after: str
    ) -> Iterator[dict[int, dict[str, str]]]:
        """Draw every prompt with every seed, and return where the pictures are as they are drawn.

        Each group says so by place; places count prompt by prompt.
        """
        items = as_items(prompts, seeds)
        names = as_text(before, "The version before"), as_text(after, "The version after")
        return map(_addresses, self._comparing.compare(items, *names))

    def _until_next_run(self) -> int | None:
        return self._schedule.until_next(self._harvest.new()) if self.train_every else None

    def _message(self, run: dict[str, Any] | None, ready: int, target: int) -> str:
        if self._tuning.problem:
            return f"The runs cannot be followed: {self._tuning.problem}"
        if self._pool.stuck and not self._pool.resting:
            return self._pool.wait().reason
        if run:
            return in_words(run)
        if self._sampler.state().state != "ready":
            return self._pool.wait().reason
        if ready < target:
            return f"Drawing pairs: {ready} of {target} ready."
        return f"{ready} pairs ready."


def as_dict(pair: Pair) -> dict[str, Any]:
    """Return a pair as a page needs it; no address names a path, a model or a version."""
    return {
        "pair_id": pair.pair_id,
        "prompt": pair.prompt,
        "left_url": address(pair.left),
        "right_url": address(pair.right),
    }


def _addresses(drawn: Drawn) -> dict[int, dict[str, str]]:
    return {
        place: {"before_url": address(before.image_id), "after_url": address(after.image_id)}
        for place, (before, after) in drawn.items()
    }


def address(image_id: str) -> str:
    """Return where a picture is served, relative to the server's root."""
    return f"img/{image_id}.png"
