"""Prompts whose brackets were characters to the text encoder, and so are to be trained as such."""

import json
from collections.abc import Sequence
from dataclasses import replace

from align.contracts.prompt_marks import has_marks
from storage.database import Database
from storage.recipes import WHOLE
from storage.snapshot.snapshot_folder import Settled, images_of

RECIPES = "SELECT sha256, recipe FROM images WHERE sha256 IN (SELECT unnest(?::VARCHAR[]))"


def mark_plain(database: Database, lines: Sequence[Settled]) -> list[Settled]:
    """Mark votes on imported images, and on those rendered before weights were read."""
    marked = [line for line in lines if has_marks(line.prompt)]
    shown = sorted({sha256 for line in marked for sha256 in images_of(line)})
    recipes = database.read(RECIPES, [shown]) if shown else []
    whole = {sha256 for sha256, recipe in recipes if json.loads(recipe).get("text") == WHOLE}

    return [
        replace(line, plain=has_marks(line.prompt) and whole.isdisjoint(images_of(line)))
        for line in lines
    ]
