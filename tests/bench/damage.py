"""What is left of a damaged studio: 52 databases and logs, flipped, cut, emptied, gone.

    python tests/bench/damage.py

Each studio had 300 votes in its file, a copy of its own with 500, and 540 in all, the newest in its
log; every other one was stopped cleanly, so that all are in its file. Prints a table of votes
before, votes after, and what was said, and ends with 1 where a rule is broken: with a damaged log
every vote before the last checkpoint is there; with a damaged file everything of the last copy is
there once it is put back; and the damaged file is kept beside, byte for byte.
"""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "storage")]

from storage_making import BASE, make_pairs

from storage import StorageError, Store, new_id
from storage.acts import NewVote

CHECKPOINTED, COPIED, ALL = 300, 500, 540
SEEDS = 14
Damage = Callable[[Path], None]


@dataclass(frozen=True)
class Case:
    """One damage: to the log or the file of a studio that was killed or stopped."""

    name: str
    damage: Damage
    to_log: bool
    stopped: bool = False


@dataclass
class Outcome:
    """What became of it."""

    before: int
    after: int
    restored: bool
    kept: bool
    said: str

    def broken(self, case: Case) -> bool:
        least = CHECKPOINTED if case.to_log else COPIED
        silent = self.after < self.before and not self.said
        return self.after < least or silent or not self.kept or (self.restored and case.to_log)


def main() -> None:
    """Damage a copy of a studio in each way, open it, and print what came of it."""
    broken = 0
    print(
        "| damage | votes before | after | put back | kept beside | said |",
        "|---|---|---|---|---|---|",
        sep="\n",
    )
    with tempfile.TemporaryDirectory() as folder:
        killed, stopped = studios(Path(folder))
        for number, case in enumerate(cases()):
            home = Path(folder) / f"case-{number}"
            shutil.copytree(stopped if case.stopped else killed, home)
            outcome = outcome_of(case, home)
            mark = "**broken** " if outcome.broken(case) else ""
            broken += outcome.broken(case)
            print(
                f"| {mark}{case.name} | {outcome.before} | {outcome.after} | "
                f"{'yes' if outcome.restored else ''} | {'yes' if outcome.kept else 'no'} | "
                f"{outcome.said.replace(str(home), 'studio')} |",
                flush=True,
            )
            shutil.rmtree(home)
    print(f"\n{number + 1} damages, {broken} rules broken")
    sys.exit(bool(broken))


def studios(folder: Path) -> tuple[Path, Path]:
    """Make the studio that was killed, and the one that was stopped."""
    home, killed = folder / "studio", folder / "killed"
    with Store(home) as store:
        store.ensure_base(BASE)
        give(store, CHECKPOINTED)
    with Store(home) as store:
        give(store, COPIED - CHECKPOINTED)
        store.opening.copies.make("votes", store._database.copy_to)
        give(store, ALL - COPIED)
        shutil.copytree(home, killed)
    return killed, home


def give(store: Store, number: int) -> None:
    for pair in make_pairs(store, number):
        store.vote(NewVote.parse(pair.pair_id, random.choice(["left", "right"]), "ann", new_id()))


def outcome_of(case: Case, home: Path) -> Outcome:
    """Damage a studio, open it, with --restore where that is what it says, and vote in it."""
    file = home / ("palate.duckdb.wal" if case.to_log else "palate.duckdb")
    case.damage(file)
    damaged = file.read_bytes() if file.is_file() else None
    restored, said = False, ""
    try:
        after, recovered = opened(home, restore=False)
        said = recovered
    except StorageError as error:
        restored, said = True, str(error)
        after, _ = opened(home, restore=True)

    # A damage to what nothing uses changes nothing, and then there is nothing to keep.
    harmless = after == ALL and not said
    aside = [path.read_bytes() for path in home.glob("palate.damaged-*") if path.is_file()]
    kept = harmless or not damaged or damaged in aside
    if not damaged and case.to_log:
        kept = True
    return Outcome(ALL, after, restored, kept, said or "nothing: no block in use")


def opened(home: Path, restore: bool) -> tuple[int, str]:
    """Open a studio, vote in it twice, and return the votes that it held and what was said."""
    with Store(home, restore=restore) as store:
        votes = store.counts(BASE).votes
        give(store, 2)
        assert store.counts(BASE).votes == votes + 2
        said = " ".join(store.opening.recovered)
    with Store(home) as store:
        assert store.counts(BASE).votes == votes + 2
    return votes, said


def cases() -> list[Case]:
    """Return all damages."""
    logs = [Case(f"log, 4 bytes flipped ({seed})", flipped(seed), True) for seed in range(SEEDS)]
    logs += [
        Case("log, its first bytes flipped", at(0), True),
        Case("log, a size flipped", at(60), True),
        Case("log, cut to a tenth", cut(0.1), True),
        Case("log, cut to the half", cut(0.5), True),
        Case("log, its last 5 bytes cut", changed(lambda log: log[:-5]), True),
        Case("log, emptied", lambda file: file.write_bytes(b""), True),
        Case("log, gone", Path.unlink, True),
        Case(
            "log, zeros after it",
            changed(lambda log: log + bytes(9000)),
            True,
        ),
        Case(
            "log, noise after it",
            changed(lambda log: log + os.urandom(999)),
            True,
        ),
        Case("log, a text", lambda file: file.write_text("a shopping list" * 99), True),
    ]
    files = [
        Case(f"file, 4 bytes flipped ({seed})", flipped(100 + seed), False, seed % 2 == 1)
        for seed in range(SEEDS)
    ]
    files += [
        Case(f"file, header {number} flipped", at(4096 * number + 16), False, number == 1)
        for number in range(3)
    ]
    for stopped in (False, True):
        files += [
            Case("file, cut to the half", cut(0.5), False, stopped),
            Case("file, emptied", lambda file: file.write_bytes(b""), False, stopped),
            Case("file, gone", Path.unlink, False, stopped),
            Case("file, every block flipped", every_block, False, stopped),
        ]
    return [
        *logs,
        *files,
        Case("file, a text", lambda file: file.write_text("a shopping list" * 9999), False),
        Case("file, an SQLite file", sqlite_file, False),
        Case("file, a folder", as_folder, False),
    ]


def at(offset: int) -> Damage:
    def damage(file: Path) -> None:
        content = bytearray(file.read_bytes())
        for place in range(offset, offset + 4):
            content[place] ^= 0xFF
        file.write_bytes(content)

    return damage


def changed(change: Callable[[bytes], bytes]) -> Damage:
    def damage(file: Path) -> None:
        file.write_bytes(change(file.read_bytes()))

    return damage


def flipped(seed: int) -> Damage:
    return lambda file: at(random.Random(seed).randrange(file.stat().st_size - 4))(file)


def cut(part: float) -> Damage:
    return lambda file: os.truncate(file, int(file.stat().st_size * part))


def every_block(file: Path) -> None:
    for offset in range(13_000, file.stat().st_size - 4, 262_144):
        at(offset)(file)


def sqlite_file(file: Path) -> None:
    file.unlink()
    database = sqlite3.connect(file)
    database.execute("CREATE TABLE votes (x)")
    database.commit()
    database.close()


def as_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


if __name__ == "__main__":
    main()
