"""Staging: what would come in, worked out beside the studio before anything in it changes.

The tables of the stage lie in the schema `inc` of the copy of the other studio's database, which is
attached as `other`; the studio itself is `palate`.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from storage import act_log
from storage.database import Cursor
from storage.merging.incoming import (
    ACTS,
    PLAIN_LOGS,
    RANKINGS,
    VOTES,
    stage_numbers,
)
from storage.merging.logs import Log, stage_log, stage_order, stage_rows
from storage.merging.merged_sources import stage_sources
from storage.merging.names import Names, renamed_mix, same_names
from storage.recipes import recipe_key

IMAGES_AT_ONCE = 4_000
ELSEWHERE = "rendered_elsewhere"
"""The key that tells apart two images of one recipe that came out differently on two machines."""

IMAGES = """
CREATE OR REPLACE TABLE other.inc.images AS
SELECT theirs.image_id, theirs.sha256, theirs.width, theirs.height,
       recipes.recipe, recipes.recipe_key,
       coalesce(named.here, theirs.version) AS version, theirs.created,
       same.image_id IS NULL AND ours.image_id IS NULL AS is_new,
       coalesce(same.image_id, ours.image_id,
                min(theirs.image_id) OVER (PARTITION BY recipes.recipe_key)) AS here,
       same.image_id IS NULL AND coalesce(ours.sha256 <> theirs.sha256, FALSE) AS differs
FROM (
    SELECT image_id, sha256, width, height, version, created, recipe ->> 'base' AS base
    FROM other.images
) AS theirs
JOIN other.inc.recipes AS recipes ON recipes.image_id = theirs.image_id
LEFT JOIN palate.images AS same ON same.image_id = theirs.image_id
LEFT JOIN palate.images AS ours ON ours.recipe_key = recipes.recipe_key
LEFT JOIN other.inc.named AS named ON named.base = theirs.base AND named.name = theirs.version
"""

# Two current votes of one person on one pair, given in two studios: the later one counts.
GIVEN_TWICE = """
INSERT INTO other.inc.{table}_new BY NAME
WITH undone AS (
    SELECT undone_key AS key FROM other.inc.{table}_new WHERE undone_key IS NOT NULL
    UNION ALL
    SELECT gone.key FROM palate.{table} AS undo JOIN palate.{table} AS gone
        ON undo.supersedes = gone.{id}
), standing AS (
    SELECT key, {kept}, moment FROM other.inc.{table}_ours
    WHERE supersedes IS NULL AND key NOT IN (SELECT key FROM undone)
    UNION ALL
    SELECT key, {kept}, moment FROM other.inc.{table}_new
    WHERE supersedes IS NULL AND key NOT IN (SELECT key FROM undone)
), placed AS (
    SELECT *, row_number() OVER latest AS place, first_value(moment) OVER latest AS until
    FROM standing
    WINDOW latest AS (PARTITION BY {about}, annotator ORDER BY moment DESC, key DESC)
)
SELECT 1000000000000 + row_number() OVER (ORDER BY moment, key) AS {id},
       'merge-' || md5(key) AS key, {kept}, key AS undone_key, until AS moment, until AS created
FROM placed WHERE place > 1
"""

UNDONE_ALREADY = """
DELETE FROM other.inc.{table}_new WHERE undone_key IN (
    SELECT gone.key FROM palate.{table} AS undo JOIN palate.{table} AS gone
        ON undo.supersedes = gone.{id}
)
"""

KEYS = """
CREATE TABLE other.inc.{table}_keys AS
SELECT ours.{id} AS old, key, coalesce(moved.here, ours.{id}) AS here, ours.moment
FROM other.inc.{table}_ours AS ours LEFT JOIN other.inc.{table}_order AS moved
    ON moved.origin = 0 AND moved.old = ours.{id}
UNION ALL
SELECT NULL, key, brought.here, fresh.moment
FROM other.inc.{table}_new AS fresh JOIN other.inc.{table}_order AS brought
    ON brought.origin = 1 AND brought.old = fresh.{id}
"""

NAMED = """
SELECT DISTINCT base, version FROM (
    SELECT base, version FROM other.pairs UNION SELECT base, version FROM other.quads
    UNION SELECT base, parent FROM other.runs
    UNION SELECT recipe ->> 'base', version FROM other.images WHERE recipe ->> 'base' IS NOT NULL
)
"""


def attach(cursor: Cursor, database: Path) -> None:
    """Attach the copy of the other studio's database; outside of the caller's transaction."""
    escaped = str(database).replace("'", "''")
    cursor.cursor().execute(f"ATTACH '{escaped}' AS other")


def detach(cursor: Cursor) -> None:
    """Let go of the copy."""
    cursor.cursor().execute("DETACH other")


def stage_all(cursor: Cursor, snapshots_taken: int) -> Names:
    """Stage everything that would come in, and return how names correspond.

    Raises OtherModel. What is read here is what is committed, and nothing of it changes.
    """
    # A cursor of its own: a transaction may write to one of two databases only.
    stage = cursor.cursor()
    stage.execute("DROP SCHEMA IF EXISTS other.inc CASCADE")
    stage.execute("CREATE SCHEMA other.inc")
    names = same_names(stage)
    insert_names(stage, "models(base, here)", names.models)
    insert_names(stage, "people(name, here)", names.people)

    stage_numbers(stage, snapshots_taken)
    stage_versions_by_name(stage)
    stage_images(stage, names.models)
    for log in (VOTES, RANKINGS):
        stage_acts(stage, log)
    for log in (*PLAIN_LOGS, ACTS):
        stage_log(stage, log)
    stage_sources(stage)
    stage.execute(
        "CREATE TABLE other.inc.times AS SELECT moment, max(here) AS here "
        "FROM other.inc.votes_keys GROUP BY moment"
    )
    return names


def insert_names(stage: Cursor, table: str, names: Mapping[str, str]) -> None:
    """Stage what names of the other studio are here."""
    name, columns = table.rstrip(")").split("(")
    typed = ", ".join(f"{column} VARCHAR" for column in columns.split(", "))
    stage.execute(f"CREATE TABLE other.inc.{name} ({typed})")
    stage.execute(
        f"INSERT INTO other.inc.{name} SELECT unnest(?::VARCHAR[]), unnest(?::VARCHAR[])",
        [list(names), list(names.values())],
    )


def stage_versions_by_name(stage: Cursor) -> None:
    """Stage the names here of all versions, and of mixes of them, that rows name."""
    numbers = numbers_of(stage)
    stage.execute("CREATE TABLE other.inc.named (base VARCHAR, name VARCHAR, here VARCHAR)")
    rows = stage.execute(NAMED).fetchall()
    new = [renamed_mix(name, numbers.get(base, {})) for base, name in rows]
    stage.execute(
        "INSERT INTO other.inc.named "
        "SELECT unnest(?::VARCHAR[]), unnest(?::VARCHAR[]), unnest(?::VARCHAR[])",
        [[base for base, _ in rows], [name for _, name in rows], new],
    )


def numbers_of(stage: Cursor) -> dict[str, dict[int, int]]:
    """Return what the numbers of each model's versions are here."""
    numbers: dict[str, dict[int, int]] = {}
    rows = stage.execute("SELECT base, number, here FROM other.inc.versions").fetchall()
    for base, number, here in rows:
        numbers.setdefault(base, {})[number] = here
    return numbers


def stage_images(stage: Cursor, models: Mapping[str, str]) -> None:
    """Stage the ids here of all images, with recipes that name models and versions as here."""
    numbers = numbers_of(stage)
    stage.execute(
        "CREATE TABLE other.inc.recipes (image_id VARCHAR, recipe JSON, recipe_key VARCHAR)"
    )
    rows = stage.cursor().execute("SELECT image_id, recipe, recipe_key FROM other.images")
    while some := rows.fetchmany(IMAGES_AT_ONCE):
        renamed = [renamed_recipe((row[0], row[1], row[2]), models, numbers) for row in some]
        insert_recipes(stage, renamed)

    stage.execute(IMAGES)
    differing = stage.execute(
        "SELECT image_id, recipe, sha256 FROM other.inc.images WHERE differs"
    ).fetchall()
    if differing:
        marked = [marked_recipe(*row) for row in differing]
        ids = [image_id for image_id, _, _ in marked]
        stage.execute("DELETE FROM other.inc.recipes WHERE list_contains(?, image_id)", [ids])
        insert_recipes(stage, marked)
        stage.execute(IMAGES)
    stage.execute("CREATE TABLE other.inc.image_ids AS SELECT image_id, here FROM other.inc.images")


def insert_recipes(stage: Cursor, recipes: list[tuple[str, str, str]]) -> None:
    """Stage recipes by their images' ids."""
    columns = [list(column) for column in zip(*recipes, strict=True)]
    stage.execute(
        "INSERT INTO other.inc.recipes "
        "SELECT unnest(?::VARCHAR[]), unnest(?::VARCHAR[]), unnest(?::VARCHAR[])",
        columns,
    )


def renamed_recipe(
    image: tuple[str, str, str], models: Mapping[str, str], numbers: Mapping[str, Mapping[int, int]]
) -> tuple[str, str, str]:
    """Return an image's id, and its recipe with the names of model and version here, and key."""
    image_id, recipe, _ = image
    read = json.loads(recipe)
    base, version = read.get("base"), read.get("version")
    if not isinstance(base, str) or not isinstance(version, str):
        return image
    new = read | {
        "base": models.get(base, base),
        "version": renamed_mix(version, numbers.get(base, {})),
    }
    return image if new == read else (image_id, json.dumps(new), recipe_key(new))


def marked_recipe(image_id: str, recipe: str, sha256: str) -> tuple[str, str, str]:
    """Return a recipe that tells an image from the one here which it should have equaled."""
    marked = json.loads(recipe) | {ELSEWHERE: sha256[:16]}
    return image_id, json.dumps(marked), recipe_key(marked)


def stage_acts(stage: Cursor, log: Log) -> None:
    """Stage votes or rankings with what takes them back."""
    kind = {"votes": act_log.VOTE, "rankings": act_log.RANKING}[log.table]
    names = {"table": log.table, "id": log.id, "about": kind.about, "kept": ", ".join(kind.kept)}
    stage_rows(stage, log)
    stage.execute(UNDONE_ALREADY.format(**names))
    stage.execute(GIVEN_TWICE.format(**names))
    stage_order(stage, log)
    stage.execute(KEYS.format(**names))
