"""Best and worst of four: quads of images, and their rankings."""

from collections.abc import Sequence
from datetime import datetime

from storage.act_checks import check_annotator, check_key, reused_key
from storage.act_order import RANKING, note_act
from storage.aggregates.counts import RunningCounts
from storage.database import Cursor, Database
from storage.errors import AlreadyVoted, InvalidRanking, NothingToUndo, UnknownQuad
from storage.records import Quad, Ranking, VoteReceipt, new_id
from storage.settling import RANKINGS, Settling
from storage.tables.pairs import require_image
from storage.tables.prompts import clean_prompt
from storage.timestamps import Clock

SIZE = 4
"""Images of a quad."""
QUADS = "SELECT quad_id, prompt, images, version FROM quads"

WAITING = f"""
{QUADS} WHERE base = ? AND quad_id NOT IN (SELECT quad_id FROM current_rankings) ORDER BY created
"""


class Rankings:
    """All quads and rankings; an undo is one more row, and a ranking it names is not current."""

    def __init__(
        self, database: Database, counts: RunningCounts, settling: Settling, clock: Clock
    ) -> None:
        self._database = database
        self._counts = counts
        self._settling = settling
        self._clock = clock

    def add_quad(self, prompt: str, images: Sequence[str], base: str, version: str) -> Quad:
        """Store four image ids in the order in which they are shown; raises UnknownImage."""
        if len(images) != SIZE or len(set(images)) != SIZE:
            raise InvalidRanking(f"A quad is {SIZE} different images, not {list(images)!r}.")
        quad = Quad(new_id(), clean_prompt(prompt, "The prompt"), tuple(images), version)
        now = self._clock()

        def insert(cursor: Cursor) -> Quad:
            for image_id in images:
                require_image(cursor, image_id)
            cursor.execute(
                "INSERT INTO quads VALUES (?, ?, ?, ?, ?, ?)",
                [quad.quad_id, quad.prompt, list(images), base, version, now],
            )
            return quad

        return self._database.write(insert)

    def waiting(self, base: str) -> list[Quad]:
        """Return the quads of a model without a current ranking, oldest first."""
        return [quad_of(row) for row in self._database.read(WAITING, [base])]

    def cast(
        self,
        quad_id: str,
        best: int | None,
        worst: int | None,
        annotator: str,
        key: str,
        response_ms: int | None = None,
    ) -> VoteReceipt:
        """Record a ranking by the places of the best and the worst, or a skip with neither.

        The same key again changes nothing. Raises UnknownQuad, AlreadyVoted, InvalidRanking,
        InvalidAnnotator or InvalidKey.
        """
        check_annotator(annotator)
        check_key(key)
        now = self._clock()

        def insert(cursor: Cursor) -> tuple[VoteReceipt, str]:
            quad, base = require_quad(cursor, quad_id)
            chosen = images_at(quad, best, worst)
            if earlier := earlier_act(cursor, key):
                if earlier[1] is not None:
                    raise reused_key(key, "an undo")
                return VoteReceipt(key, earlier[0], duplicate=True), base

            require_none(cursor, quad_id, annotator)
            row = [key, base, quad_id, annotator, *chosen, response_ms, now]
            note_act(cursor, RANKING, key, annotator)
            return VoteReceipt(key, insert_ranking(cursor, row), duplicate=False), base

        receipt, _ = self._counts.write(
            insert, then=lambda done: self._count(done, best is not None, annotator)
        )
        return receipt

    def undo(self, annotator: str, key: str) -> Quad:
        """Take back the newest current ranking of an annotator, once per key, and return its quad.

        Raises NothingToUndo or InvalidKey.
        """
        check_key(key)
        now = self._clock()

        def insert(cursor: Cursor) -> Quad:
            if earlier := earlier_act(cursor, key):
                if earlier[1] is None:
                    raise reused_key(key, "a ranking")
                return quad_ranked(cursor, earlier[1])
            ranking_id = newest_ranking(cursor, annotator)
            undo_ranking(cursor, ranking_id, key, now)
            return quad_ranked(cursor, ranking_id)

        return self._counts.write(insert, then=lambda _: self._counts.invalidate())

    def all(self, base: str) -> list[Ranking]:
        """Return the current rankings of a model that name a best and a worst, oldest first."""
        rows = self._database.read(
            "SELECT ranking_id, annotator, prompt, images, best, worst, current_rankings.created "
            "FROM current_rankings JOIN quads USING (quad_id) "
            "WHERE current_rankings.base = ? AND best IS NOT NULL ORDER BY ranking_id",
            [base],
        )
        return [Ranking(i, who, text, tuple(images), *rest) for i, who, text, images, *rest in rows]

    def _count(self, done: tuple[VoteReceipt, str], decisive: bool, annotator: str) -> None:
        receipt, base = done
        if not receipt.duplicate:
            self._settling.note(RANKINGS, receipt.vote_id)
            self._counts.add_ranking(base, decisive, annotator)


def quad_of(row: tuple[str, str, list[str], str]) -> Quad:
    """Build a quad from a row of QUADS."""
    quad_id, prompt, images, version = row
    return Quad(quad_id, prompt, tuple(images), version)


def images_at(quad: Quad, best: int | None, worst: int | None) -> tuple[str | None, str | None]:
    """Return the images at two places; raises InvalidRanking."""
    if best is None and worst is None:
        return None, None
    if best is None or worst is None or best == worst:
        raise InvalidRanking("Name a best and another one as the worst, or neither to skip.")
    if not {best, worst} <= set(range(SIZE)):
        raise InvalidRanking(f"Places go from 0 to {SIZE - 1}, not {best} and {worst}.")
    return quad.images[best], quad.images[worst]


def require_quad(cursor: Cursor, quad_id: str) -> tuple[Quad, str]:
    """Return a quad and its model; raises UnknownQuad."""
    row = cursor.execute(
        "SELECT quad_id, prompt, images, version, base FROM quads WHERE quad_id = ?", [quad_id]
    ).fetchone()
    if row is None:
        raise UnknownQuad(f"There are no four images {quad_id!r}. Ask for the next ones.")
    return quad_of(row[:4]), row[4]


def earlier_act(cursor: Cursor, key: str) -> tuple[int, int | None] | None:
    """Return (ranking_id, the ranking it superseded) of what a key recorded, or None."""
    return cursor.execute(
        "SELECT ranking_id, supersedes FROM rankings WHERE key = ?", [key]
    ).fetchone()


def require_none(cursor: Cursor, quad_id: str, annotator: str) -> None:
    """Raise AlreadyVoted if the annotator has a current ranking of the quad."""
    if cursor.execute(
        "SELECT 1 FROM current_rankings WHERE quad_id = ? AND annotator = ?", [quad_id, annotator]
    ).fetchone():
        raise AlreadyVoted(
            f"{annotator!r} has already ranked {quad_id!r}. Undo that ranking first to change it."
        )


def insert_ranking(cursor: Cursor, row: Sequence[object]) -> int:
    """Append a ranking and return its id."""
    inserted = cursor.execute(
        "INSERT INTO rankings (key, base, quad_id, annotator, best, worst, response_ms, created) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING ranking_id",
        row,
    )
    return int(inserted.fetchall()[0][0])


def undo_ranking(cursor: Cursor, ranking_id: int, key: str, now: datetime) -> None:
    """Append the undo of a ranking."""
    cursor.execute(
        "INSERT INTO rankings (key, base, quad_id, annotator, supersedes, created) "
        "SELECT ?, base, quad_id, annotator, ranking_id, ? FROM rankings WHERE ranking_id = ?",
        [key, now, ranking_id],
    )


def newest_ranking(cursor: Cursor, annotator: str) -> int:
    """Return the id of an annotator's newest current ranking; raises NothingToUndo."""
    row = cursor.execute(
        "SELECT max(ranking_id) FROM current_rankings WHERE annotator = ?", [annotator]
    ).fetchone()
    if row is None or row[0] is None:
        raise NothingToUndo(f"{annotator!r} has no ranking to take back. Rank four images first.")
    return int(row[0])


def quad_ranked(cursor: Cursor, ranking_id: int) -> Quad:
    """Return the quad of a ranking."""
    rows = cursor.execute(
        f"{QUADS} WHERE quad_id = (SELECT quad_id FROM rankings WHERE ranking_id = ?)",
        [ranking_id],
    ).fetchall()
    return quad_of(rows[0])
