"""Weights of other programs, as the converter describes them."""

from typing import NotRequired, TypedDict

from align.contracts.run_files import RunResult


class WeightFacts(TypedDict):
    """A LoRA or a tuned model, as a base's layers see it."""

    kind: str
    """lora, or whole where all weights of the denoiser change."""
    form: str
    family: NotRequired[str]
    """Kind of the adapter, such as LoRA, LoHa or LoKr."""
    layers: NotRequired[int]
    text_encoder_weights_left_out: NotRequired[int]
    embeddings_left_out: NotRequired[list[str]]
    rank: NotRequired[int]
    """The most common one of its layers, as is alpha."""
    alpha: NotRequired[float]


class ImportedWeights(WeightFacts):
    """Weights that were checked against a base and taken in."""

    sha256: str
    """Of the source."""


class SentFile(TypedDict):
    """An adapter that was written into the LoRA folder of another program."""

    file: str
    """Path of the file."""
    form: str
    """kohya, or dora for a DoRA."""
    strength: float
    """The strength of the version that the file has at strength 1.0."""
    replaced: bool
    """The same version was there before, perhaps at another strength."""
    notes: list[str]
    """Names of the notes that were written beside it; a note that somebody edited is kept."""


class ImportedFile(ImportedWeights):
    """Origin of an imported version."""

    file: str
    """Name of the file or folder."""


class VersionSummary(RunResult, total=False):
    """Origin of a version, as it is kept: the result of its run, or its import."""

    imported: ImportedFile
    """Of a version that no run made; everything else is left out then."""
