"""A studio in which very many votes were given, put into its tables in bulk.

Several people, pairs that more than one voted on, every verdict, votes taken back, pairs asked
again with sides swapped, known pairs, a blind test, rankings, reasons, exclusions, reports.
"""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import duckdb
import numpy as np
from PIL import Image as PILImage

from align.client.models import describe_model
from annotate.rendering.look import own_look, recipe_facts
from storage import Store

SIDE = 32
WAITING = 8_000
"""Pairs that nobody voted on, so that nothing need be rendered while votes arrive."""

STATEMENTS = (
    # Chances by hash, so that every studio of a size is the same.
    "CREATE TEMP MACRO dice(salt, n) AS (hash(salt || ':' || n) % 10000) / 10000.0",
    "CREATE TEMP MACRO person(n) AS CASE WHEN dice('who', n) < 0.5 THEN 'ann' "
    "ELSE 'person ' || (1 + hash('one' || n) % 7) END",
    "CREATE TEMP MACRO image(n) AS printf('%016x', n)",
    "CREATE TEMP MACRO prompt(n) AS 'prompt ' || (n % 3000) || ' of a ' || "
    "['cat', 'castle', 'red fox', 'lighthouse', 'teapot'][1 + n % 5]",
    """
    INSERT INTO prompts (text, source, created)
    SELECT 'a subject of its own, number ' || n, 'pasted', $began FROM range($prompts) AS r(n)
    """,
    """
    INSERT INTO images
    SELECT image(n), sha, 32, 32, '{"base": "' || $base || '", "version": "base", "seed": ' || n ||
           ', "prompt": "' || prompt(n // 2) || '", ' || $facts, 'recipe ' || n, 'base', $began
    FROM range(2 * $pairs) AS r(n) JOIN files ON files.place = hash('file' || n) % $files
    """,
    """
    INSERT INTO pairs
    SELECT printf('p%015x', n), nextval('pair_numbers'), prompt(n), image(2 * n), image(2 * n + 1),
           $base, 'base', $began
    FROM range($pairs) AS r(n) ORDER BY n
    """,
    # Three quarters are first votes on pairs of their own; the rest a second and third person's.
    """
    CREATE TEMP TABLE given AS
    SELECT n, CASE WHEN n < $first THEN n ELSE (n - $first) // 2 END AS pair,
           CASE WHEN n < $first THEN person(n)
                ELSE 'helper ' || (1 + hash('more' || (n - $first) // 2) % 3 + n % 2) END AS who,
           dice('verdict', n) AS d, n % 25 = 7 AND n < $first AS again
    FROM range($votes) AS r(n)
    """,
    """
    CREATE TEMP TABLE cast_votes AS
    SELECT n, printf('p%015x', pair) AS pair_id, who,
           CASE WHEN d < 0.42 THEN 'left' WHEN d < 0.82 THEN 'right' WHEN d < 0.88 THEN 'tie'
                WHEN d < 0.92 THEN 'both_good' WHEN d < 0.96 THEN 'both_bad'
                ELSE 'skip' END AS said,
           image(2 * pair) AS l, image(2 * pair + 1) AS r, again
    FROM given
    """,
    # Each pair that is asked again takes the place of another vote, a thousand votes later.
    """
    CREATE TEMP TABLE repeated AS
    SELECT o.n + 1000 AS n, printf('c%015x', o.n) AS pair_id, o.pair_id AS of_pair, o.who,
           CASE WHEN dice('again', o.n) > 0.8 THEN o.said WHEN o.said = 'left' THEN 'right'
                WHEN o.said = 'right' THEN 'left' ELSE o.said END AS twice, o.l, o.r
    FROM cast_votes AS o WHERE again AND o.n + 1000 < $first
    """,
    """
    INSERT INTO pairs
    SELECT pair_id, nextval('pair_numbers'), prompt(n - 1000), r, l, $base, 'base', $began
    FROM repeated
    """,
    "INSERT INTO control_pairs SELECT pair_id, of_pair, who, 'repeat', $began FROM repeated",
    """
    INSERT INTO votes
    SELECT n + 1, 'vote ' || n, $base, pair_id, who, said,
           CASE said WHEN 'left' THEN l WHEN 'right' THEN r END, l,
           300 + 9000 * dice('ms', n), NULL, $began + to_seconds(52 * n)
    FROM (
        SELECT c.n, coalesce(t.pair_id, c.pair_id) AS pair_id, coalesce(t.who, c.who) AS who,
               coalesce(t.twice, c.said) AS said, coalesce(t.r, c.l) AS l, coalesce(t.l, c.r) AS r
        FROM cast_votes AS c LEFT JOIN repeated AS t ON t.n = c.n
    ) ORDER BY n
    """,
    """
    INSERT INTO votes
    SELECT $votes + 1 + row_number() OVER (ORDER BY vote_id), 'undo ' || vote_id, base, pair_id,
           annotator, NULL, NULL, left_image, NULL, vote_id, created
    FROM votes WHERE vote_id % 50 = 11
    """,
    "INSERT INTO pair_selection SELECT vote_id, 'value', 0.5 FROM votes WHERE verdict IS NOT NULL",
    """
    INSERT INTO vote_annotations (key, vote_key, kind, name, value, created)
    SELECT 'remark ' || vote_id, key, 'reason', ['hands', 'text', 'colours'][1 + vote_id % 3], 'on',
           created
    FROM votes WHERE winner IS NOT NULL AND vote_id % 20 = 3
    """,
    """
    INSERT INTO gold_marks (base, pair_id, winner, who, created)
    SELECT base, pair_id, left_image, 'admin', created FROM pairs WHERE number <= 20
    """,
    """
    INSERT INTO exclusions (base, vote_id, reason, who, created)
    SELECT base, vote_id, 'slipped', 'admin', created FROM votes WHERE vote_id % 2000 = 5
    """,
    """
    INSERT INTO exclusions (base, annotator, reason, who, created)
    VALUES ($base, 'person 7', 'random clicks', 'admin', $began)
    """,
    """
    INSERT INTO flags (key, pair_id, annotator, note, created)
    SELECT 'report ' || number, pair_id, 'ann', '', created FROM pairs WHERE number % 4000 = 9
    """,
    """
    INSERT INTO trials VALUES ('t0001', 1, $base, 0, 1, '["overall"]', '{}', $began)
    """,
    "INSERT INTO trial_states (trial_id, state, created) VALUES ('t0001', 'ended', $began)",
    """
    INSERT INTO pairs
    SELECT printf('t%015x', n), nextval('pair_numbers'), prompt(n), image(2 * n), image(2 * n + 1),
           $base, 'v1', $began FROM range(400) AS r(n)
    """,
    """
    INSERT INTO trial_pairs
    SELECT printf('t%015x', n), 't0001', n, 'overall', image(2 * n), image(2 * n + 1)
    FROM range(400) AS r(n)
    """,
    """
    INSERT INTO votes
    SELECT 2 * $votes + n, 'blind ' || n, $base, printf('t%015x', n), 'ann', 'left', image(2 * n),
           image(2 * n), 900, NULL, $began FROM range(400) AS r(n)
    """,
    """
    INSERT INTO quads
    SELECT printf('q%015x', n), prompt(n), [image(4 * n), image(4 * n + 1), image(4 * n + 2),
           image(4 * n + 3)], $base, 'base', $began FROM range($quads) AS r(n)
    """,
    """
    INSERT INTO rankings (key, base, quad_id, annotator, best, worst, created)
    SELECT 'ranking ' || quad_id, base, quad_id, 'ann', images[1], images[4], created FROM quads
    """,
)


def make_studio(home: Path, votes: int, prompts: int, files: int = 2_000) -> str:
    """Make a studio with so many votes and prompts, and return the identity of its model."""
    model = describe_model()
    base, look = model.identity, own_look(model)
    # As the app's own images say it: those of another look are asked of nobody.
    facts = json.dumps(recipe_facts(look.settings(look.sizes[0])))
    with Store(home) as store:
        store.ensure_base(base)
        images_dir = store.images_dir
    hashes = [painted(images_dir, number) for number in range(files)]
    first = 3 * votes // 4
    known = {
        "base": base, "votes": votes, "prompts": prompts, "files": files, "first": first,
        "pairs": first + WAITING, "quads": votes // 100, "began": "2026-01-01",
        "facts": facts.removeprefix("{"),
    }  # fmt: skip
    with duckdb.connect(home / "palate.duckdb") as database:
        database.execute("SET threads = 1")
        database.execute("CREATE TEMP TABLE files (place BIGINT, sha VARCHAR)")
        database.execute("INSERT INTO files SELECT generate_subscripts($1, 1) - 1, unnest($1)",
                         [hashes])  # fmt: skip
        database.begin()
        for statement in STATEMENTS:
            run(database, statement, known)
        run(database, "SELECT max(nextval('vote_ids')) FROM range(3 * $votes)", known)
        database.commit()
    return base


def run(database: duckdb.DuckDBPyConnection, statement: str, known: dict[str, object]) -> None:
    """Run a statement with what it names of the known values."""
    used = {name: value for name, value in known.items() if f"${name}" in statement}
    if "began" in used:
        statement = statement.replace("$began", "TIMESTAMP '2026-01-01'")
        del used["began"]
    database.execute(statement, used)


def painted(images_dir: Path, number: int) -> str:
    """Store a small image of its own, and return its hash."""
    rng = np.random.default_rng(number)
    small = PILImage.fromarray(rng.integers(0, 255, (4, 4, 3), dtype=np.uint8))
    content = io.BytesIO()
    small.resize((SIDE, SIDE), PILImage.Resampling.BICUBIC).save(content, "PNG")
    sha256 = hashlib.sha256(content.getvalue()).hexdigest()
    path = images_dir / sha256[:2] / f"{sha256}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.getvalue())
    return sha256
