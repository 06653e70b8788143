"""A damaged or missing database is never an empty studio, and never a start without help."""

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import duckdb
import pytest
from storage_making import BASE, make_pairs

from storage import BrokenStudio, Store, StudioInUse, new_id
from storage.acts import NewVote
from storage.backup.inspection import inspect
from storage.errors import DamagedDatabase, MissingDatabase

pytestmark = pytest.mark.slow

CHECKPOINTED, COPIED, LOGGED = 6, 4, 5


def give(store: Store, number: int) -> None:
    for pair in make_pairs(store, number):
        store.vote(NewVote.parse(pair.pair_id, "left", "ann", new_id()))


@pytest.fixture(scope="module")
def studio(tmp_path_factory) -> Path:
    """A studio after a kill: six votes in its file, four more in a copy, and five in the log."""
    home = tmp_path_factory.mktemp("killed") / "studio"
    with Store(home) as store:
        store.ensure_base(BASE)
        give(store, CHECKPOINTED)
    with Store(home) as store:
        give(store, COPIED)
        store.opening.copies.make("votes", store._database.copy_to)
        give(store, LOGGED)
        killed = home.with_name("killed")
        shutil.copytree(home, killed)
    return killed


@pytest.fixture
def home(studio: Path, tmp_path: Path) -> Path:
    shutil.copytree(studio, tmp_path / "studio")
    return tmp_path / "studio"


def file_of(home: Path) -> Path:
    return home / "palate.duckdb"


def log(home: Path) -> Path:
    return home / "palate.duckdb.wal"


def flip(path: Path, offset: int, length: int = 4) -> None:
    content = bytearray(path.read_bytes())
    for place in range(offset, offset + length):
        content[place] ^= 0xFF
    path.write_bytes(content)


def contents(home: Path) -> dict[str, bytes]:
    """Every file of a studio; the lock is not part of it."""
    return {
        str(path.relative_to(home)): path.read_bytes()
        for path in home.rglob("*")
        if path.is_file() and path.name != "palate.lock"
    }


def opened(home: Path, restore: bool = False) -> tuple[int, str]:
    """Open a studio, vote in it, and return how many votes it held and what was said."""
    with Store(home, restore=restore) as store:
        votes = store.counts(BASE).votes
        give(store, 1)
        assert store.counts(BASE).votes == votes + 1
        return votes, " ".join(store.opening.recovered)


def test_a_studio_that_was_killed_opens_with_all_its_votes_and_without_a_word(home):
    assert opened(home) == (15, "")
    assert not list(home.glob("palate.damaged-*"))


@pytest.mark.parametrize("part", [0.1, 0.9])
def test_a_damaged_log_costs_nothing_before_the_damage_and_is_kept(home, part):
    flip(log(home), int(log(home).stat().st_size * part))
    damaged = log(home).read_bytes()

    votes, said = opened(home)

    # The copy holds ten; past the damage of the log nothing can be had.
    assert votes >= CHECKPOINTED + COPIED
    assert "The log of the database was damaged" in said
    (aside,) = home.glob("palate.damaged-*.wal")
    assert aside.read_bytes() == damaged
    assert aside.name in said or aside.name.removesuffix(".wal") in said
    assert opened(home) == (votes + 1, "")


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: flip(path, 0),
        lambda path: path.write_bytes(b"not a log at all" * 40),
        lambda path: flip(path, 60),
        lambda path: path.write_bytes(path.read_bytes() + bytes(5_000)),
        lambda path: path.write_bytes(path.read_bytes()[:-9]),
    ],
    ids=["head", "text", "size", "zeros", "cut"],
)
def test_a_log_whose_end_duckdb_drops_without_a_word_is_said_and_kept(home, damage):
    damage(log(home))
    before = log(home).read_bytes()

    votes, said = opened(home)

    assert votes >= CHECKPOINTED + COPIED
    assert "log of the database was damaged" in said
    assert any(aside.read_bytes() == before for aside in home.glob("palate.damaged-*.wal"))


def test_without_a_copy_a_damaged_log_leaves_what_was_there_before_it(home):
    shutil.rmtree(home / "copies")
    flip(log(home), 40)

    votes, said = opened(home)

    assert votes == CHECKPOINTED
    assert "6 votes are there" in said


def test_a_log_of_another_database_is_put_aside(home, tmp_path):
    with Store(tmp_path / "other") as store:
        make_pairs(store, 3)
    with Store(tmp_path / "other") as store:
        give(store, 3)
        shutil.copyfile(log(tmp_path / "other"), log(home))

    votes, said = opened(home)

    assert votes >= CHECKPOINTED + COPIED
    assert "log of the database was damaged" in said


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def text(path: Path) -> None:
    path.write_text("a shopping list" * 1_000)


def sqlite(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE votes (x)")
    database.close()


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:300_000])


def all_blocks(path: Path) -> None:
    for offset in range(13_000, path.stat().st_size - 4, 262_144):
        flip(path, offset)


def headers(path: Path) -> None:
    for offset in (100, 5_000, 9_000):
        flip(path, offset)


DAMAGES = [emptied, text, sqlite, folder, cut, all_blocks, headers, Path.unlink]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_damaged_database_is_refused_and_restored_when_asked_to(home, damage):
    damage(file_of(home))
    before = contents(home)

    with pytest.raises((DamagedDatabase, MissingDatabase)) as refused:
        Store(home)

    assert contents(home) == before
    said = str(refused.value)
    assert str(file_of(home)) in said
    assert "Nothing was changed" in said and "with 10 votes" in said and "--restore" in said

    votes, said = opened(home, restore=True)
    assert votes == CHECKPOINTED + COPIED
    assert "with 10 votes" in said and "palate.damaged-" in said
    assert said.startswith("The database was ")
    after = {name: content for name, content in contents(home).items() if "damaged" in name}
    kept = [name for name in before if name.startswith("palate.duckdb")]
    assert sorted(after.values()) == sorted(before[name] for name in kept)


def test_a_log_that_was_begun_on_the_copy_is_added_to_it(home):
    with Store(home) as store:
        store.opening.copies.make("start", store._database.copy_to)
        give(store, 3)
        killed = shutil.copytree(home, home.with_name("again"))
    all_blocks(file_of(killed))

    votes, said = opened(killed, restore=True)

    assert votes == 18
    assert "the log" in said


def test_damage_in_an_index_alone_is_found(home, tmp_path):
    """The tables of such a database are whole; the next vote would fail."""
    Store(home).close()
    for offset in blocks_of(file_of(home)):
        copy = Path(shutil.copyfile(file_of(home), tmp_path / "copy.duckdb"))
        flip(copy, offset)
        if tables_are_whole(copy) and not is_sound(copy):
            break
    else:
        pytest.fail("no block of an index was damaged, or it was not noticed")


def test_damage_that_a_vote_meets_is_not_called_a_full_disk(home):
    Store(home).close()
    whole, told = file_of(home).read_bytes(), ""
    shutil.rmtree(home / "copies")
    for offset in blocks_of(file_of(home)):
        log(home).unlink(missing_ok=True)
        file_of(home).write_bytes(whole)
        flip(file_of(home), offset)
        with suppress(BrokenStudio), Store(home) as store:
            try:
                give(store, 1)
            except DamagedDatabase as error:
                told = str(error)
                break

    assert "is damaged, so nothing was read or recorded" in told


def blocks_of(database: Path) -> list[int]:
    """A place in every block, those of indexes first: they were written last."""
    return list(range(12_288 + 5_000, database.stat().st_size - 4, 262_144))[::-1]


def is_sound(database: Path) -> bool:
    try:
        inspect(database)
    except duckdb.Error:
        return False
    return True


def tables_are_whole(database: Path) -> bool:
    try:
        with duckdb.connect(database, read_only=True) as connection:
            for (table,) in connection.execute("SHOW TABLES").fetchall():
                connection.execute(f'SELECT bit_xor(hash(t)) FROM "{table}" AS t').fetchall()
    except duckdb.Error:
        return False
    return True


@pytest.mark.skipif(os.name == "nt", reason="needs named pipes")
@pytest.mark.parametrize("put", [os.mkdir, lambda path: os.mkfifo(path)])
def test_what_is_no_file_in_the_place_of_the_log_is_named(home, put):
    log(home).unlink()
    put(log(home))
    before = contents(home)
    with pytest.raises(BrokenStudio, match="is no file"):
        Store(home)
    assert contents(home) == before


@pytest.mark.skipif(os.name == "nt", reason="needs named pipes and links")
def test_a_link_that_leads_nowhere_is_said_so_and_a_pipe_is_no_copy(home):
    log(home).unlink()
    file_of(home).unlink()
    file_of(home).symlink_to("/media/unplugged/palate.duckdb")
    os.mkfifo(home / "copies" / "2030-01-01T000000Z_votes_9-votes_9-acts_schema-9.duckdb")
    with pytest.raises(DamagedDatabase, match="a link to /media/unplugged") as refused:
        Store(home)
    assert "with 10 votes" in str(refused.value)


def test_a_newer_copy_than_the_database_is_offered(home):
    with Store(home) as store:
        store.opening.copies.make("votes", store._database.copy_to)
    (older,) = [copy for copy in (home / "copies").iterdir() if "_10-votes" in copy.name]
    shutil.copyfile(older, file_of(home))

    votes, said = opened(home)

    assert votes == 10
    assert "fewer than its copy of" in said and "with 15 votes" in said


@pytest.mark.parametrize(
    "trace",
    [
        "images/ab/" + "ab" * 32 + ".png",
        "runs/r0001/config.json",
        "snapshots/s1/manifest.json",
        "palate.duckdb.wal",
    ],
)
def test_a_missing_database_is_said_wherever_a_studio_has_lived(tmp_path, trace):
    home = tmp_path / "studio"
    (home / trace).parent.mkdir(parents=True)
    (home / trace).write_bytes(b"something")
    before = contents(home)

    with pytest.raises(MissingDatabase, match=r"palate\.duckdb is missing") as refused:
        Store(home)

    assert "No copy of it that opens" in str(refused.value)
    assert contents(home) == before


def test_a_start_that_was_ended_as_it_began_is_no_damage(tmp_path):
    home = tmp_path / "studio"
    home.mkdir()
    for begun in (b"", bytes(4_096)):
        file_of(home).write_bytes(begun)
        assert opened(home)[0] == 0
        shutil.rmtree(home)
        home.mkdir()


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX permissions")
def test_a_file_that_may_not_be_read_is_not_called_damaged(home, monkeypatch):
    file_of(home).chmod(0o000)
    if os.access(file_of(home), os.R_OK):
        real = Path.open

        def refuse(path: Path, *arguments, **named):
            if path == file_of(home):
                raise PermissionError(13, "Permission denied")
            return real(path, *arguments, **named)

        monkeypatch.setattr(Path, "open", refuse)  # nothing is forbidden to root

    with pytest.raises(BrokenStudio, match=r"may not be read and written.*not damaged") as refused:
        Store(home)
    assert not isinstance(refused.value, DamagedDatabase)


def test_a_database_in_the_hands_of_another_program_is_not_called_damaged(home):
    hold = (
        f"import duckdb; c = duckdb.connect({str(file_of(home))!r}); print(1, flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(StudioInUse, match="Another program holds"):
            Store(home)
        holder.communicate("\n")
    assert opened(home)[0] == 15
