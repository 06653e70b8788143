"""Models: the one that is open, and those that can be opened."""

from typing import TypedDict

from annotate.views.pair_rendering import SamplerView


class ModelView(TypedDict):
    """A model, told without loading it."""

    name: str
    model: str
    """What opens it: a path, a hub name, or the name of an embedded model."""
    width: int
    height: int
    steps: int
    """Denoising steps, unless somebody sets others."""
    guidance: float
    scheduler: str
    vae: str | None
    """Autoencoder in place of its own."""
    prediction: str | None
    """What it predicts, where that was chosen or read; None where its configurations say so."""
    unsure: list[str]
    """What its files do not tell: prediction, steps."""
    doubt: str
    """Why a hub model could not be looked up."""


class DownloadView(TypedDict):
    """Download that a hub model still needs, in bytes."""

    whole: int
    there: int
    """How much of it an earlier download has left in the cache."""
    free: int | None
    """Free space on the disk of the cache, where it can be told."""
    folder: str
    """The cache."""


class FoundModel(ModelView):
    """A model that can be opened, and what that takes."""

    download: DownloadView | None
    open: bool
    """Whether it is the one that is open."""


class ListedModelView(TypedDict):
    """A file or folder among a person's models."""

    name: str
    model: str
    kind: str
    bytes: int
    problem: str | None
    """Why it cannot be opened, and what to do."""
    open: bool
    """Whether it is the one that is open."""


class ModelList(TypedDict):
    """The open model, and the models in the folder that the app was started with."""

    current: ModelView
    sampler: SamplerView
    folder: str | None
    models: list[ListedModelView]
    notes: list[str]
    """Sentences about folders that could not be looked into, and about limits."""
