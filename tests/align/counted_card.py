"""A card that does not exist: torch's meta device, where every byte that is held is counted.

SDXL at its full size lies in main memory that nothing was ever written to, so it takes none. What
is brought to the card has shapes alone, and what comes back from it is made of ones.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    EulerDiscreteScheduler,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from align.files import read_json
from align.weights.clip_tokenizers import sdxl_folder, sdxl_tokenizer

META = torch.device("meta")
COMPOSITE = torch._C.DispatchKey.CompositeImplicitAutograd
SMALL = 10**4
"""Numbers up to which ones are written: memory that nothing is written to is none."""


class CountedCard(TorchDispatchMode):
    """A card of so many bytes, of which others hold some; beyond them it is out of memory."""

    offloads = True

    def __init__(self, size: int, others: int = 0, hidden: int = 0) -> None:
        """`hidden` bytes are held by others as well, and nobody is told of them."""
        super().__init__()
        self.size, self.others, self.hidden = size, others, hidden
        self.held = self.peak = self.refused = 0
        self._known: weakref.WeakSet[torch.UntypedStorage] = weakref.WeakSet()

    def total(self) -> int:
        return self.size

    def free(self) -> int:
        return self.size - self.others - self.hidden - self.held

    def room(self) -> int:
        return self.size - self.others

    def release(self) -> None:
        """Whatever is freed is free at once."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None) -> Any:
        kwargs = kwargs or {}
        given = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        on_card = any(tensor.device == META for tensor in given)
        if on_card and (fetched := self._fetched(func, args, kwargs)) is not None:
            return fetched
        # In inference mode operations arrive whole, with all that they hold on the way hidden.
        if func.has_kernel_for_dispatch_key(COMPOSITE):
            with self:
                return func.decompose(*args, **kwargs)
        result = func(*args, **kwargs)
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor) and leaf.device == META:
                self._hold(leaf.untyped_storage())
        return result

    def _fetched(self, func, args, kwargs) -> Any:
        """What comes back from the card, whose values nobody knows."""
        name = func.overloadpacket
        if name is torch.ops.aten.nonzero:
            return torch.zeros(1, 1, dtype=torch.long)
        if name is torch.ops.aten._local_scalar_dense:
            return 1
        if name is torch.ops.aten._to_copy and kwargs.get("device") == torch.device("cpu"):
            shape, dtype = args[0].shape, kwargs.get("dtype") or args[0].dtype
            is_image = len(shape) == 4 and shape[1] == 3
            make = torch.ones if is_image or shape.numel() < SMALL else torch.empty
            return make(shape, dtype=dtype)
        return None

    def _hold(self, storage: torch.UntypedStorage) -> None:
        if storage in self._known:
            return
        size = storage.nbytes()
        if self.held + size > self.size - self.others - self.hidden:
            self.refused += 1
            raise torch.OutOfMemoryError(f"{size} bytes more than the card has")
        self._known.add(storage)
        self.held += size
        self.peak = max(self.peak, self.held)
        weakref.finalize(storage, self._free, size)

    def _free(self, size: int) -> None:
        self.held -= size


def full_size_pipeline(dtype: torch.dtype = torch.bfloat16) -> StableDiffusionXLPipeline:
    """SDXL as it was published, in main memory, without weights."""
    folder = sdxl_folder()
    first, second = (read_json(folder / f"text_encoder{n}" / "config.json") for n in ("", "_2"))
    unet, vae = (read_json(folder / part / "config.json") for part in ("unet", "vae"))
    scheduler = read_json(folder / "scheduler" / "scheduler_config.json")
    pipeline = StableDiffusionXLPipeline(
        unwritten(lambda: AutoencoderKL.from_config(vae), torch.float32),
        unwritten(lambda: CLIPTextModel(CLIPTextConfig(**first)), dtype),
        unwritten(lambda: CLIPTextModelWithProjection(CLIPTextConfig(**second)), dtype),
        sdxl_tokenizer(0),
        sdxl_tokenizer(1),
        unwritten(lambda: UNet2DConditionModel.from_config(unet), dtype),
        EulerDiscreteScheduler.from_config(scheduler),
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def unwritten(make: Callable[[], torch.nn.Module], dtype: torch.dtype) -> torch.nn.Module:
    """A network whose memory was asked for and never touched."""
    with META:
        network = make().to(dtype)
    return network.to_empty(device="cpu").requires_grad_(False).eval()
