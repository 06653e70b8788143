"""Adapter switcher: one pipeline renders with its base, with adapters, and with full weights."""

from __future__ import annotations

import contextlib
import hashlib
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from align.device_memory import is_out_of_memory
from align.errors import BrokenModel, InvalidSettings, ModelNotFound, first_line
from align.families.family import Pipeline
from align.families.lookup import family_of
from align.weights.full import WeightSwapper, holds_full_weights

MAX_ADAPTERS = 4
DOWN_ENDS = (".lora_A.weight", ".lora_down.weight", ".lora.down.weight")
"""Ends of the names of a layer's first half, in the formats that diffusers reads."""


class AdapterSwitcher:
    """Switches a pipeline between its base, weighted sums of adapters, and full weights.

    The most recently used adapters stay loaded, and always all that are in use.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._names: dict[str, str] = {}
        self._denoiser = family_of(pipeline).denoiser(pipeline)
        self._swapper = WeightSwapper(self._denoiser)
        self._under: list[tuple[str, float]] = []
        self._on_top: list[tuple[str, float]] = []

    def use(
        self, adapters: Sequence[tuple[str, float]], loras: Sequence[tuple[str, float]] = ()
    ) -> None:
        """Render with these adapter files from now on, each by its weight; none is the base alone.

        `loras` are under the base, so that whatever is compared has them in common.

        Raises:
            ModelNotFound: a file is gone.
            BrokenModel: a file is damaged, or made for another model.
            InvalidSettings: full weights with a weight or another file, or a DoRA with a weight or
                on LoRAs.
        """
        for path, _ in (*loras, *adapters):
            if not Path(path).is_file():
                raise ModelNotFound(f"{_short_path(path)} is gone. Put it back from a copy.")

        whole = _full_weights_file(adapters)
        self._swapper.use(whole)
        self._under, self._on_top = list(loras), [] if whole else list(adapters)
        self._make_room({path for path, _ in (*self._under, *self._on_top)})
        for path, _ in (*self._under, *self._on_top):
            self._names[path] = self._names.pop(path, "") or self._load(path)
        self._refuse_weighted_dora()
        self._switch_on([*self._under, *self._on_top])

    @contextmanager
    def as_reference(self) -> Iterator[None]:
        """Leave only the LoRAs under the base on inside the block."""
        self._switch_on(self._under)
        try:
            yield
        finally:
            self._switch_on([*self._under, *self._on_top])

    def _switch_on(self, adapters: Sequence[tuple[str, float]]) -> None:
        if not adapters:
            self._pipeline.disable_lora()
            return
        self._pipeline.enable_lora()
        names = [self._names[path] for path, _ in adapters]
        self._pipeline.set_adapters(names, [weight for _, weight in adapters])

    def _refuse_weighted_dora(self) -> None:
        """Raise InvalidSettings for a DoRA that is not alone, or not at full strength."""
        for path, weight in self._on_top:
            if not self._denoiser.peft_config[self._names[path]].use_dora:
                continue
            if weight != 1:
                raise InvalidSettings(
                    f"{_short_path(path)} is a DoRA, which scales whole columns of the weights and "
                    "so has no strength but 1. Render it at 1."
                )
            if self._under:
                raise InvalidSettings(
                    f"{_short_path(path)} is a DoRA, which scales whole columns of the weights, so "
                    "that it fits the bare base alone. Take the LoRAs out of the look to render it."
                )

    def _make_room(self, wanted: set[str]) -> None:
        """Unload adapters that are not wanted, the least recently used first."""
        spare = [path for path in self._names if path not in wanted]
        for path in spare[: max(0, len(wanted.union(spare)) - MAX_ADAPTERS)]:
            self._forget(self._names.pop(path))

    def _forget(self, name: str) -> None:
        with _several_adapters():
            self._pipeline.delete_adapters(name)

    def _load(self, adapter: str) -> str:
        name = "a" + hashlib.sha256(adapter.encode()).hexdigest()[:12]
        path = Path(adapter)
        try:
            with _several_adapters():
                self._pipeline.load_lora_weights(
                    str(path.parent), weight_name=path.name, adapter_name=name
                )
            missing = len(lora_layers(path)) - _loaded_layers(self._pipeline, name)
        except (OSError, ValueError, RuntimeError, KeyError, TypeError, SafetensorError) as error:
            if is_out_of_memory(error):
                # Half an adapter would be in the way of the next try.
                with contextlib.suppress(ValueError, KeyError):
                    self._forget(name)
                raise
            if isinstance(error, torch.AcceleratorError):
                raise
            raise BrokenModel(
                f"{_short_path(adapter)} is damaged, or made for another model than this one. "
                f"({first_line(error)})"
            ) from error
        if missing > 0:
            # Diffusers only logs it, and would render with the layers it knows.
            self._forget(name)
            raise BrokenModel(
                f"{_short_path(adapter)} is made for another model: {missing} of its layers are "
                "not in this one."
            )
        return name


@contextmanager
def _several_adapters() -> Iterator[None]:
    """Silence peft's warnings about several adapters in one model, which are intended here."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Already found a `peft_config` attribute")
        warnings.filterwarnings("ignore", "Adapter .* was active which is now deleted")
        yield


def _full_weights_file(adapters: Sequence[tuple[str, float]]) -> Path | None:
    """Return the file of full weights, None for adapters; raises InvalidSettings for a mix."""
    whole = next((Path(path) for path, _ in adapters if holds_full_weights(Path(path))), None)
    if whole and (len(adapters) > 1 or adapters[0][1] != 1):
        raise InvalidSettings(
            f"{_short_path(str(whole))} trained all weights instead of an adapter. Render it alone "
            "and at strength 1; only adapters have a strength and can be mixed."
        )
    return whole


def lora_layers(path: Path) -> list[str]:
    """List the layers of an adapter file, by the name of their first half."""
    with safe_open(path, framework="pt") as file:
        return [key for key in file.keys() if key.endswith(DOWN_ENDS)]


def _loaded_layers(pipeline: Pipeline, name: str) -> int:
    family = family_of(pipeline)
    parts = (family.denoiser(pipeline), *family.text_encoders(pipeline))
    ending = f".lora_A.{name}.weight"
    return sum(key.endswith(ending) for part in parts for key in part.state_dict())


def _short_path(path: str) -> str:
    """Return a file's name with its folder's: enough to find it, and no path of the machine."""
    return "/".join(filter(None, (Path(path).parent.name, Path(path).name)))
