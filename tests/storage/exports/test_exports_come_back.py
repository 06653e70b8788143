"""What is exported comes in again as the votes of a source, in each form that says enough."""

from __future__ import annotations

import hashlib
from collections import Counter

import pytest
from every_kind import give_every_kind

from storage import Store
from storage.exports.exported_votes import ExportChoice, ExportedVote
from storage.exports.forms.caption_folders import one_line
from storage.exports.preference_pairs import pairs_of
from storage.layouts.foreign_votes import ForeignImage, ForeignVote, RowLeftOut
from storage.layouts.found import find_data
from storage.layouts.reading import votes as foreign_votes
from storage.layouts.values import prompt_of

pytestmark = pytest.mark.slow
PAIR_FORMS = ("pairs", "imagefolder", "folders")
LAYOUTS = {
    "pairs": "chosen_rejected",
    "imagefolder": "imagefolder",
    "folders": "folders",
    "jsonl": "answers",
    "csv": "answers",
    "label-studio": "label_studio",
    "argilla": "argilla",
}
"""The layout that each form is recognized as."""


def hash_of(image: ForeignImage) -> str:
    content = image.content
    if content is None:
        assert image.place is not None
        content = image.place.file.read_bytes()
    return hashlib.sha256(content).hexdigest()


def said(vote: ForeignVote) -> tuple:
    return (vote.prompt, vote.kind, tuple(map(hash_of, vote.images)), vote.ranks)


def exported(store: Store) -> list[ExportedVote]:
    with store.exports.votes(ExportChoice()) as found:
        return list(found)


def expected(form: str, votes: list[ExportedVote]) -> list[tuple]:
    """What each vote says to whoever reads the form."""
    if form in PAIR_FORMS:
        pairs = [pair for vote in votes for pair in pairs_of(vote)]
        told = one_line if form == "folders" else str
        return [
            (
                prompt_of(told(pair.vote.caption)),
                "preference",
                (pair.chosen.sha256, pair.rejected.sha256),
                (),
            )
            for pair in pairs
        ]
    skipped = form in ("argilla", "label-studio")
    return [
        (prompt_of(vote.prompt), vote.kind, tuple(image.sha256 for image in vote.better_first), ())
        for vote in votes
        if len(vote.images) == 2 and not (skipped and vote.kind == "skip")
    ]


@pytest.mark.parametrize("form", LAYOUTS)
def test_our_own_readers_find_the_votes_that_were_written(store, tmp_path, form):
    give_every_kind(store)
    store.exports.write(form, tmp_path / "out")

    found = find_data([tmp_path / "out"])
    assert found.guess is not None and found.guess.layout == LAYOUTS[form]
    read = list(foreign_votes(found))

    came = [said(vote) for vote in read if isinstance(vote, ForeignVote)]
    assert Counter(came) == Counter(expected(form, exported(store)))
    reasons = {row.reason for row in read if isinstance(row, RowLeftOut)}
    assert reasons <= {
        "an answer was cancelled",
        "an answer is none of the known ones",
    }
