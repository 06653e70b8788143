"""The studio folder on the disk: its layout, and the lock that gives it to one app at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from storage.errors import BrokenStudio, StudioInUse

SOURCES = "sources"
"""Name of the folder of files of sources that were moved or copied into the studio."""


class StudioFolder:
    """A studio folder, locked by this process from its opening to `release`."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        # DuckDB puts its log beside the part of the path before a question mark.
        if "?" in self.path.as_posix().removeprefix("//?/"):
            raise BrokenStudio(
                f"{self.path} cannot be a studio folder: DuckDB, which keeps the votes, takes no "
                "name with a question mark in it. Choose another folder with --home."
            )

        # DuckDB locks its file too, but runs, snapshots and images need one owner as well; and the
        # system lets go of the lock when the process dies, however it dies.
        with self._explained():
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(self.path / "palate.lock")
            self._lock.acquire(timeout=0)

    def make_folders(self) -> None:
        """Make the folders that every studio has; raises BrokenStudio."""
        with self._explained():
            for folder in (self.images, self.snapshots, self.runs):
                folder.mkdir(exist_ok=True)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except Timeout as error:
            raise StudioInUse(
                f"Another Palate is running on {self.path}. "
                "Close it, or choose another folder with --home."
            ) from error

        except OSError as error:
            raise BrokenStudio(
                f"{self.path} cannot be used as a studio folder: {error.strerror or error}. "
                "Choose a folder that you can write to with --home."
            ) from error

    @property
    def database(self) -> Path:
        """The file of the database."""
        return self.path / "palate.duckdb"

    @property
    def spilled_pages(self) -> Path:
        """The folder in which DuckDB puts pages that do not fit in its memory."""
        return self.path / "palate.duckdb.tmp"

    @property
    def copies(self) -> Path:
        """The folder of the studio's own copies of its database."""
        return self.path / "copies"

    def traces(self) -> list[str]:
        """Return the names of what an earlier studio left in the folder, besides the database."""
        patterns = {
            "a log of it": "palate.duckdb.wal*",
            "copies of it": "copies/*.duckdb",
            "a damaged one": "palate.damaged-*",
            "images": "images/[0-9a-f][0-9a-f]/*.png",
            "snapshots": "snapshots/*/manifest.json",
            "runs": "runs/*/*.*",
            "imported versions": "imports/*",
        }
        return [name for name, pattern in patterns.items() if any(self.path.glob(pattern))]

    @property
    def images(self) -> Path:
        """The folder of all images."""
        return self.path / "images"

    @property
    def snapshots(self) -> Path:
        """The folder of all snapshots."""
        return self.path / "snapshots"

    @property
    def runs(self) -> Path:
        """The folder of all runs."""
        return self.path / "runs"

    @property
    def imports(self) -> Path:
        """The folder of adapters that were imported."""
        return self.path / "imports"

    @property
    def loras(self) -> Path:
        """The folder of LoRAs under the base."""
        return self.path / "loras"

    @property
    def exports(self) -> Path:
        """The folder of files that were exported for other programs."""
        return self.path / "exports"

    @property
    def cache(self) -> Path:
        """The folder of latents, embeddings and errors that runs compute once and share."""
        return self.path / "cache"

    def run_leftovers(self, run_id: str) -> list[Path]:
        """Return the files of a finished run that only its trainer needed."""
        run = self.runs / run_id
        return [run / "checkpoint", run / "cache", run / "start.safetensors"]

    def image(self, sha256: str) -> Path:
        """Return the path of the image with this hash: images/ab/abcdef....png."""
        return self.images / sha256[:2] / f"{sha256}.png"

    def image_file(self, name: str) -> Path:
        """Return the path of an image by its name, which is its hash and its suffix."""
        return self.images / name[:2] / name

    @property
    def sources(self) -> Path:
        """The folder of files of sources that were moved or copied into the studio."""
        return self.path / SOURCES

    def shorten(self, path: Path) -> str:
        """Write a path relative to the folder where it can be, so that the folder may be moved."""
        path = path.absolute()
        return (path.relative_to(self.path) if path.is_relative_to(self.path) else path).as_posix()

    def release(self) -> None:
        """Release the lock, so that another app may open the folder."""
        self._lock.release()
