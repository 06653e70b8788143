"""Tables that restored votes go into, within one transaction."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from storage.database import Cursor
from storage.errors import UnreadableData
from storage.merging.restored_rows import RestoredImage, RestoredVote, key_of
from storage.recipes import recipe_key
from storage.tables.versions import NAME

RESTORED = "restored"
"""Who set exclusions and weights, as far as the studio is concerned."""
TABLES = {
    "images": "image_id VARCHAR, sha256 VARCHAR, width INTEGER, height INTEGER, recipe VARCHAR, "
    "recipe_key VARCHAR, version VARCHAR, created TIMESTAMP",
    "pairs": "pair_id VARCHAR, prompt VARCHAR, left_image VARCHAR, right_image VARCHAR, "
    "base VARCHAR, version VARCHAR, created TIMESTAMP",
    "quads": "quad_id VARCHAR, prompt VARCHAR, images VARCHAR[], base VARCHAR, version VARCHAR, "
    "created TIMESTAMP",
    "votes": "vote_id BIGINT, key VARCHAR, base VARCHAR, pair_id VARCHAR, annotator VARCHAR, "
    "verdict VARCHAR, winner VARCHAR, left_image VARCHAR, response_ms BIGINT, created TIMESTAMP",
    "rankings": "ranking_id BIGINT, key VARCHAR, base VARCHAR, quad_id VARCHAR, "
    "annotator VARCHAR, best VARCHAR, worst VARCHAR, response_ms BIGINT, created TIMESTAMP",
    "vote_annotations": "key VARCHAR, vote_key VARCHAR, kind VARCHAR, name VARCHAR, "
    "value VARCHAR, created TIMESTAMP",
    "acts": "kind VARCHAR, key VARCHAR, annotator VARCHAR, after_vote BIGINT",
    "kept_pairs": "pair_id VARCHAR, of_pair VARCHAR, vote_key VARCHAR, annotator VARCHAR, "
    "in_a_row INTEGER, created TIMESTAMP",
    "pair_selection": "vote_id BIGINT, policy VARCHAR, propensity DOUBLE",
    "exclusions": "base VARCHAR, annotator VARCHAR, vote_id BIGINT, reason VARCHAR, who VARCHAR, "
    "created TIMESTAMP",
    "voter_weights": "base VARCHAR, annotator VARCHAR, weight DOUBLE, reason VARCHAR, "
    "who VARCHAR, created TIMESTAMP",
}
"""The columns that are filled in, with their types; the tables in an order that may be inserted."""


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What an export says of a model: its other names, and the numbers of its versions."""

    base: str
    aliases: tuple[tuple[str, bool], ...]
    versions: tuple[tuple[int, int | None], ...]
    """Each with that of its parent."""


class RestoredTables:
    """Turns restored votes into rows, in the order of the votes."""

    def __init__(self, cursor: Cursor, hashes: Mapping[str, str], now: datetime) -> None:
        self._cursor, self._hashes, self._now = cursor, hashes, now
        self._rows: dict[str, list[tuple[Any, ...]]] = {table: [] for table in TABLES}
        self._seen = set[tuple[str, ...]]()
        self._newest_vote = self._votes = self._rankings = 0
        self._versions = set[tuple[str, str]]()
        known = cursor.execute("SELECT recipe_key, image_id, sha256 FROM images").fetchall()
        self._known = {key: (image_id, sha256) for key, image_id, sha256 in known}
        self._bases: dict[str, str] = {}
        """Names of models here, by those of the export."""
        self._ids: dict[str, str] = {}
        """The ids under which images are stored, by those of the export."""

    def add_models(self, models: Sequence[ModelFacts]) -> None:
        """Record the models' other names and the numbers of their versions, whose files are gone.

        So the next version gets a number that no pair of before was rendered with.
        """
        for model in models:
            base = self._known_base(model)
            for number, parent in ((0, None), *model.versions):
                self._add_version(base, number, parent)
            for alias, own in model.aliases:
                self._cursor.execute(
                    "INSERT INTO model_aliases VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                    [alias, base, own, self._now],
                )

    def _known_base(self, model: ModelFacts) -> str:
        """Return the name under which this studio keeps a model, if it was opened here already."""
        found = self._cursor.execute(
            "SELECT base FROM model_aliases WHERE own AND list_contains(?, alias) LIMIT 1",
            [[alias for alias, own in model.aliases if own]],
        ).fetchone()
        if found:
            self._bases[model.base] = str(found[0])
        return self._bases.get(model.base, model.base)

    def _here(self, vote: RestoredVote) -> RestoredVote:
        """Return a vote on the model as this studio names it."""
        base = self._bases.get(vote.base, vote.base)
        return vote if base == vote.base else replace(vote, values={**vote.values, "base": base})

    def add(self, votes: Sequence[RestoredVote]) -> None:
        """Insert some votes and rankings, in their order."""
        numbers = {
            True: self._next("ranking_ids", sum(vote.is_ranking for vote in votes)),
            False: self._next("vote_ids", sum(not vote.is_ranking for vote in votes)),
        }
        for vote in map(self._here, votes):
            for image in vote.images:
                self._add_image(image, vote.created)
            self._add_known_version(vote)
            number = numbers[vote.is_ranking].pop(0)
            if vote.is_ranking:
                self._add_ranking(number, vote)
            else:
                self._add_vote(number, vote)
            self._add_quality(number, vote)
        self._insert()

    def finish(self) -> tuple[int, int]:
        """Return the number of votes and of rankings."""
        return self._votes, self._rankings

    def _next(self, sequence: str, number: int) -> list[int]:
        sql = f"SELECT nextval('{sequence}') FROM range(?)"
        return sorted(row[0] for row in self._cursor.execute(sql, [number]).fetchall())

    def _is_new(self, *name: str) -> bool:
        """Return True the first time that it is asked about a name."""
        if name in self._seen:
            return False
        self._seen.add(name)
        return True

    def _add_image(self, image: RestoredImage, created: datetime) -> None:
        if image.uid in self._ids:
            return
        recipe = json.loads(image.recipe)
        key, sha256 = recipe_key(recipe), self._hashes[image.uid]
        if known := self._known.get(key):
            if known[1] != sha256:
                raise UnreadableData(
                    f"The image {image.uid} is another one than this studio has for the same "
                    "prompt, seed and settings, so nothing was restored. Restore into a new studio."
                )
            self._ids[image.uid] = known[0]
            return
        self._known[key] = (image.uid, sha256)
        self._ids[image.uid] = image.uid
        self._rows["images"].append(
            (
                image.uid,
                sha256,
                image.width,
                image.height,
                image.recipe,
                key,
                image.version,
                created,
            )
        )

    def _id(self, uid: str | None) -> str | None:
        return None if uid is None else self._ids[uid]

    def _add_vote(self, number: int, vote: RestoredVote) -> None:
        """Add a vote, the first time with its pair, and what belongs to it."""
        left, right = (self._id(image.uid) for image in vote.images)
        values = vote.values
        if self._is_new("pair", vote.item_id):
            row = (vote.item_id, vote.prompt, left, right, vote.base, values["version"])
            self._rows["pairs"].append((*row, vote.created))
            if values["kept_from"]:
                key = key_of(values["kept_from"], values["kept_by"])
                kept = (vote.item_id, values["kept_from"], key, values["kept_by"])
                self._rows["kept_pairs"].append((*kept, values["in_a_row"], vote.created))

        given = (number, vote.key, vote.base, vote.item_id, vote.annotator, vote.verdict)
        winner = self._id(vote.winner)
        self._rows["votes"].append(
            (*given, winner, left, values["response_ms"], vote.created),
        )
        if values["selection_rule"] is not None:
            self._rows["pair_selection"].append(
                (number, values["selection_rule"], values["propensity"])
            )
        for kind, name, value in vote.annotations():
            key = f"{vote.key}:{kind}:{name}"
            stored = self._ids.get(value, value)
            self._rows["vote_annotations"].append(
                (key, vote.key, kind, name, stored, vote.created),
            )
            self._rows["acts"].append(("remark", key, vote.annotator, number))
        self._newest_vote = number
        self._votes += 1

    def _add_ranking(self, number: int, vote: RestoredVote) -> None:
        """Add a ranking, the first time with its images."""
        if self._is_new("quad", vote.item_id):
            images = [self._id(image.uid) for image in vote.images]
            quad = (vote.item_id, vote.prompt, images, vote.base, vote.values["version"])
            self._rows["quads"].append((*quad, vote.created))

        given = (number, vote.key, vote.base, vote.item_id, vote.annotator)
        chosen = (self._id(vote.best), self._id(vote.worst))
        row = (*given, *chosen, vote.values["response_ms"], vote.created)
        self._rows["rankings"].append(row)
        self._rows["acts"].append(("ranking", vote.key, vote.annotator, self._newest_vote))
        self._rankings += 1

    def _add_quality(self, number: int, vote: RestoredVote) -> None:
        """Add exclusions, and the weight of the annotator."""
        values, who = vote.values, (vote.base, vote.annotator)
        if values["excluded_annotator"] and self._is_new("excluded", *who):
            why = values["excluded_annotator"]
            self._rows["exclusions"].append((*who, None, why, RESTORED, self._now))
        if values["excluded_vote"] and not vote.is_ranking:
            why = values["excluded_vote"]
            self._rows["exclusions"].append((vote.base, None, number, why, RESTORED, self._now))
        if values["weight"] != 1 and self._is_new("weight", *who):
            reason = values["weight_reason"] or RESTORED
            weight = (*who, values["weight"], reason, RESTORED, self._now)
            self._rows["voter_weights"].append(weight)

    def _add_known_version(self, vote: RestoredVote) -> None:
        """Take down that there was the version of a pair."""
        if match := NAME.fullmatch(str(vote.values["version"])):
            self._add_version(vote.base, 0, None)
            if match[1]:
                self._add_version(vote.base, int(match[1]), 0)

    def _add_version(self, base: str, number: int, parent: int | None) -> None:
        """Record a version, one that is not the base as deleted, unless it is known."""
        if not self._is_new("version", base, str(number)):
            return
        added = self._cursor.execute(
            "INSERT INTO versions VALUES (?, ?, ?, NULL, NULL, '{}', ?) ON CONFLICT DO NOTHING "
            "RETURNING number",
            [base, number, parent if number else None, self._now],
        ).fetchall()
        if added and number:
            self._cursor.execute(
                "INSERT INTO version_deletions VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                [base, number, self._now],
            )

    def _insert(self) -> None:
        """Insert the rows that were gathered, one statement a table."""
        for table, described in TABLES.items():
            columns = [column.split() for column in described.split(", ")]
            rows = self._rows[table]
            if rows:
                values = [list(column) for column in zip(*rows, strict=True)]
                names = ", ".join(name for name, _ in columns)
                lists = ", ".join(f"unnest(?::{kind}[])" for _, kind in columns)
                self._cursor.execute(f"INSERT INTO {table} ({names}) SELECT {lists}", values)
                self._rows[table] = []
