"""What forms share that hold pairs of a better and a worse image, and nothing else."""

from collections.abc import Iterable, Iterator, Mapping

from storage.exports.exported_votes import ExportedVote
from storage.exports.forms.form import Form
from storage.exports.preference_pairs import PreferencePair, pairs_of, why_none

LOST_IN_PAIRS: Mapping[str, str] = {
    "number": "The order of the rows is kept, the numbers of an export are not.",
    "item_id": "Which votes were on the same pair.",
    "kind": "Ties, skips and votes that found both good or both bad are left out and counted.",
    "ranks": "A ranking becomes the pairs that it orders.",
    "prompt": "The prompt is the one that the model was shown, with the text of a look around it.",
    "images": "On which side each image was shown.",
    "created": "When it was given.",
    "base": "On which model it was given.",
    "version": "The version that the pair was rendered with.",
    "reasons": "Why the other image lost.",
    "criteria": "What was better by each criterion.",
    "weight": "How much its annotator or its source counts in training.",
    "weight_reason": "Why its annotator has that weight.",
    "kept": "From which pair an image was kept.",
    "response_ms": "How long it took.",
    "selection": "How its pair was selected.",
    "asked_as": "Which votes were on control pairs or in blind tests.",
    "flagged": "Which pairs were flagged.",
    "excluded_vote": "Which votes are excluded from training.",
    "excluded_annotator": "Whose votes are excluded from training.",
    "details": "What else a source told.",
    "image.uid": "The ids of images: their names are the SHA-256 of their bytes.",
    "image.version": "Which images somebody brought.",
    "image.recipe": "How an image was made, but for its model and version.",
}
"""What no form of pairs holds, unless it says otherwise."""


def kept_besides(*fields: str) -> Mapping[str, str]:
    """Return what a form of pairs loses that does hold these fields."""
    return {name: what for name, what in LOST_IN_PAIRS.items() if name not in fields}


def lost_besides(**fields: str) -> Mapping[str, str]:
    """Return what a form of pairs loses, with more of it."""
    return {**LOST_IN_PAIRS, **fields}


class PairForm(Form):
    """A form that holds pairs of a better and a worse image."""

    def pairs(self, votes: Iterable[ExportedVote]) -> Iterator[PreferencePair]:
        """Yield the pairs of votes, and count the votes that give none."""
        for vote in votes:
            if why := why_none(vote):
                self.left_out[why] += 1
            yield from pairs_of(vote)
