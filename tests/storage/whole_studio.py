"""A studio with everything in it, and what to compare of two studios."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import duckdb
from storage_making import BASE, make_image, make_pair, make_version

from storage import Store
from storage.acts import NewAnnotation, NewFlag, NewRanking, NewVote
from storage.tables.people import Role


def fill(store: Store, who: str = "ada", first: int = 0) -> None:
    """Give a studio something of everything that a person gives, and a version.

    `first` numbers its images and keys, so that two studios have different ones.
    """
    store.ensure_base(BASE)
    store.add_prompts([f"a cat {first}", "a dog"], "typed")
    give_votes(store, who, first)
    give_others(store, who, first)

    version = make_version(store)
    assert version.adapter is not None and version.run_id is not None
    run = store.run_dir(version.run_id)
    (run / "checkpoint").mkdir(parents=True)
    version.adapter.write_bytes(f"weights of {who} {first}".encode())
    (run / "status.json").write_text('{"state": "done"}')
    (run / "checkpoint/state.pt").write_bytes(b"state")
    store.set_run_state(version.run_id, "done")
    store.activate(BASE, version.version)


def give_votes(store: Store, who: str, first: int) -> None:
    """Give four votes on pairs of their own, the last of them taken back."""
    for number, verdict in enumerate(("left", "tie", "right", "both_bad")):
        pair = make_pair(store, first + number, f"a cat {first}")
        store.vote(NewVote.parse(pair.pair_id, verdict, who, f"{who}-{first}-{number}"))
    store.undo(who, f"{who}-{first}-undo")


def give_others(store: Store, who: str, first: int) -> None:
    """Give a ranking, annotations, a flag, an exclusion, a weight, a gold pair and an account."""
    images = [make_image(store, 2 * first + number).image_id for number in range(4)]
    quad = store.quads.add(f"a cat {first}", images, BASE, "base")
    store.rankings.record(NewRanking(quad.quad_id, 0, 3, who, f"{who}-{first}-ranking"))
    vote = f"{who}-{first}-0"
    for kind, name, value in (("strength", "", "2"), ("criterion", "look", "left")):
        key = f"{who}-{first}-{kind}"
        store.annotations.record(NewAnnotation(vote, who, kind, name, value, key))

    flagged = make_pair(store, first + 90, f"a cat {first}")
    store.flags.record(NewFlag(flagged.pair_id, who, "text in it", f"{who}-{first}-flag"))
    votes = store.opening.database.read("SELECT vote_id FROM votes WHERE key = ?", [vote])
    store.quality.exclude(BASE, "a slip", "admin", vote_id=votes[0][0])
    store.quality.set_weights(BASE, {who: (0.5, "careless")}, "admin")
    store.quality.control_pairs.mark_gold(BASE, flagged.pair_id, flagged.left, "admin")
    store.people.add(who, Role.LABELER, "admin")
    store.people.set_password(who, f"hash of {who}", "admin")


def rows_of(home: Path, sql: str) -> list[tuple[Any, ...]]:
    """Return the rows of a query on the database of a closed studio."""
    with duckdb.connect(str(home / "palate.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def every_row(home: Path) -> dict[str, list[str]]:
    """Return every row of every table of a closed studio."""
    tables = rows_of(home, "SELECT table_name FROM duckdb_tables() WHERE NOT internal")
    return {name: sorted(map(repr, rows_of(home, f'SELECT * FROM "{name}"'))) for (name,) in tables}


def files_below(home: Path) -> dict[str, str]:
    """Return the digest of every file below a folder, but for the database, copies and locks."""
    return {
        path.relative_to(home).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(home.rglob("*"))
        if path.is_file()
        and not path.name.endswith(".lock")
        and not path.name.startswith("palate.duckdb")
        and "copies" not in path.relative_to(home).parts
    }
