"""Pairs and images as a page needs them; no address names a path, a model or a version."""

from typing import Any

from storage.records import QUESTIONS, Pair

ASKED = {
    QUESTIONS[1]: "Which looks better, whatever was asked for?",
    QUESTIONS[2]: "Which shows better what was asked for?",
}


def address(image_id: str) -> str:
    """Return where an image is served, relative to the server's root."""
    return f"img/{image_id}.png"


def as_dict(pair: Pair) -> dict[str, Any]:
    """Return a pair as a page needs it; `question` only where it is not simply the better one."""
    told = {
        "pair_id": pair.pair_id,
        "prompt": pair.prompt,
        "left_url": address(pair.left),
        "right_url": address(pair.right),
    }
    return told | ({"question": ASKED[pair.question]} if pair.question in ASKED else {})
