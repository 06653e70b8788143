"""Rows of Palate's own Parquet, from votes, with their sides shuffled."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from storage.exports.exported_votes import ExportedImage, ExportedVote
from storage.exports.pickapic_columns import DEFAULT, FULL, TRAIN, VALIDATION, names_of
from storage.snapshot.snapshot_folder import pseudonym

Row: TypeAlias = tuple[Any, ...]
Contents: TypeAlias = Mapping[str, bytes]
"""The bytes of images by their SHA-256."""
VALIDATION_SHARE = 0.05
"""Prompts of `default` that are in the split `validation`, out of 1."""
SAME_IMAGES, UNEQUAL_SIZES, NO_PROMPT = (
    "both images are the same",
    "the two images have different sizes",
    "the prompt is empty",
)


@dataclass(frozen=True, slots=True)
class PromptRows:
    """A prompt as its images were rendered with it, and the rows that a configuration has of it."""

    caption: str
    rows: int


def shuffled(vote: ExportedVote, seed: int) -> list[int]:
    """Return the images of a vote in the order of its row, as numbers of its own.

    A hash of the seed and of the images' ids decides: who won, and on which side, has no part.
    """
    keys = [
        hashlib.sha256(f"{seed}:{vote.item_id}:{image.uid}".encode()).digest()
        for image in vote.images
    ]
    return sorted(range(len(keys)), key=keys.__getitem__)


def reordered(vote: ExportedVote, order: Sequence[int]) -> ExportedVote:
    """Return a vote whose images and ranks are in another order, or are some of them."""
    ranks = tuple(vote.ranks[place] for place in order) if vote.ranks else ()
    share = vote.share
    if share is not None and order and order[0] != 0:
        share = 1 - share
    images = tuple(vote.images[place] for place in order)
    return replace(vote, images=images, ranks=ranks, share=share)


def choices_of(vote: ExportedVote) -> Iterator[ExportedVote]:
    """Yield the choices of a vote, as `default` holds them: of a ranking, each pair it orders."""
    if vote.is_excluded or vote.kind not in ("preference", "ranking"):
        return
    if vote.share == 0.5:
        return
    if vote.kind == "preference":
        # The first image is the better one, however sure that is.
        yield replace(vote, share=None)
        return
    for one, ranked in enumerate(vote.ranks):
        for other in range(one + 1, len(vote.ranks)):
            if vote.ranks[other] != ranked:
                pair = reordered(vote, (one, other))
                yield replace(pair, kind="preference", item_id=f"{vote.item_id}-{one}-{other}")


def unfit(choice: ExportedVote, caption: str) -> str:
    """Return why a choice is not in `default`; "" if it is."""
    first, second = choice.images
    if first.sha256 == second.sha256:
        return SAME_IMAGES
    if (first.width, first.height) != (second.width, second.height):
        return UNEQUAL_SIZES
    return "" if caption.strip() else NO_PROMPT


def prompt_key(caption: str) -> int:
    """Return a number below 2**63 that stands for a prompt, the same everywhere."""
    return int.from_bytes(hashlib.sha256(caption.encode()).digest()[:8], "big") >> 1


def split_of(key: int, lowest: int) -> str:
    """Return the split of a prompt by its key; that of the lowest key is in `validation` always."""
    return VALIDATION if key < VALIDATION_SHARE * 2**63 or key == lowest else TRAIN


def default_row(choice: ExportedVote, contents: Contents, prompt: PromptRows) -> Row:
    """Return the row of a choice, whose images are in the order of the row."""
    known = values_of(choice, contents, prompt)
    return tuple(known[name] for name in names_of(DEFAULT))


def full_row(
    vote: ExportedVote, order: Sequence[int], contents: Contents, prompt: PromptRows
) -> Row:
    """Return the row of a vote in `full`, with its images in this order."""
    turned = reordered(vote, order)
    kept, selection = vote.kept, vote.selection
    known = values_of(turned, contents, prompt) | {
        "shown_order": [order.index(place) for place in range(len(order))],
        "ranks": list(turned.ranks) if vote.kind == "ranking" else None,
        "more_images": [struct_of(image, contents) for image in turned.images[2:]],
        "share": turned.share,
        "excluded_vote": vote.excluded_vote,
        "excluded_annotator": vote.excluded_annotator,
        "weight_reason": vote.weight_reason,
        "kept_from": kept.pair_id if kept else "",
        "kept_by": kept.annotator if kept else "",
        "selection_rule": selection[0] if selection else None,
        "propensity": selection[1] if selection else None,
    }
    return tuple(known[name] for name in names_of(FULL))


def values_of(vote: ExportedVote, contents: Contents, prompt: PromptRows) -> dict[str, Any]:
    """Return the columns that both configurations have, by name."""
    label_0, label_1 = labels_of(vote)
    first, second = vote.images[:2]
    return {
        **images_by_column(0, first, contents),
        **images_by_column(1, second, contents),
        "are_different": first.sha256 != second.sha256,
        "best_image_uid": best_of(vote),
        "label_0": label_0,
        "label_1": label_1,
        "has_label": label_0 is not None,
        "caption": prompt.caption,
        "created_at": vote.created,
        "ranking_id": vote.number,
        "num_example_per_prompt": prompt.rows,
        "pair_id": vote.item_id,
        "kind": vote.kind,
        "prompt": vote.prompt,
        "base": vote.base,
        "version": vote.version,
        "source": vote.source,
        **remarks_by_column(vote),
    }


def images_by_column(number: int, image: ExportedImage, contents: Contents) -> dict[str, Any]:
    """Return the columns of the first or the second image."""
    return {
        f"image_{number}_uid": image.uid,
        f"image_{number}_url": "",
        f"jpg_{number}": contents[image.sha256],
        f"model_{number}": image.model,
        f"recipe_{number}": image.recipe,
        f"width_{number}": image.width,
        f"height_{number}": image.height,
    }


def remarks_by_column(vote: ExportedVote) -> dict[str, Any]:
    """Return the columns of who gave a vote, and of what they added to it."""
    uids = [image.uid for image in vote.images]
    criteria = {
        name: str(uids.index(value)) if value in uids else value for name, value in vote.criteria
    }
    return {
        "user_id": int(pseudonym(vote.annotator), 16) if vote.annotator else 0,
        "annotator": vote.annotator,
        "strength": vote.strength,
        "reasons": list(vote.reasons),
        "criteria": json.dumps(criteria),
        "weight": vote.weight,
        "response_ms": vote.response_ms,
        "in_a_row": vote.kept.in_a_row if vote.kept else 0,
    }


def labels_of(vote: ExportedVote) -> tuple[float | None, float | None]:
    """Return the labels of the first two images: 1 for the better one, 0.5 each for a tie."""
    if vote.kind == "skip":
        return None, None
    if vote.share is not None:
        return vote.share, 1 - vote.share
    if not vote.ranks or vote.ranks[0] == vote.ranks[1]:
        return 0.5, 0.5
    return (1.0, 0.0) if vote.ranks[0] < vote.ranks[1] else (0.0, 1.0)


def best_of(vote: ExportedVote) -> str:
    """Return the uid of the best image of all, `tie` where there is none, "" of a skip."""
    if vote.kind == "skip":
        return ""
    if not vote.ranks or vote.ranks.count(min(vote.ranks)) > 1:
        return "tie"
    return vote.images[vote.ranks.index(min(vote.ranks))].uid


def struct_of(image: ExportedImage, contents: Contents) -> dict[str, Any]:
    """Return an image of a ranking after the second, as its column holds it."""
    return {
        "uid": image.uid,
        "bytes": contents[image.sha256],
        "width": image.width,
        "height": image.height,
        "model": image.model,
        "recipe": image.recipe,
    }
