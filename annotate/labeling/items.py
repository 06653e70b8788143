"""Items: the pairs and quads that are handed out, as rooms hold them and as a page takes them.

No address names a path, a model or a version, which would spoil a blind test.
"""

from typing import Protocol, TypeVar

from annotate.urls import image_url
from annotate.views.pairs_and_votes import PairView, QuadView
from storage.records import QUESTIONS, Pair, Quad

QUESTION_TEXTS = {
    QUESTIONS[1]: "Which looks better, whatever was asked for?",
    QUESTIONS[2]: "Which shows better what was asked for?",
}


class Item(Protocol):
    """Images of one prompt that are handed out together: two to vote on, or four to rank."""

    @property
    def item_id(self) -> str: ...

    @property
    def version(self) -> str: ...

    @property
    def trial(self) -> str | None:
        """Return the blind test that it belongs to."""

    @property
    def check(self) -> str | None:
        """Return repeat or gold for a control pair, which one annotator is asked."""

    @property
    def stream(self) -> str:
        """Return the queue it is handed out from: a version, imported images or a blind test."""


AnyItem = TypeVar("AnyItem", bound=Item)


def pair_view(pair: Pair, annotator: str = "") -> PairView:
    """Return a pair as an annotator's page takes it.

    `question` is there only where it is not which one is better, and `in_a_row` where the annotator
    chose the winner that stays: others would learn who wins before they vote.
    """
    view: PairView = {
        "pair_id": pair.pair_id,
        "prompt": pair.prompt,
        "left_url": image_url(pair.left),
        "right_url": image_url(pair.right),
    }
    if pair.question in QUESTION_TEXTS:
        view["question"] = QUESTION_TEXTS[pair.question]
    if pair.in_a_row and pair.kept_by == annotator:
        view["in_a_row"] = pair.in_a_row
    return view


def quad_view(quad: Quad) -> QuadView:
    """Return a quad as a page takes it: like a pair, but with four addresses."""
    urls = [image_url(image) for image in quad.images]
    return {"pair_id": quad.quad_id, "prompt": quad.prompt, "urls": urls}
