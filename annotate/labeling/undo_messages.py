"""Answers to an undo: what was taken back, as data and as a sentence."""

from typing import Any

from annotate.labeling.best_worst import quad_view
from annotate.urls import pair_view
from storage.act_order import RANKING, REPORT
from storage.records import Quad
from storage.tables.undo import VOTE, UndoneAct
from storage.tables.vote_annotations import CRITERION, REASON, STRENGTH

OPEN = "Choose again."
SENTENCES = {
    VOTE: f"Your vote is taken back. {OPEN}",
    RANKING: f"Your ranking is taken back. {OPEN}",
    STRENGTH: "It is a plain choice again.",
    REASON: "The reason is taken back.",
    CRITERION: "The answer is taken back.",
}
REPORTED = "Your flag is taken back. The pair is shown again, as before."
STILL_HIDDEN = "Your flag is taken back. The pair stays hidden, since somebody else flagged it too."
SETTLED = "Your newer flag stays, since an admin has decided on it."


def undo_view(undone: UndoneAct) -> dict[str, Any]:
    """Return the answer to an undo: `pair` (or four images), `undone`, `opens` and a `note`."""
    about = undone.about
    return {
        "pair": quad_view(about) if isinstance(about, Quad) else pair_view(about),
        "undone": {
            "kind": undone.kind,
            "key": undone.key,
            **({"name": undone.name} if undone.name else {}),
            **({"of": undone.vote_key} if undone.vote_key else {}),
        },
        "opens": undone.opens,
        "note": sentence(undone),
    }


def sentence(undone: UndoneAct) -> str:
    """Say what was taken back, and what stays."""
    if undone.kind == REPORT:
        text = STILL_HIDDEN if undone.hidden else REPORTED
    else:
        text = SENTENCES[undone.kind]
    return f"{SETTLED} {text}" if undone.flag_decided else text


def flat(answer: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of the pair at the top level, with those of the undo beside them."""
    pair: dict[str, Any] = answer["pair"]
    return pair | {name: answer[name] for name in ("undone", "opens", "note")}
