"""Labeling half of the studio: pairs to label, votes, undo, rankings and counts."""

from collections.abc import Iterable, Sequence

from annotate.blind_tests.trials import BlindTests
from annotate.insights.insights import Insights
from annotate.labeling.annotations import Annotations
from annotate.labeling.assignment import PairAssigner
from annotate.labeling.best_worst import QuadAssigner
from annotate.labeling.items import pair_view, quad_view
from annotate.labeling.own_votes import own_votes_list
from annotate.labeling.sessions import LabelingSessions
from annotate.labeling.undo_messages import undo_view
from annotate.labeling.vote_counts import vote_counts, whole_sentence
from annotate.rendering.kept_winners import KeptWinners
from annotate.rendering.pair_pool import PairPool, WaitEstimate
from annotate.training.automatic.trigger import Trigger
from annotate.training.planning.new_votes import NewVotes
from annotate.validation import as_annotator, as_text
from annotate.views.own_votes import ChangedVote, OwnVotesList
from annotate.views.pairs_and_votes import (
    AcceptedVote,
    AnyItemView,
    ItemsAhead,
    LabelingStats,
    PairView,
    QuadView,
    UndoView,
    Wait,
)
from storage.act_log import FLAG, VOTE
from storage.acts import NewVote, as_verdict
from storage.records import Quad
from storage.store import Store
from storage.tables.votes import Changed

MAX_ITEMS_PER_CALL = 48
"""Pairs or sets of four images that one call may return."""


class Labeling:
    """The labeling half of the studio; thread-safe."""

    def __init__(
        self,
        store: Store,
        assigner: PairAssigner,
        pool: PairPool,
        best_worst: QuadAssigner,
        kept_winners: KeptWinners,
        blind_tests: BlindTests,
        insights: Insights,
        new_votes: NewVotes,
        trigger: Trigger,
        model_id: str,
    ) -> None:
        self._store, self._assigner, self._pool, self._model_id = store, assigner, pool, model_id
        self._new_votes, self._trigger, self._kept_winners = new_votes, trigger, kept_winners
        self.best_worst, self.blind_tests, self.insights = best_worst, blind_tests, insights
        self.annotations = Annotations(store, assigner, model_id)
        self.sessions = LabelingSessions(store, (assigner, best_worst), insights.own)

    @property
    def train_every(self) -> int:
        """Return the decisive votes after which a run starts by itself; 0 for never."""
        return self._trigger.every

    def next_pair(self, annotator: str, trial: str = "") -> PairView | Wait:
        """Return the annotator's open pair, the same until it is voted on, or why there is none."""
        return first_or_wait(self.pairs_ahead(annotator, [], 1, trial))

    def pairs_ahead(
        self,
        annotator: str,
        have: Iterable[str],
        want: int,
        trial: str = "",
        keep_winner: bool | None = None,
    ) -> ItemsAhead[PairView]:
        """Return up to `want` pairs besides those that the page has, the open one first.

        If there are fewer, `wait_s` and `reason` say when to ask again and why. `passed_over` names
        pairs among `have` that the page may drop: those of a version that is no longer active, or
        of another blind test. `keep_winner` says whether the annotator keeps winners now; None
        leaves that as it is. Raises what `BlindTests.request_pairs` raises about `trial`.
        """
        name, have = as_annotator(annotator), list(have)
        want = max(0, min(MAX_ITEMS_PER_CALL, want))
        rendering = self.blind_tests.request_pairs(trial) if trial else None
        assigned = self._assigner.assign(name, have, want, self._pool.blocked, trial or None)
        if keep_winner is not None:
            self._kept_winners.note(name, keep_winner)
        # Pairs were taken, so the pool may have to render more at once.
        self._pool.wake()

        pairs = [pair_view(pair, name) for pair in assigned.pairs]
        wait = self._wait(len(pairs) < want, rendering)
        if not (pairs or have):
            self._add_progress(wait, trial)
            self._kept_winners.note_empty(name)
        return {"pairs": pairs, "passed_over": assigned.passed_over, **wait}

    def next_quad(self, annotator: str) -> QuadView | Wait:
        """Return the annotator's four open images to rank, or why there are none."""
        return first_or_wait(self.quads_ahead(annotator, [], 1))

    def vote(self, vote: NewVote, keep_winner: bool = False) -> AcceptedVote:
        """Record a vote, once per key; raises UnknownPair, AlreadyVoted or InvalidKey.

        With `keep_winner` the better image comes again, beside a new one of the same prompt: as
        `next` where that is rendered already.
        """
        receipt = self._assigner.vote(vote)
        if receipt.trial:
            self.blind_tests.act_on_verdict(receipt.trial)

        accepted: AcceptedVote = {
            "accepted": True,
            "key": receipt.key,
            "votes": self._store.labeler_counts(self._model_id).votes,
            "until_next_run": self._until_next_run(),
        }
        if keep_winner:
            if kept := self._kept_winners.after_vote(vote, receipt.duplicate):
                accepted["next"] = pair_view(kept, vote.annotator)
            # The image after that one is rendered while it is looked at.
            self._pool.wake()
        return accepted

    def undo(self, annotator: str, key: str | None = None) -> UndoView:
        """Take back the annotator's latest act, once per key, and return it and what follows.

        The act may be a vote, a ranking, a flag or an annotation of a vote. After the first three
        the pair, or the four images, are open again.
        """
        name, own_key = as_annotator(annotator), None if key is None else as_text(key, "The key")
        undone = self._store.undo(name, own_key)
        if undone.kind == VOTE.name:
            self._kept_winners.take_back(undone.key)

        if isinstance(undone.about, Quad):
            self.best_worst.reopen(name, undone.about, own_key)
        elif undone.opens:
            self._assigner.reopen(name, undone.about, own_key)
        elif undone.kind == FLAG.name and not undone.hidden:
            self._assigner.show_again(undone.about)
        return undo_view(undone, name)

    def own_votes_list(
        self, annotator: str, before: int = 0, verdict: str = "", prompt: str = ""
    ) -> OwnVotesList:
        """Return 24 of an annotator's own votes, newest first; `before` is of the answer before."""
        return own_votes_list(self._store, self._model_id, annotator, before, verdict, prompt)

    def change_vote(self, annotator: str, vote_key: str, verdict: str, key: str) -> ChangedVote:
        """Give one's own vote another verdict, or take it back with none; once per key.

        Nothing is overwritten: a new vote takes the place of the one before. Raises UnknownVote,
        BlindTestOver, InvalidVerdict or InvalidKey.
        """
        name, own_key = as_annotator(annotator), as_text(key, "The key")
        chosen = as_text(verdict, "The verdict")
        new = as_verdict(chosen) if chosen else None
        of = as_text(vote_key, "The key of the vote")
        changed = self._store.votes.change(of, new, name, own_key)
        if not changed.duplicate:
            # The pair that kept the winner of before is asked no more.
            self._kept_winners.take_back(of)
        if opens := new is None and self._may_open(changed):
            self._assigner.reopen(name, self._store.pair(changed.pair_id), own_key)
        elif new is not None and not changed.duplicate:
            self._assigner.note_vote(new, changed.trial)
        if changed.trial:
            self.blind_tests.act_on_verdict(changed.trial)
        return {"accepted": True, "key": own_key, "verdict": chosen, "opens": opens}

    def _may_open(self, changed: Changed) -> bool:
        """Return whether the pair of a vote is asked again once the vote is taken back."""
        return not changed.hidden and changed.base == self._model_id

    def quads_ahead(self, annotator: str, have: Sequence[str], want: int) -> ItemsAhead[QuadView]:
        """Return up to `want` sets of four images besides those that the page has."""
        assigned = self.best_worst.assign(
            annotator, have, min(MAX_ITEMS_PER_CALL, want), self._assigner.version
        )
        self._pool.wake()
        quads = [quad_view(quad) for quad in assigned]
        passed_over, wait = self.best_worst.passed_over(have), self._wait(len(quads) < want)
        if not (quads or have):
            self._add_progress(wait)
        return {"pairs": quads, "passed_over": passed_over, **wait}

    def stats(self, annotator: str | None = None) -> LabelingStats:
        """Count the votes, those that the next run waits for, and the pairs that are ready.

        What the next run waits for, the pairs and the speed are None while a blind test is mixed
        in: how they change would give away which pairs are the test's. Naming an annotator renews
        their leases.
        """
        if annotator is not None:
            for assigner in (self._assigner, self.best_worst):
                assigner.touch(as_annotator(annotator))
        counts = self._store.labeler_counts(self._model_id)
        speed = None if self._assigner.mixed else self._pool.speed
        return {
            "votes": counts.votes,
            "decisive": counts.decisive,
            "ties": counts.ties,
            "skipped": counts.skipped,
            "counts": vote_counts(self._store, self._model_id, bool(self._assigner.mixed)),
            "until_next_run": self._until_next_run(),
            "ready_pairs": None if self._assigner.mixed else self._assigner.ready(),
            "pairs_per_hour": speed.pairs_per_hour if speed else None,
            "rendering_speed": speed.sentence() if speed else "",
        }

    def counts_told(self) -> str:
        """Say what the votes are, what a run leaves out, and which votes are not counted."""
        return whole_sentence(self._store, self._model_id, bool(self._assigner.mixed))

    def votes_elsewhere(self) -> int:
        """Count the votes on images of other models."""
        return self._store.votes.left_out(self._model_id).other_models

    def _wait(self, too_few: bool, rendering: str | None = None) -> Wait:
        """Return how long to wait for more and why; both None if there are enough.

        `rendering` is the reason of a blind test, whose pairs do not come from the pool.
        """
        if not too_few:
            return {"wait_s": None, "reason": None}
        wait = WaitEstimate(1.0, rendering) if rendering else self._pool.estimate_wait()
        return {"wait_s": round(wait.seconds, 1), "reason": wait.reason}

    def _add_progress(self, wait: Wait, trial: str = "") -> None:
        """Add how far the images are, for somebody who has none to look at.

        Nothing while a blind test is mixed in: what is rendered would tell its pairs from others.
        """
        watch = self.blind_tests.watch if trial else self._pool.requests.watch
        if (trial or not self._assigner.mixed) and (view := watch.view()):
            wait["rendering"] = view

    def _until_next_run(self) -> int | None:
        """Return how many choices the next run waits for; None if that is not told."""
        if not self.train_every or self._assigner.mixed:
            return None
        return self._trigger.until_next(self._new_votes.new_vote_count())


def first_or_wait(ahead: ItemsAhead[AnyItemView]) -> AnyItemView | Wait:
    """Return the open one of the items ahead, or how long to wait for one and why."""
    if ahead["pairs"]:
        return ahead["pairs"][0]
    wait: Wait = {"wait_s": ahead["wait_s"], "reason": ahead["reason"]}
    if "rendering" in ahead:
        wait["rendering"] = ahead["rendering"]
    return wait
