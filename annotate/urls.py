"""Addresses of images, and pairs as a page takes them.

No address names a path, a model or a version, which would spoil a blind test.
"""

from typing import Any

from storage.records import QUESTIONS, Pair

QUESTION_TEXTS = {
    QUESTIONS[1]: "Which looks better, whatever was asked for?",
    QUESTIONS[2]: "Which shows better what was asked for?",
}


def image_url(image_id: str) -> str:
    """Return the address of an image, relative to the server's root."""
    return f"img/{image_id}.png"


def pair_view(pair: Pair) -> dict[str, Any]:
    """Return a pair as a page takes it; `question` only where it is not which one is better."""
    view = {
        "pair_id": pair.pair_id,
        "prompt": pair.prompt,
        "left_url": image_url(pair.left),
        "right_url": image_url(pair.right),
    }
    if pair.question in QUESTION_TEXTS:
        view["question"] = QUESTION_TEXTS[pair.question]
    return view
