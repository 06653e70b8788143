"""Memory model: bytes that training takes on a device, from shapes alone.

The denoiser is built on the meta device, where nothing is allocated, and run once; autograd's hooks
count the tensors that it would keep for the backward pass.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from align.adapters.lora import add_lora
from align.card_by_shape import CardByShape
from align.contracts.image_sizes import Size
from align.families.family import DenoiserInputs, DenoiserNetwork, ModelFamily
from align.families.lookup import family_of
from align.training.fitting.gradient_checkpointing import (
    checkpointed_modules,
    largest_blocks,
    recompute,
)
from align.weights.quantized import quantize

GIB = 2**30
OVERHEAD_GIB = 1.0
"""For the driver, kernels and temporary tensors: an allowance, not measured."""
MOMENT_BYTES = {"adamw": 8, "adamw8bit": 2}
"""The optimizer's two moments of a weight, whose own 4 bytes and those of its gradient are fp32."""
WORKSPACE_FRACTION = 0.15
"""Share of the kept activations on top of them, while a block runs: an allowance."""


@dataclass(frozen=True)
class MemoryEstimate:
    """Bytes of device memory, by purpose."""

    weights: int
    adapter: int
    """Weights in fp32, their gradients and the optimizer's two moments."""
    activations: int
    """Kept for the backward pass of one micro-batch."""

    @property
    def total_gib(self) -> float:
        """Sum in GiB, with the allowances for what shapes do not show."""
        kept = self.weights + self.adapter + self.activations * (1 + WORKSPACE_FRACTION)
        return kept / GIB + OVERHEAD_GIB


def plan_memory(
    family: ModelFamily,
    config: dict[str, Any],
    size: int | Size,
    micro_batch_size: int,
    rank: int,
    checkpointing: str = "none",
    dtype: torch.dtype = torch.bfloat16,
    tokens: int = 77,
    base_format: str = "model",
    optimizer: str = "adamw",
) -> MemoryEstimate:
    """Estimate the memory of one micro-batch of LoRA training.

    `size` is the images' width and height in pixels, or the side of squares. `checkpointing` is
    none, some or all: the blocks whose activations are not kept. `dtype` is the format of the
    base's weights, where `base_format` does not put them in fewer bits.
    """
    with torch.device("meta"):
        unet = family.build_denoiser(config).to(dtype).requires_grad_(False)
        quantize(unet, base_format, torch.device("meta"))
        weights = weight_bytes(unet)
        parameters = add_lora(unet, rank, seed=0)
        inputs = family.inputs_by_shape(unet, size, 2 * micro_batch_size, dtype, tokens)

    unet.train()
    recompute(unet, checkpointed_blocks(checkpointing, unet, inputs))
    # Half the bits are always autocast to: norms return fp32 then, which the backward pass keeps.
    activations = saved_bytes(unet, inputs, None if dtype == torch.float32 else dtype)
    trained = sum(p.numel() for p in parameters) * (8 + MOMENT_BYTES[optimizer])
    return MemoryEstimate(weights, trained, activations)


def weight_bytes(network: torch.nn.Module) -> int:
    """Return the bytes of a network's weights and buffers."""
    tensors = [*network.parameters(), *network.buffers()]
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def checkpointed_blocks(
    checkpointing: str, unet: DenoiserNetwork, inputs: DenoiserInputs
) -> list[str]:
    """Return the blocks that none, some or all stands for, by their bytes of one forward pass."""
    block_names = family_of(unet).block_names(unet)
    if checkpointing == "some":
        recompute(unet, [])
        kept = saved_by_block(unet, inputs)
        return largest_blocks({name: kept.get(name, 0) for name in block_names})
    return block_names if checkpointing == "all" else []


def checkpointed_blocks_by_shape(
    family: ModelFamily, checkpointing: str, config: dict[str, Any], size: int | Size, rank: int
) -> list[str]:
    """Return those blocks for a denoiser of this configuration, built on the meta device."""
    if checkpointing != "some":
        with torch.device("meta"):
            return checkpointed_blocks(checkpointing, family.build_denoiser(config), {})

    # With an adapter: without one no weight needs a gradient, and autograd would keep nothing.
    with torch.device("meta"):
        unet = family.build_denoiser(config).requires_grad_(False)
        add_lora(unet, rank, seed=0)
        inputs = family.inputs_by_shape(unet, size, 2, torch.float32, 77)
    return checkpointed_blocks(checkpointing, unet.train(), inputs)


def saved_bytes(
    unet: torch.nn.Module, inputs: DenoiserInputs, autocast: torch.dtype | None = None
) -> int:
    """Count the bytes that autograd keeps of a forward pass: each storage once, without weights.

    `autocast` is the format of products on the meta device, where torch itself knows none.
    """
    return sum(saved_by_block(unet, inputs, autocast).values())


def saved_by_block(
    unet: torch.nn.Module, inputs: DenoiserInputs, autocast: torch.dtype | None = None
) -> dict[str, int]:
    """Count them by the block in which they are kept; "" is what lies between the blocks."""
    weights = [*unet.parameters(), *unet.buffers()]
    owned = {weight.untyped_storage()._cdata for weight in weights}
    kept: dict[int, int] = {}
    # Held so that no storage's address is used again while we count.
    alive: list[Tensor] = []
    by_block: Counter[str] = Counter()
    within = [""]

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in owned and storage._cdata not in kept:
            kept[storage._cdata] = storage.nbytes()
            by_block[within[-1]] += storage.nbytes()
            alive.append(tensor)
        return tensor

    with ExitStack() as stack:
        for name in family_of(unet).block_names(unet):
            block = unet.get_submodule(name)
            enter = block.register_forward_pre_hook(lambda *_, name=name: within.append(name))
            leave = block.register_forward_hook(lambda *_: within.pop() and None)
            stack.callback(enter.remove)
            stack.callback(leave.remove)
        for module in checkpointed_modules(unet):
            stack.enter_context(count_arguments(module, pack))

        hooks = torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor)
        with hooks, CardByShape(autocast):
            unet(**inputs)
    return dict(by_block)


@contextmanager
def count_arguments(module: Any, pack: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """Count the arguments of a checkpointed part: they are kept, though not by autograd's hooks."""
    function = module._gradient_checkpointing_func

    def counted(part: torch.nn.Module, *arguments: Any) -> Any:
        for argument in arguments:
            if isinstance(argument, Tensor):
                pack(argument)
        return function(part, *arguments)

    module._gradient_checkpointing_func = counted
    try:
        yield
    finally:
        module._gradient_checkpointing_func = function
