"""Very many pairs that wait for annotators, put into a store in bulk."""

import json
from typing import Any

from storage.database import Cursor
from storage.store import Store

IMAGES = """
INSERT INTO images
SELECT printf('%016x', n), printf('%064x', n), 16, 16, $recipe, 'recipe ' || n, 'base',
       now()::TIMESTAMP
FROM range(2 * $pairs) AS r(n)
"""
PAIRS = """
INSERT INTO pairs
SELECT printf('a%015x', n), nextval('pair_numbers'), 'a cat', printf('%016x', 2 * n),
       printf('%016x', 2 * n + 1), $base, 'base', now()::TIMESTAMP
FROM range($pairs) AS r(n) ORDER BY n
"""


def pair_id(number: int) -> str:
    """Return the id of a pair, by its place among those that wait."""
    return f"a{number:015x}"


def add_pairs(store: Store, base: str, pairs: int, **facts: Any) -> None:
    """Store pairs of a model in one transaction; `facts` are what else their recipes say."""
    recipe = json.dumps({"base": base, "version": "base", "prompt": "a cat", "seed": 1, **facts})

    def fill(cursor: Cursor) -> None:
        cursor.execute(IMAGES, {"pairs": pairs, "recipe": recipe})
        cursor.execute(PAIRS, {"pairs": pairs, "base": base})

    store._database.write(fill)
