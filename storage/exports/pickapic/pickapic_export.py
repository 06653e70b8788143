"""Write a studio's votes in Pick-a-Pic's columns as Parquet, and read them back."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from storage.database import Database
from storage.errors import NoVotes
from storage.exports.export_errors import BrokenExport, ExportStopped
from storage.exports.exported_votes import ExportedVote, without_folders
from storage.exports.pickapic.pickapic_card import dataset_card
from storage.exports.pickapic.pickapic_rows import (
    PromptRows,
    choices_of,
    default_row,
    full_row,
    prompt_key,
    reordered,
    shuffled,
    split_of,
    unfit,
)
from storage.exports.pickapic.pickapic_shards import RowDigest, Shard, ShardWriter, rows_of
from storage.exports.pickapic.prompt_counts import PromptCounts
from storage.exports.pickapic_columns import COLUMNS, DEFAULT, FULL, TRAIN, VALIDATION
from storage.exports.stopping import Progress, unwatched
from storage.exports.studio_votes import StudioVotes
from storage.exports.vote_images import VoteImages

Item = TypeVar("Item")
FACTS = "palate.json"
"""File of an export with what the votes do not say: the models' names and versions."""
FORMAT = 1
AT_ONCE = 200
"""Votes that are in memory together, without their images."""
FLAGGED = "its pair is flagged"
PLACES = ((DEFAULT, TRAIN), (DEFAULT, VALIDATION), (FULL, TRAIN))
ALIASES = "SELECT base, alias, own FROM model_aliases ORDER BY base, created, alias"
VERSIONS = "SELECT base, number, parent FROM versions ORDER BY base, number"


@dataclass(slots=True)
class Written:
    """What an export holds, once it is written and was read back."""

    shards: dict[tuple[str, str], list[Shard]] = field(default_factory=dict)
    """By configuration and split."""
    left_out: dict[str, int] = field(default_factory=dict)
    """Votes that are in no configuration, by reason."""
    not_in_default: dict[str, int] = field(default_factory=dict)
    """Choices that `full` has and `default` has not, by reason."""

    @property
    def rows(self) -> dict[str, int]:
        """Return the number of rows of each configuration and split."""
        return {
            f"{configuration}/{split}": sum(shard.rows for shard in shards)
            for (configuration, split), shards in self.shards.items()
        }


def grouped(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Yield so many items at a time, the last time fewer."""
    going = iter(items)
    while group := list(islice(going, size)):
        yield group


class PickapicExport:
    """One export of some votes into an empty folder."""

    def __init__(
        self,
        votes: StudioVotes,
        seed: int = 0,
        progress: Progress = unwatched,
        cancelled: threading.Event | None = None,
    ) -> None:
        """Take the votes; `seed` is that of the hash that shuffles the sides."""
        self._votes, self._seed = votes, seed
        self._progress, self._cancelled = progress, cancelled
        # Each vote is counted, written and read back.
        self._steps, self._step = 3 * len(votes), 0
        self._left_out: Counter[str] = Counter()
        self._not_in_default: Counter[str] = Counter()

    def write(self, folder: Path) -> Written:
        """Write both configurations into an empty folder, and read them back.

        Raises:
            NoVotes: there is none, or the images of all are gone.
            ExportStopped: `cancelled` was set.
            BrokenExport: what was read back is not what was written.
        """
        with closing(PromptCounts()) as counts:
            lowest = self._count(counts)
            written = Written(self._write_rows(folder, counts, lowest))
        for (configuration, _), shards in written.shards.items():
            for shard in shards:
                self._compare(shard, configuration)
        written.left_out = dict(self._left_out + self._votes.left_out)
        written.not_in_default = dict(self._not_in_default)
        return written

    def _count(self, counts: PromptCounts) -> int:
        """Count the rows of each prompt, and return the lowest key of a prompt of `default`."""
        lowest = highest = None
        number = 0
        for vote in self._unflagged():
            number += 1
            key = prompt_key(vote.caption)
            counts.add(FULL, key)
            for choice in choices_of(vote):
                if why := unfit(choice, vote.caption):
                    self._not_in_default[why] += 1
                    continue
                counts.add(DEFAULT, key)
                lowest = key if lowest is None else min(lowest, key)
                highest = key if highest is None else max(highest, key)

        if not number:
            lost = self._votes.left_out
            raise NoVotes(
                "There is no vote to export"
                + (": the images of all are gone or damaged." if lost else " yet.")
                + " Vote on some pairs, then export again."
            )
        counts.settle()
        # A single prompt has to be trained on.
        return -1 if lowest is None or lowest == highest else lowest

    def _unflagged(self) -> Iterator[ExportedVote]:
        """Yield the votes that people may see."""
        self._left_out.clear()
        for vote in self._going_on(self._votes):
            if vote.flagged:
                self._left_out[FLAGGED] += 1
            else:
                yield vote

    def _write_rows(
        self, folder: Path, counts: PromptCounts, lowest: int
    ) -> dict[tuple[str, str], list[Shard]]:
        """Write the rows of both configurations into files of their own."""
        writers = {
            place: ShardWriter(folder / place[0], place[1], COLUMNS[place[0]]) for place in PLACES
        }
        with VoteImages() as images:
            self._write_votes(writers, counts, lowest, images)
        return {place: writer.finish() for place, writer in writers.items()}

    def _write_votes(
        self,
        writers: Mapping[tuple[str, str], ShardWriter],
        counts: PromptCounts,
        lowest: int,
        images: VoteImages,
    ) -> None:
        """Write the rows of each vote."""
        for votes in grouped(self._unflagged(), AT_ONCE):
            rows = counts.of({prompt_key(vote.caption) for vote in votes})
            for vote in votes:
                contents = images.read(vote)
                caption, key = vote.caption, prompt_key(vote.caption)
                order = shuffled(vote, self._seed)
                of_full = PromptRows(caption, rows[FULL, key])
                writers[FULL, TRAIN].add(full_row(vote, order, contents, of_full))

                of_default = PromptRows(caption, rows[DEFAULT, key])
                for choice in choices_of(vote):
                    if not unfit(choice, caption):
                        turned = reordered(choice, shuffled(choice, self._seed))
                        row = default_row(turned, contents, of_default)
                        writers[DEFAULT, split_of(key, lowest)].add(row)

    def _compare(self, shard: Shard, configuration: str) -> None:
        """Read every row and every image of a file back; raises BrokenExport."""
        rows = rows_of(shard, COLUMNS[configuration])
        # Those of `full` are as many as the votes, which the progress counts.
        rows = self._going_on(rows) if configuration == FULL else rows
        digest = RowDigest()
        for row in rows:
            self._stop_if_asked()
            digest.add(row)
        if (digest.rows, digest.text()) != (shard.rows, shard.digest):
            raise BrokenExport(
                f"{shard.path.name} was read back, and it is not what was written. The export was "
                "not kept. Export again; if it happens again, write to another disk."
            )

    def _going_on(self, items: Iterable[Item]) -> Iterator[Item]:
        """Yield items, tell the progress after each, and stop where that is asked for."""
        for item in items:
            self._stop_if_asked()
            yield item
            self._step += 1
            self._progress(min(self._step, self._steps), self._steps)

    def _stop_if_asked(self) -> None:
        if self._cancelled is not None and self._cancelled.is_set():
            raise ExportStopped("The export was stopped. Nothing was changed.")


def write_pickapic(
    folder: Path,
    title: str,
    database: Database,
    export: PickapicExport,
    with_names: bool,
    bases: Collection[str] | None = None,
) -> Written:
    """Write an export with its card and its facts into an empty folder; raises as it does.

    Of the models it tells only of those in `bases`; None for all.
    """
    written = export.write(folder)
    facts = {
        "format": FORMAT,
        "rows": written.rows,
        "left_out": written.left_out,
        "not_in_default": written.not_in_default,
        "models": [
            facts for base, facts in models_of(database).items() if bases is None or base in bases
        ],
    }
    text = json.dumps(facts, ensure_ascii=True, indent=1) + "\n"
    (folder / FACTS).write_text(text, encoding="utf-8")
    card = dataset_card(title, written.rows, with_names)
    (folder / "README.md").write_text(card, encoding="utf-8")
    return written


def models_of(database: Database) -> dict[str, dict[str, Any]]:
    """Return the models of a studio with their other names and the numbers of their versions."""
    models: dict[str, dict[str, Any]] = {}
    for base, number, parent in database.read(VERSIONS):
        name = without_folders(base)
        model = models.setdefault(base, {"base": name, "aliases": [], "versions": []})
        model["versions"].append([number, parent])
    for base, alias, own in database.read(ALIASES):
        if base in models:
            models[base]["aliases"].append([without_folders(alias), own])
    return models
