"""Snapshots: the folder of votes and images that a run learns from, as files hold it.

pairs.jsonl     one `PairRow` a line, in the order of the votes
images/         the images that it names, but for those of `image_references.jsonl`, if there is one
manifest.json   `SnapshotManifest`
"""

from typing import Literal, NotRequired, TypeAlias, TypedDict, final

FORMAT = 1
MANIFEST = "manifest.json"
PAIRS = "pairs.jsonl"
UndecidedKind: TypeAlias = Literal["tie", "both_good", "both_bad", "skip"]
PairKind: TypeAlias = Literal["preference", UndecidedKind]
UNDECIDED: tuple[UndecidedKind, ...] = ("tie", "both_good", "both_bad", "skip")


@final
class PreferenceRow(TypedDict):
    """A vote that says which of two images is better."""

    kind: Literal["preference"]
    prompt: str
    chosen: str
    """Path of the better image, relative to the folder."""
    rejected: str
    pair_id: NotRequired[str]
    rendered_prompt: NotRequired[str]
    """The prompt with the text of a look around it, where the images were rendered so."""
    annotator: NotRequired[str]
    """A hash that stands for a person."""
    weight: NotRequired[float]
    """Weight of the annotator's votes in 0..1; 1 where it is left out."""
    plain: NotRequired[bool]
    """True where brackets in the prompt are characters, not weights: the images were made so."""
    strength: NotRequired[int]
    """2 for a clear choice, which counts as two votes."""
    in_a_row: NotRequired[int]
    """How often in a row the winner of an earlier pair had been kept in this one, which then shares
    an image with that one; left out for a pair of two new images."""
    label: NotRequired[float]
    """Probability that `chosen` is the better one, where a scorer or a file told it."""
    source: NotRequired[str]
    """Name of the source that it came in with; "scorer:NAME" where no person voted."""
    sizes: NotRequired[list[list[int]]]
    """Width and height of each image before it was scaled and cropped into its file, the
    chosen one first; left out where no file was made so."""
    crops: NotRequired[list[list[int]]]
    """Pixels of each file's scale that were cut off at the left and at the top; left out with
    `sizes`, or where nothing was."""


@final
class UndecidedRow(TypedDict):
    """A vote that prefers neither of two images."""

    kind: UndecidedKind
    prompt: str
    images: list[str]
    """Paths of both images, relative to the folder."""
    pair_id: NotRequired[str]
    rendered_prompt: NotRequired[str]
    """The prompt with the text of a look around it, where the images were rendered so."""
    annotator: NotRequired[str]
    weight: NotRequired[float]
    plain: NotRequired[bool]
    strength: NotRequired[int]
    in_a_row: NotRequired[int]
    source: NotRequired[str]
    """Name of the source that it came in with."""
    sizes: NotRequired[list[list[int]]]
    """Width and height of each image before it was scaled and cropped into its file; left out
    where no file was made so."""
    crops: NotRequired[list[list[int]]]
    """Pixels of each file's scale that were cut off at the left and at the top; left out with
    `sizes`, or where nothing was."""


@final
class RankingRow(TypedDict):
    """A ranking of several images of one prompt."""

    kind: Literal["ranking"]
    prompt: str
    images: list[str]
    ranks: list[int]
    """One for each image, the lowest for the best; images of equal rank are not told apart."""
    rendered_prompt: NotRequired[str]
    """The prompt with the text of a look around it, where the images were rendered so."""
    annotator: NotRequired[str]
    weight: NotRequired[float]
    plain: NotRequired[bool]
    source: NotRequired[str]
    """Name of the source that it came in with."""
    sizes: NotRequired[list[list[int]]]
    """Width and height of each image before it was scaled and cropped into its file; left out
    where no file was made so."""
    crops: NotRequired[list[list[int]]]
    """Pixels of each file's scale that were cut off at the left and at the top; left out with
    `sizes`, or where nothing was."""


PairRow: TypeAlias = PreferenceRow | UndecidedRow | RankingRow
"""One line of pairs.jsonl; `kind` tells which."""


@final
class UnlabeledPair(TypedDict):
    """Two images of a prompt that nobody has voted on, for a scorer to label."""

    prompt: str
    images: list[str]
    pair_id: NotRequired[str]


class SnapshotFacts(TypedDict):
    """Source of a snapshot; a folder that no studio wrote has its name and counts alone."""

    snapshot_id: str
    """Name of the folder, such as s0001."""
    created: NotRequired[str]
    """ISO 8601 in UTC."""
    base: NotRequired[str]
    """Identity of the model whose images were voted on."""
    settle_s: NotRequired[float]
    """Only votes that were older than this are in it."""
    voter: NotRequired[str]
    """The annotators whose votes alone are in it, with commas between."""
    counts: dict[str, int]
    """Votes by kind, and those left out: unsettled, undone, image_lost."""
    excluded: NotRequired[dict[str, int]]
    """Votes left out for their quality, by reason."""
    lost_images: NotRequired[dict[str, str]]
    """What is wrong with each image that cannot be used, by path."""
    weights: NotRequired[dict[str, float]]
    """Weights other than 1, by annotator."""
    vote_ids: NotRequired[list[int]]
    """Numbers of the votes in the database, in the order of their lines."""
    ranking_ids: NotRequired[list[int]]
    """Those of the rankings, whose lines come after the votes'."""
    other_models: NotRequired[dict[str, int]]
    """Votes of other models of the studio that are in it, by the model's name."""
    sources: NotRequired[dict[str, int]]
    """Votes and rankings that came in from files, by the name of their source; in `counts` too."""
    source_weights: NotRequired[dict[str, float]]
    """Weights other than 1, by source."""


class SnapshotManifest(SnapshotFacts):
    """manifest.json: what is in the folder, from which votes, and the hash of every file."""

    format: int
    """1."""
    files: dict[str, str]
    """SHA-256 by path."""
