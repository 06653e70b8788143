"""Answers to an undo: what was taken back, as data and as a sentence."""

from annotate.labeling.items import pair_view, quad_view
from annotate.views.pairs_and_votes import (
    TakenBack,
    UndoFacts,
    UndoneOnPair,
    UndoneOnQuad,
    UndoView,
)
from storage.act_log import FLAG, RANKING, VOTE
from storage.acts import CRITERION, REASON, STRENGTH
from storage.records import Quad
from storage.tables.undo import UndoneAct

OPEN = "Choose again."
SENTENCES = {
    VOTE.name: f"Your vote is taken back. {OPEN}",
    RANKING.name: f"Your ranking is taken back. {OPEN}",
    STRENGTH: "It is a plain choice again.",
    REASON: "The reason is taken back.",
    CRITERION: "The answer is taken back.",
}
REPORTED = "Your flag is taken back. The pair is shown again, as before."
STILL_HIDDEN = "Your flag is taken back. The pair stays hidden, since somebody else flagged it too."
SETTLED = "Your newer flag stays, since an admin has decided on it."


def undo_view(undone: UndoneAct, annotator: str) -> UndoView:
    """Return the answer to an undo, with the pair or the four images it was about."""
    about = undone.about
    taken_back: TakenBack = {"kind": undone.kind, "key": undone.key}
    if undone.name:
        taken_back["name"] = undone.name
    if undone.vote_key:
        taken_back["of"] = undone.vote_key

    return {
        "pair": quad_view(about) if isinstance(about, Quad) else pair_view(about, annotator),
        "undone": taken_back,
        "opens": undone.opens,
        "note": sentence(undone),
    }


def sentence(undone: UndoneAct) -> str:
    """Say what was taken back, and what stays."""
    if undone.kind == FLAG.name:
        text = STILL_HIDDEN if undone.hidden else REPORTED
    else:
        text = SENTENCES[undone.kind]
    return f"{SETTLED} {text}" if undone.flag_decided else text


def flat(answer: UndoView) -> UndoneOnPair | UndoneOnQuad:
    """Return the fields of the pair at the top level, with those of the undo beside them."""
    about = answer["pair"]
    facts: UndoFacts = {
        "undone": answer["undone"],
        "opens": answer["opens"],
        "note": answer["note"],
    }
    if "urls" not in about:
        return {**about, **facts}
    assert "left_url" not in about
    return {**about, **facts}
