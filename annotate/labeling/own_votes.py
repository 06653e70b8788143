"""The list of an annotator's own votes, as pages and programs take it."""

from annotate.clock import in_utc
from annotate.errors import InvalidRequest
from annotate.labeling.items import pair_view
from annotate.urls import image_url
from annotate.validation import as_annotator, as_text
from annotate.views.own_votes import OwnRankingView, OwnVotesList, OwnVoteView
from storage.acts import as_verdict
from storage.aggregates.own_votes import OwnRanking, OwnVote, OwnVotesFilter
from storage.records import Pair
from storage.store import Store

VOTES_AT_ONCE = 24
FOUR = "four"
"""Asked for as a verdict, it stands for rankings of four images."""


def own_votes_list(
    store: Store, model_id: str, annotator: object, before: object, verdict: object, prompt: object
) -> OwnVotesList:
    """Return the newest votes of an annotator that a filter leaves, or those `before` a vote.

    Raises InvalidRequest, InvalidVerdict or InvalidAnnotator.
    """
    name = as_annotator(annotator)
    if isinstance(before, bool) or not isinstance(before, int) or before < 0:
        raise InvalidRequest(f"before must be a number of an earlier answer, not {before!r}.")
    if verdict == FOUR:
        return own_rankings_list(store, model_id, name, before, as_text(prompt, "The prompt"))
    wanted = as_filter(verdict, prompt)

    # One more tells whether there are older ones.
    found = store.votes.own.page(model_id, name, wanted, before, VOTES_AT_ONCE + 1)
    shown = found[:VOTES_AT_ONCE]
    pairs = {pair.pair_id: pair for pair in store.pairs.some([vote.pair_id for vote in shown])}
    return {
        "votes": [own_vote_view(vote, pairs[vote.pair_id], name) for vote in shown],
        "rankings": [],
        "total": store.votes.own.count(model_id, name, wanted),
        "before": shown[-1].vote_id if len(found) > len(shown) else 0,
    }


def own_rankings_list(
    store: Store, model_id: str, name: str, before: int, prompt: str
) -> OwnVotesList:
    """Return the newest rankings of four images, or those `before` one of them."""
    prompt = prompt.strip()
    found = store.votes.own.rankings(model_id, name, prompt, before, VOTES_AT_ONCE + 1)
    shown = found[:VOTES_AT_ONCE]
    return {
        "votes": [],
        "rankings": [own_ranking_view(ranking) for ranking in shown],
        "total": store.votes.own.count_rankings(model_id, name, prompt),
        "before": shown[-1].ranking_id if len(found) > len(shown) else 0,
    }


def own_ranking_view(ranking: OwnRanking) -> OwnRankingView:
    """Return a ranking with its images as they were shown."""
    skipped = ranking.best is None or ranking.worst is None
    return {
        "prompt": ranking.prompt,
        "urls": [image_url(image) for image in ranking.images],
        "best": None if skipped else ranking.images.index(str(ranking.best)),
        "worst": None if skipped else ranking.images.index(str(ranking.worst)),
        "at": in_utc(ranking.created),
    }


def as_filter(verdict: object, prompt: object) -> OwnVotesFilter:
    """Return a filter of votes; raises InvalidRequest or InvalidVerdict."""
    chosen = as_text(verdict, "The verdict")
    return OwnVotesFilter(
        verdict=as_verdict(chosen) if chosen else "", prompt=as_text(prompt, "The prompt").strip()
    )


def own_vote_view(vote: OwnVote, pair: Pair, annotator: str) -> OwnVoteView:
    """Return a vote with the pair as it was shown."""
    return {
        **pair_view(pair, annotator),
        "vote_key": vote.key,
        "verdict": vote.verdict.value,
        "strong": vote.strong,
        "reasons": vote.reasons,
        "criteria": vote.criteria,
        "at": in_utc(vote.created),
        "fixed": vote.fixed,
    }
