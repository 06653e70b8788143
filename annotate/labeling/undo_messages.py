"""What an undo tells a page or a program: what was taken back, and in which words."""

from typing import Any

from annotate.labeling.best_worst import quad_view
from annotate.urls import pair_view
from storage.records import Quad
from storage.tables.act_order import RANKING, REPORT
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


def told_undone(undone: UndoneAct) -> dict[str, Any]:
    """Return what was taken back: the pair or four, `undone`, whether it `opens`, and a `note`."""
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
        told = STILL_HIDDEN if undone.hidden else REPORTED
    else:
        told = SENTENCES[undone.kind]
    return f"{SETTLED} {told}" if undone.settled else told


def flat(told: dict[str, Any]) -> dict[str, Any]:
    """Return the pair or the four themselves, with what was taken back beside them."""
    pair: dict[str, Any] = told["pair"]
    return pair | {name: told[name] for name in ("undone", "opens", "note")}
