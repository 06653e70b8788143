"""Image models as the app, the trainer and the sampler know them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

EMBEDDED, FAST = "emoji", "emoji-fast"
KIND = "sdxl"
MAX_CLIP_SKIP = 12
"""The largest clip skip of any model, as programs have it: that of SDXL."""


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """An SDXL pipeline and its defaults for rendering; sizes in pixels.

    config.json and the sampler's first message hold its fields.
    """

    name: str
    """The name that people see: "emoji", a folder's name or a hub name."""
    path: str
    """Folder or hub name; "emoji" and "emoji-fast" stand for the embedded model on any machine."""
    identity: str
    """Tells models apart by content, so that versions stay with the model they were made from."""
    preset: str
    """Training preset: "embedded" for small models, "sdxl" for full-size ones that predict noise,
    "sdxl-v" for those that predict velocities."""
    width: int = 1024
    height: int = 1024
    steps: int = 30
    guidance: float = 5.0
    negative_prompt: str = ""
    scheduler: str = "EulerDiscreteScheduler"
    schedule: str = "betas"
    """The kind of its noise schedule, as `align.contracts.solvers` has it: which solvers it can
    be rendered with."""
    max_clip_skip: int = MAX_CLIP_SKIP
    """The largest clip skip that its text encoders have layers for."""
    variant: str | None = None
    """"fp16" where the weight files are, or may be, named so."""
    few_steps: str | None = None
    """Name of the adapter file beside the parts that is merged in, so that few steps are enough."""
    aliases: tuple[str, ...] = ()
    """Other identities that it has, or had: in another number format, and before identities were of
    content alone. One that begins with a hyphen stands for every name that ends so."""
    folder: str | None = None
    """Folder of the cache that holds a hub model whole."""
    revision: str | None = None
    """The commit of a hub model that is still to be downloaded."""
    download_bytes: int = 0
    """Size of the weights of a hub model that are still to be downloaded; 0 where it is unknown."""
    doubt: str = ""
    """The reason why a hub model could not be looked up; the rest is a guess until it is loaded."""
    file: str | None = None
    """The single-file checkpoint that holds all of the model."""
    vae: str | None = None
    """File or folder of an autoencoder that takes the place of the model's own."""
    prediction: str | None = None
    """"epsilon", "v_prediction" or "sample", as a file tells or a person chose; None where the
    configurations say."""
    zero_terminal_snr: bool = False
    """True where `prediction` goes with a noise schedule that ends in pure noise."""
    unsure: tuple[str, ...] = ()
    """What neither the file nor its name tells: "prediction", "steps"."""

    @property
    def family(self) -> str:
        """The name of its family of models, as `align.families.lookup` has it."""
        return KIND

    @property
    def full_size(self) -> bool:
        """Return whether it is of SDXL's size, which is trained by the preset of such models."""
        return self.preset != "embedded"

    @property
    def prompt_tokens(self) -> int:
        """How many tokens of a prompt its encoders take at a time, or fewer."""
        return 22 if self.preset == "embedded" else 75

    @property
    def load_path(self) -> str:
        """Return the folder or hub name for `from_pretrained`."""
        if self.path in (EMBEDDED, FAST):
            return str(embedded_folder())
        cached = self.folder is not None and Path(self.folder).is_dir()
        return str(self.folder) if cached else self.path

    def is_same(self, other: ModelInfo) -> bool:
        """Return whether both are the same model, by their identities and aliases."""
        own_names = {self.identity, *self.aliases}
        other_names = {other.identity, *other.aliases}
        # Identities of before content hashes are known by their ends alone.
        ends = tuple(name for name in own_names | other_names if name.startswith("-"))
        return (
            self.identity in other_names
            or other.identity in own_names
            or any(name.endswith(ends) for name in (self.identity, other.identity))
        )


@dataclass(frozen=True, slots=True)
class Download:
    """Download that a hub model needs before it can be loaded, in bytes."""

    whole: int
    """Size of the weights."""
    there: int
    """How much of it an earlier download has left in the cache."""
    free: int | None
    """Free space on the disk of the cache, where it can be told."""
    folder: str
    """The cache."""

    @property
    def missing(self) -> int:
        """Return what is still to come."""
        return self.whole - self.there


def read_model(fields: dict[str, Any]) -> ModelInfo:
    """Read a model from JSON, which has lists for tuples. Raises TypeError for other fields."""
    lists = {name: tuple(fields.get(name, ())) for name in ("aliases", "unsure")}
    return ModelInfo(**fields | lists)


def embedded_folder() -> Path:
    """Return the folder of the model that comes with the project."""
    return Path(__file__).parents[1] / EMBEDDED
