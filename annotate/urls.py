"""Pairs and images as a page needs them; no address names a path, a model or a version."""

from typing import Any

from storage.records import QUESTIONS, Pair

QUESTION_TEXTS = {
    QUESTIONS[1]: "Which looks better, whatever was asked for?",
    QUESTIONS[2]: "Which shows better what was asked for?",
}


def image_url(image_id: str) -> str:
    """Return where an image is served, relative to the server's root."""
    return f"img/{image_id}.png"


def pair_view(pair: Pair) -> dict[str, Any]:
    """Return a pair as a page needs it; `question` only where it is not simply the better one."""
    told = {
        "pair_id": pair.pair_id,
        "prompt": pair.prompt,
        "left_url": image_url(pair.left),
        "right_url": image_url(pair.right),
    }
    return told | (
        {"question": QUESTION_TEXTS[pair.question]} if pair.question in QUESTION_TEXTS else {}
    )
