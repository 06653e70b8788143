"""The models that a person can open: files and folders in a folder of theirs, and hub names."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from align.client.architectures.listing import ModelFolder
from align.client.catalog.hub_cache import download_of, require_room
from align.client.hub import Hub
from align.client.models import describe_model
from align.client.named_paths import path_of
from align.client.sampler import SamplerProcess
from align.contracts.model_files import ModelFile, ModelListing
from align.contracts.models import EMBEDDED, FAST, Download, ModelInfo
from align.errors import ModelError, ModelNotFound
from align.files import read_json, write_json

EMBEDDED_MODELS = (
    ModelFile(EMBEDDED, EMBEDDED, 0, "the embedded model: emoji, quick on any machine"),
    ModelFile(FAST, FAST, 0, "the embedded model in four steps without guidance"),
)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ModelRequest:
    """A model as a person names it."""

    model: str | None = None
    """File, folder or hub name; None is the embedded model."""
    vae: str | None = None
    """An autoencoder in place of the model's own: a file or a folder."""
    prediction: str | None = None
    """What the model predicts, where its files do not tell."""


class ModelCatalog:
    """Lists, describes and opens models, and remembers the one that was opened last."""

    def __init__(
        self,
        folder: Path | None,
        choice_file: Path,
        new_sampler: Callable[[ModelInfo, Callable[[], None]], SamplerProcess],
    ) -> None:
        """Make the catalog of a folder of models, if there is one.

        `choice_file` keeps the newest choice, and `new_sampler` returns a process for a model,
        which calls what it is handed once the model has loaded.
        """
        self._choice_file, self._new_sampler = choice_file, new_sampler
        self._guard = threading.Lock()
        self._loaded: ModelInfo | None = None
        self._chosen: tuple[ModelInfo, str | None] | None = None
        """What is to be kept once it has loaded."""
        self._folder = ModelFolder(folder.expanduser()) if folder else None

    def models(self) -> ModelListing:
        """List the embedded models, and what is in the folder.

        Raises:
            ModelNotFound: the folder is not there.
        """
        if self._folder is None:
            return ModelListing("", EMBEDDED_MODELS)
        check_models_folder(self._folder.folder)
        listing = self._folder.listing()
        return replace(listing, files=(*EMBEDDED_MODELS, *listing.files))

    def describe(
        self, name: str, vae: str | None = None, prediction: str | None = None
    ) -> ModelInfo:
        """Describe a model by a name in the folder, a path or a hub name; loads nothing.

        Raises:
            ModelError: as `describe_model`, or where a download does not fit on the disk.
        """
        return self._described(ModelRequest(name or None, vae or None, prediction or None))

    def first(self, name: str | None, vae: str | None, prediction: str | None) -> ModelInfo:
        """Describe the model to open first: the one that is named, else the one opened last.

        Raises:
            ModelError: as `describe`, for the one opened last with what to do about it.
        """
        if name is not None:
            return self.describe(name, vae, prediction)
        last = self.remembered()
        try:
            return self._described(
                ModelRequest(last.model, vae or last.vae, prediction or last.prediction)
            )
        except ModelError as error:
            if last.model is None:
                raise
            hint = (
                "It was opened last on the page: name another with --model, such as --model emoji."
            )
            raise type(error)(f"{error} {hint}") from error

    def _described(self, choice: ModelRequest) -> ModelInfo:
        located = self._located(choice.model)
        model = describe_model(located, vae=choice.vae, prediction=choice.prediction)
        if download := self.download(model):
            require_room(model, download)
        return model

    def download(self, model: ModelInfo) -> Download | None:
        """Return the download that a hub model still needs; None if it needs none."""
        return download_of(model, Hub.of_environment().cache) if model.download_bytes else None

    def new_sampler(self, model: ModelInfo) -> SamplerProcess:
        """Return a sampler for a model, which is not started."""
        with self._guard:
            self._loaded = None
        return self._new_sampler(model, lambda: self._on_loaded(model))

    def remember(self, model: ModelInfo, prediction: str | None = None) -> None:
        """Keep a model as the one that the next start opens where it names none, once it loads.

        `prediction` is what a person asked for, and not what the model's files tell.
        """
        with self._guard:
            self._chosen = (model, prediction)
            self._keep()

    def _on_loaded(self, model: ModelInfo) -> None:
        with self._guard:
            self._loaded = model
            self._keep()

    def _keep(self) -> None:
        """Write down the model that was chosen, if it is the one that has loaded."""
        if self._chosen is None or self._loaded is None:
            return
        model, prediction = self._chosen
        if (model.path, model.vae) != (self._loaded.path, self._loaded.vae):
            return
        self._chosen = None
        choice = {"model": model.path, "vae": model.vae, "prediction": prediction}
        try:
            write_json(self._choice_file, choice)
        except OSError as error:
            log.warning("The next start will not know %s: %s", model.name, error)

    def remembered(self) -> ModelRequest:
        """Return the model that was opened last on the page, else the embedded one."""
        try:
            kept: Any = read_json(self._choice_file) or {}
            return ModelRequest(*(kept.get(field) for field in ("model", "vae", "prediction")))
        except (OSError, ValueError, AttributeError) as error:
            log.warning("%s cannot be read (%s).", self._choice_file, error)
            return ModelRequest()

    def _located(self, name: str | None) -> str | None:
        """Return the path of a model that is named as it is in the folder; others as they are."""
        if name is None or self._folder is None or name in (EMBEDDED, FAST):
            return name
        inside, named = self._folder.folder / name, path_of(name)
        return str(inside) if path_of(str(inside)).exists() and not named.exists() else name


def check_models_folder(folder: Path) -> None:
    """Raise ModelNotFound unless this is a folder that can be listed."""
    if not folder.is_dir():
        raise ModelNotFound(
            f"There is no folder of models at {folder}. Name the folder that holds your "
            "checkpoints, such as ComfyUI/models/checkpoints."
        )
