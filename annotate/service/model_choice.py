"""Choice of the model: what can be opened, what that takes, and opening it without a restart."""

import threading
from collections.abc import Callable

from align.contracts.model_files import ModelFile, ModelListing
from align.contracts.models import Download, ModelInfo
from annotate.errors import InvalidRequest, ModelBusy
from annotate.interfaces import Models, Sampler
from annotate.validation import as_text
from annotate.views.activity import ActivityView
from annotate.views.openable_models import (
    DownloadView,
    FoundModel,
    ListedModelView,
    ModelList,
    ModelView,
)

PREDICTIONS = ("epsilon", "v_prediction")
OPENING = "Another model is being opened already. Wait until it is, then choose again."
NO_NAME = "Name a file, a folder or a hub name such as stabilityai/stable-diffusion-xl-base-1.0."
UNKNOWN = (
    "{name} is not on this machine and could not be looked up: {reason}. The model that is open "
    "stays open. Check the name and the network, then open it again."
)
NO_MODELS = "This app was started without the means to open another model."


class ModelChoice:
    """The models that a studio can open, and the one that it has open; thread-safe."""

    def __init__(
        self,
        models: Models | None,
        current: Callable[[], ModelInfo],
        activity: Callable[[], ActivityView],
        switch: Callable[[ModelInfo, Callable[[ModelInfo], Sampler]], None],
        as_chosen: Callable[[ModelInfo], ModelInfo],
    ) -> None:
        """Make the choice.

        `switch` opens a model with a sampler that it makes itself, and `as_chosen` returns a model
        as somebody chose to take it before.
        """
        self._models, self._current = models, current
        self._activity, self._switch, self._as_chosen = activity, switch, as_chosen
        self._busy = threading.Lock()

    def current(self) -> ModelView:
        """Return the model that is open."""
        return model_view(self._current())

    def all(self) -> ModelList:
        """Return the open model and those in the folder of models, in its order."""
        current = self._current()
        listing = self._models.models() if self._models is not None else ModelListing("", ())
        return {
            "current": model_view(current),
            "sampler": self._activity()["sampler"],
            "folder": listing.folder or None,
            "models": [listed_view(model, current) for model in listing.files],
            "notes": list(listing.notes),
        }

    def look_up(self, model: str, vae: str = "", prediction: str = "") -> FoundModel:
        """Return what a model is and what opening it takes; opens nothing."""
        return self._found(self._describe(model, vae, prediction))

    def open(self, model: str, vae: str = "", prediction: str = "") -> FoundModel:
        """Open a model in place of the one that is open, and return it.

        It loads in the background. Once it has, the next start opens it, too, where it names none.
        Raises ModelBusy while a run or an import works with the one that is open, or what `Models`
        raises.
        """
        if not self._busy.acquire(blocking=False):
            raise ModelBusy(OPENING)
        try:
            described = self._describe(model, vae, prediction)
            if described != self._current():
                _require_looked_up(described)
                self._switch(described, self._require_models().new_sampler)
            self._require_models().remember(described, prediction or None)
            return self._found(described)
        finally:
            self._busy.release()

    def reopen(self, model: ModelInfo) -> None:
        """Open the model that is open as it is described now; raises as `open`."""
        if not self._busy.acquire(blocking=False):
            raise ModelBusy(OPENING)
        try:
            self._switch(model, self._require_models().new_sampler)
        finally:
            self._busy.release()

    def _describe(self, model: str, vae: str, prediction: str) -> ModelInfo:
        """Describe a model as it is named, without the quotes that file managers paste around."""
        name, autoencoder = (
            as_text(text, what).strip().strip("\"'")
            for text, what in ((model, "The model"), (vae, "The autoencoder"))
        )
        if not name:
            raise InvalidRequest(NO_NAME)
        chosen = as_text(prediction, "The prediction")
        if chosen and chosen not in PREDICTIONS:
            raise InvalidRequest(
                f"A model of SDXL predicts {' or '.join(PREDICTIONS)}, not {chosen!r}."
            )
        described = self._require_models().describe(name, autoencoder or None, chosen or None)
        return self._as_chosen(described)

    def _found(self, model: ModelInfo) -> FoundModel:
        download = self._require_models().download(model)
        return {
            **model_view(model),
            "download": download_view(download) if download is not None else None,
            "open": model == self._current(),
        }

    def _require_models(self) -> Models:
        """Return the models; raises InvalidRequest in an app without any."""
        if self._models is None:
            raise InvalidRequest(NO_MODELS)
        return self._models


def _require_looked_up(model: ModelInfo) -> None:
    """Raise InvalidRequest for a model of which nothing but its name is known."""
    if model.doubt and model.identity == model.path:
        raise InvalidRequest(UNKNOWN.format(name=model.name, reason=model.doubt))


def model_view(model: ModelInfo) -> ModelView:
    """Return a model in plain values."""
    return {
        "name": model.name,
        "model": model.path,
        "width": model.width,
        "height": model.height,
        "steps": model.steps,
        "guidance": model.guidance,
        "scheduler": model.scheduler,
        "vae": model.vae,
        "prediction": model.prediction,
        "unsure": list(model.unsure),
        "doubt": model.doubt,
    }


def listed_view(model: ModelFile, current: ModelInfo) -> ListedModelView:
    """Return a listed model in plain values."""
    return {
        "name": model.name,
        "model": model.path,
        "kind": model.kind,
        "bytes": model.size,
        "problem": model.reason or None,
        "open": model.path == current.path,
    }


def download_view(download: Download) -> DownloadView:
    """Return a download in plain values."""
    return {
        "whole": download.whole,
        "there": download.there,
        "free": download.free,
        "folder": download.folder,
    }
