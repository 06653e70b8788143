"""The store: everything that a studio remembers, behind one object.

Store ── opening        lock, repair, migrations, copies     ── Database   transactions, one writer
      ── Prompts, Images, Pairs, Votes, Runs, Versions       one table each, as methods of the store
      ── RunningCounts  votes by verdict and waiting pairs, in memory
      ── rankings, flags, annotations, undo    what annotators give besides votes, in one log
      ── quality        control pairs, exclusions, weights, votes for statistics
      ── snapshots, sources    the folders that runs train on, votes that came in from files
      ── blind_tests, sessions, people, project_settings, aliases, imported_images, kept_pairs
      ── version_labels, disk, exports    labels of versions; clean-up; forms of other programs

A vote goes Store.vote, Votes.record, RunningCounts.write, Database.write: then it is on the disk.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from time import monotonic
from typing import Any, Self

from align.contracts.run_files import RunResult
from storage.acts import ActReceipt, NewVote, Selection
from storage.aggregates.counts import RunningCounts
from storage.disk.base_loras import BaseLoras
from storage.disk.scratch import sweep
from storage.disk.usage import DiskCleanup
from storage.exports.exports import Exports
from storage.opening import Opening
from storage.records import Counts, Image, OtherVotes, Pair, Prompt, Run, Snapshot, Version, Voters
from storage.settling import Monotonic, Settling
from storage.snapshot.snapshots import Snapshots
from storage.snapshot.sources import NO_OTHERS, as_voters
from storage.sources.source_records import SOURCES_IN_USE, SourceVotes
from storage.sources.source_table import Sources
from storage.tables.blind_tests import StoredBlindTests
from storage.tables.flags import Flags
from storage.tables.images import Images
from storage.tables.imported_images import ImportedImages
from storage.tables.labeling_sessions import StoredSessions
from storage.tables.model_aliases import ModelAliases
from storage.tables.pairs import KeptPairs, Pairs
from storage.tables.people import People
from storage.tables.project_settings import ProjectSettings
from storage.tables.prompts import PromptChanges, Prompts
from storage.tables.quads import Quads
from storage.tables.rankings import Rankings
from storage.tables.training_runs import Runs
from storage.tables.undo import Undo, UndoneAct
from storage.tables.version_labels import VersionLabels
from storage.tables.versions import Versions
from storage.tables.vote_annotations import VoteAnnotations
from storage.tables.vote_quality import VoteQuality
from storage.tables.votes import Votes
from storage.timestamps import Clock, utc_now


class Store:
    """An open studio folder; safe to share between threads.

    A method that records something returns once it is on the disk. It may raise DiskFull, and then
    nothing was recorded; the store stays usable. Times are UTC without a zone.
    """

    def __init__(
        self,
        home: Path,
        clock: Clock = utc_now,
        monotonic_clock: Monotonic = monotonic,
        restore: bool = False,
    ) -> None:
        """Open a studio folder, making it if need be.

        A damaged log is put aside, and `opening.recovered` says so; with `restore` the newest copy
        takes the place of a database that is damaged or missing. `clock` dates rows,
        `monotonic_clock` ages votes. Raises StudioInUse, StudioNewer or BrokenStudio.
        """
        self.opening = Opening(Path(home), clock, restore)
        self._folder, self._database = self.opening.folder, self.opening.database
        # Now that the folder is locked, nobody else can be writing what looks left over.
        sweep(self._folder.path)
        self._counts = RunningCounts(self._database)
        settling = Settling(self._database, clock, monotonic_clock)
        self._prompts = Prompts(self._database, clock)
        self.prompt_changes = PromptChanges(self._database, clock)
        self._images = Images(self._database, clock)
        self.pairs = Pairs(self._database, self._counts, clock)
        self.votes = Votes(self._database, self._counts, settling, clock)
        self.snapshots = Snapshots(self._database, self._folder, settling, clock)
        self._runs = Runs(self._database, self._counts, clock)
        self._versions = Versions(self._database, self._folder, clock)

        self.sources = Sources(self._database, self._folder, clock)
        self.aliases = ModelAliases(self._counts, clock)
        self.blind_tests = StoredBlindTests(self._database, clock)
        self.people = People(self._database, clock)
        self.project_settings = ProjectSettings(self._database, clock)
        self.quality = VoteQuality(self._database, self._counts, clock)
        self.annotations = VoteAnnotations(self._database, clock)
        self.flags = Flags(self._database, self._counts, clock)
        self.quads = Quads(self._database, clock)
        self.rankings = Rankings(self._counts, settling, clock)
        self._undo = Undo(self._counts, clock)
        self.sessions = StoredSessions(self._database, clock)
        self.kept_pairs = KeptPairs(self._database, self._counts, clock)
        self.imported_images = ImportedImages(self._database, self._folder, self._counts, clock)
        self.version_labels = VersionLabels(self._database, self._folder, self._versions, clock)
        self.base_loras = BaseLoras(self._folder)
        self.disk = DiskCleanup(self._database, self._folder, self._versions, clock)
        self.exports = Exports(self._database, self._folder, clock)

    def close(self) -> None:
        """Close the database and release the folder, so that another app may open it."""
        self.opening.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    # Prompts

    def add_prompts(self, texts: Sequence[str], source: str) -> int:
        """Add prompts and return how many were new.

        All are checked first: if one raises InvalidPrompt, none is added.
        """
        return self._prompts.add(texts, source)

    def prompts(self) -> list[Prompt]:
        """Return every prompt, in the order they were added."""
        return self._prompts.all()

    # Images

    @property
    def images_dir(self) -> Path:
        """The folder of all images."""
        return self._folder.images

    def image_path(self, sha256: str) -> Path:
        """Return the path of the image with this hash, whether it is there or not."""
        return self._folder.image(sha256)

    def find_images(self, recipe_keys: Iterable[str]) -> dict[str, Image]:
        """Return the stored images with these recipe keys, by key; unknown keys are missing."""
        return self._images.find(recipe_keys)

    def add_images(self, images: Sequence[Image]) -> list[Image]:
        """Store images and return, in the same order, what is stored for their recipes.

        A recipe that is known already keeps its first image and id.
        """
        return self._images.add(images)

    def image_hashes(self, image_ids: Iterable[str]) -> dict[str, str]:
        """Return the SHA-256 of images by id; unknown ones are missing."""
        return self._images.hashes(image_ids)

    def image(self, image_id: str) -> Image | None:
        """Return the image with this id, or None."""
        return self._images.get(image_id)

    # Pairs

    def add_pair(self, prompt: str, left: str, right: str, base: str, version: str) -> Pair:
        """Store a pair of image ids, on the sides where they will be shown.

        Raises UnknownImage or InvalidPrompt.
        """
        return self.pairs.add(prompt, left, right, base, version)

    def pair(self, pair_id: str) -> Pair:
        """Return the pair with this id; raises UnknownPair."""
        return self.pairs.get(pair_id)

    def pairs_of_other_models(self, pair_ids: Sequence[str], base: str) -> frozenset[str]:
        """Return which of these are pairs of other models."""
        return self.pairs.of_other_models(pair_ids, base)

    def voters(self, pair_id: str) -> frozenset[str]:
        """Return the annotators who have a current vote on a pair."""
        return self.pairs.people(pair_id)

    def waiting_pairs(self, base: str, limit: int | None = None) -> list[Pair]:
        """Return the pairs of a model without a current vote by anybody, oldest first."""
        return self.pairs.some(self._counts.waiting(base, limit))

    # Votes

    def vote(self, vote: NewVote, selection: Selection | None = None) -> ActReceipt:
        """Record a vote; the same key again changes nothing and returns a duplicate's receipt.

        `selection` is how the pair was selected. Raises UnknownPair, AlreadyVoted or InvalidKey.
        """
        return self.votes.record(vote, selection)

    def undo(self, annotator: str, key: str | None = None) -> UndoneAct:
        """Take back an annotator's newest act, once per key, and return it.

        Raises NothingToUndo, InvalidAnnotator or InvalidKey.
        """
        return self._undo.newest(annotator, key)

    def counts(self, base: str) -> Counts:
        """Count the current votes on a model's pairs."""
        return self._counts.counts(base)

    def labeler_counts(self, base: str) -> Counts:
        """Count the current votes as labelers see them: on interleaved pairs like any other."""
        return self._counts.labeler_counts(base)

    def decisive(self, base: str, voter: str | Voters = None) -> int:
        """Count the current decisive votes on a model's pairs, of some annotators or of all."""
        if voters := as_voters(voter):
            return sum(self.votes.decisive(base, name) for name in voters)
        return self.counts(base).decisive

    def decisive_since_last_run(self, base: str) -> int:
        """Count the current decisive votes that the newest sound run did not train on."""
        return self._counts.untrained(base)

    # Snapshots

    def write_snapshot(
        self,
        base: str,
        settle_s: float = 10.0,
        voter: str | Voters = None,
        others: OtherVotes = NO_OTHERS,
        brought: SourceVotes = SOURCES_IN_USE,
    ) -> Snapshot:
        """Freeze the votes older than `settle_s` seconds into a folder for a trainer.

        With `voter` they are some annotators'; `others` and sources come along. Raises NoVotes.
        """
        return self.snapshots.write(base, settle_s, as_voters(voter), others, brought)

    # Runs

    def create_run(
        self, snapshot_id: str, base: str, parent: str, settings: dict[str, Any], trigger: str
    ) -> Run:
        """Record a queued run; raises UnknownSnapshot or UnknownVersion (the parent)."""
        return self._runs.create(snapshot_id, base, parent, settings, trigger)

    def set_run_state(self, run_id: str, state: str, error: str | None = None) -> Run:
        """Record a run's state; raises UnknownRun or InvalidState."""
        return self._runs.set_state(run_id, state, error)

    def run(self, run_id: str) -> Run:
        """Return the run with this id; raises UnknownRun."""
        return self._runs.get(run_id)

    def runs(self, base: str) -> list[Run]:
        """Return the runs of a model, newest first."""
        return self._runs.of_base(base)

    def run_dir(self, run_id: str) -> Path:
        """Return the folder of a run, which its trainer makes; raises UnknownRun."""
        return self._folder.runs / self._runs.get(run_id).run_id

    # Versions

    def ensure_base(self, base: str) -> Version:
        """Return the untuned version of a model, recording it the first time."""
        return self._versions.ensure_base(base)

    def add_version(
        self, base: str, parent: str, run_id: str, adapter: Path, summary: RunResult
    ) -> Version:
        """Record the adapter that a run made, once per run.

        An adapter inside the studio folder is recorded relative to it, so the folder may be moved.
        Raises UnknownVersion (the parent) or UnknownRun.
        """
        return self._versions.add(base, parent, run_id, adapter, summary)

    def versions(self, base: str) -> list[Version]:
        """Return the versions of a model, oldest first."""
        return self._versions.of_base(base)

    def version(self, base: str, name: str) -> Version:
        """Return a version by its name; raises UnknownVersion."""
        return self._versions.get(base, name)

    def activate(self, base: str, version: str) -> Version:
        """Make a version the one that new pairs are rendered with; raises UnknownVersion."""
        return self._versions.activate(base, version)

    def active(self, base: str) -> Version:
        """Return the version activated last, "base" before any; raises UnknownVersion."""
        return self._versions.active(base)
