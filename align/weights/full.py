"""Full fine-tuning: every weight of the UNet learns, beside a frozen copy of it."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from diffusers import UNet2DConditionModel
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from align.errors import BrokenModel
from align.files import replacing

KIND = "palate.weights"
WHOLE = "unet"


class FullTrainable:
    """The UNet itself, in fp32; the reference is a frozen copy in the base's own format."""

    def __init__(self, unet: UNet2DConditionModel) -> None:
        self._base = copy.deepcopy(unet).requires_grad_(False).eval()
        self._unet = unet.requires_grad_(True).float()

    @property
    def parameters(self) -> list[torch.nn.Parameter]:
        """What the optimizer moves."""
        return list(self._unet.parameters())

    @contextmanager
    def reference(self) -> Iterator[UNet2DConditionModel]:
        """The frozen base."""
        yield self._base

    def state(self) -> dict[str, Tensor]:
        """All weights on the CPU, by name."""
        return {name: w.detach().cpu().clone() for name, w in self._unet.state_dict().items()}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Put weights from `state` back."""
        self._unet.load_state_dict(state)

    def start_from(self, path: Path, name: str) -> None:
        """Go on from the weights of a file.

        Raises:
            BrokenModel: they are an adapter's, or another UNet's.
        """
        self.restore(read_whole(path, self._unet, name))

    def save(self, path: Path) -> None:
        """Write the weights in half precision: what `Replacement` puts into a base."""
        path.parent.mkdir(parents=True, exist_ok=True)
        weights = {name: weight.half().contiguous() for name, weight in self.state().items()}
        with replacing(path) as scratch:
            save_file(weights, scratch, {"format": "pt", KIND: WHOLE})


def is_whole(path: Path) -> bool:
    """Whether a safetensors file is there and holds a whole UNet, not an adapter."""
    try:
        with safe_open(path, framework="pt") as file:
            return (file.metadata() or {}).get(KIND) == WHOLE
    except (OSError, SafetensorError):
        return False


def read_whole(path: Path, unet: torch.nn.Module, name: str) -> dict[str, Tensor]:
    """The weights of a file, for this UNet, which may carry adapters.

    Raises:
        BrokenModel: the file holds something else, or another UNet's weights.
    """
    with safe_open(path, framework="pt") as file:
        weights = {key: file.get_tensor(key) for key in file.keys()}
    expected = {key: weight.shape for key, weight in base_weights(unet).items()}
    if {key: weight.shape for key, weight in weights.items()} != expected:
        raise BrokenModel(
            f"{name} does not hold all weights of this UNet. Use the base it was made for, and "
            "full weights with full weights, an adapter with an adapter."
        )
    return weights


def base_weights(unet: torch.nn.Module) -> dict[str, Tensor]:
    """The UNet's own weights by their names without adapters."""
    return {
        name.replace(".base_layer", ""): weight
        for name, weight in unet.state_dict().items()
        if ".lora_" not in name
    }


class Replacement:
    """Lets a UNet draw with other weights, and puts its own back."""

    def __init__(self, unet: UNet2DConditionModel) -> None:
        self._unet = unet
        self._own: dict[str, Tensor] = {}
        self._current: Path | None = None

    def use(self, path: Path | None) -> None:
        """Take the weights of this file, or the UNet's own.

        Raises:
            BrokenModel: the file holds other things than this UNet's weights.
        """
        if path == self._current:
            return
        weights = self._own if path is None else read_whole(path, self._unet, path.name)
        if not self._own:
            self._own = {k: w.cpu().clone() for k, w in base_weights(self._unet).items()}
        with torch.no_grad():
            for name, weight in base_weights(self._unet).items():
                weight.copy_(weights[name])
        self._current = path
