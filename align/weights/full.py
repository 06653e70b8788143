"""Full fine-tuning: every weight of the UNet is trained, beside a frozen copy of it."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from align.errors import BrokenModel
from align.families.family import DenoiserNetwork
from align.files import replacing

WEIGHTS_KEY = "palate.weights"
WHOLE_UNET = "unet"


class FullTrainable:
    """Trainable weights: the UNet itself in fp32, with a frozen copy in its format as reference."""

    def __init__(self, unet: DenoiserNetwork) -> None:
        self._base = copy.deepcopy(unet).requires_grad_(False).eval()
        self._unet = unet.requires_grad_(True).float()

    @property
    def parameters(self) -> list[torch.nn.Parameter]:
        """Return every parameter of the UNet."""
        return list(self._unet.parameters())

    @contextmanager
    def reference(self) -> Iterator[DenoiserNetwork]:
        """Provide the frozen copy."""
        yield self._base

    def state(self) -> dict[str, Tensor]:
        """Return copies of all weights on the CPU, by name."""
        return {name: w.detach().cpu().clone() for name, w in self._unet.state_dict().items()}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Load weights that `state` returned."""
        self._unet.load_state_dict(state)

    def start_from(self, path: Path, name: str) -> None:
        """Load the weights of a file, to train on from them.

        Raises:
            BrokenModel: they are an adapter's, or another UNet's.
        """
        self.restore(read_full_weights(path, self._unet, name))

    def save(self, path: Path) -> None:
        """Write the weights in half precision, for `WeightSwapper`."""
        path.parent.mkdir(parents=True, exist_ok=True)
        weights = {name: weight.half().contiguous() for name, weight in self.state().items()}
        with replacing(path) as scratch:
            save_file(weights, scratch, {"format": "pt", WEIGHTS_KEY: WHOLE_UNET})


def holds_full_weights(path: Path) -> bool:
    """Return whether a file holds all weights of a UNet, as `FullTrainable` saves them."""
    try:
        with safe_open(path, framework="pt") as file:
            return (file.metadata() or {}).get(WEIGHTS_KEY) == WHOLE_UNET
    except (OSError, SafetensorError):
        return False


def read_full_weights(path: Path, unet: torch.nn.Module, name: str) -> dict[str, Tensor]:
    """Read the weights of a file for this UNet, which may carry adapters.

    Raises:
        BrokenModel: the file holds something else, or another UNet's weights.
    """
    with safe_open(path, framework="pt") as file:
        weights = {key: file.get_tensor(key) for key in file.keys()}

    expected = {key: weight.shape for key, weight in weights_without_adapters(unet).items()}
    if {key: weight.shape for key, weight in weights.items()} != expected:
        raise BrokenModel(
            f"{name} does not hold all weights of this UNet. Use the base it was made for, and "
            "full weights with full weights, an adapter with an adapter."
        )
    return weights


def weights_without_adapters(unet: torch.nn.Module) -> dict[str, Tensor]:
    """Return the UNet's own weights, by the names that they have without adapters."""
    return {
        name.replace(".base_layer", ""): weight
        for name, weight in unet.state_dict().items()
        if ".lora_" not in name
    }


class WeightSwapper:
    """Switches a UNet between its own weights and those of files."""

    def __init__(self, unet: DenoiserNetwork) -> None:
        self._unet = unet
        self._own: dict[str, Tensor] = {}
        self._current: Path | None = None

    def use(self, path: Path | None) -> None:
        """Copy the weights of a file into the UNet, or its own back for None.

        Raises:
            BrokenModel: the file holds other things than this UNet's weights.
        """
        if path == self._current:
            return

        weights = self._own if path is None else read_full_weights(path, self._unet, path.name)
        # Stored at the first swap: a UNet that never needs it is not held twice.
        if not self._own:
            self._own = {
                k: w.cpu().clone() for k, w in weights_without_adapters(self._unet).items()
            }
        with torch.no_grad():
            for name, weight in weights_without_adapters(self._unet).items():
                weight.copy_(weights[name])
        self._current = path
