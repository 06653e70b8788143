"""A base in few bits: the linear layers of its blocks in int8 or NF4, everything else as it was.

int8 is the format that torchao calls weight-only, with one scale a row. NF4 is that of QLoRA
(Dettmers et al. 2023, arXiv 2305.14314, section 3), by the kernels of bitsandbytes. The weight is
made whole again where it is used, in the forward pass and once more in the backward pass: what
autograd would keep in between is what was to be saved. torchao's own layers keep it, so they are
not used here.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from align.device import Compute
from align.errors import InvalidSettings, first_line
from align.families.family import DenoiserNetwork
from align.families.lookup import family_of

INT8, NF4 = "int8", "nf4"
FORMATS = ("model", INT8, NF4)
"""From the most bits to the fewest; "model" is the format that the base is loaded in."""
NF4_BLOCK = 64
"""Weights with a scale of their own, as in QLoRA."""
INSTALL_SMALL = "pip install -e '.[small]'"


class DequantizedLinear(torch.autograd.Function):
    """A linear layer of a frozen weight; for the backward pass nothing but few bits is kept."""

    @staticmethod
    def forward(
        ctx: Any, inputs: Tensor, weight: Callable[[torch.dtype], Tensor], bias: Tensor | None
    ) -> Tensor:
        """Multiply by the weight and add the bias."""
        ctx.weight = weight
        return nn.functional.linear(inputs, weight(inputs.dtype), bias)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        """Multiply by it again: the inputs' gradient."""
        (gradient,) = gradients
        return gradient @ ctx.weight(gradient.dtype), None, None


class QuantizedLinear(nn.Linear):
    """A frozen linear layer with its weight in few bits.

    A subclass of torch's, so that an adapter is added to it as to any.
    """

    scale: Tensor

    def __init__(self, layer: nn.Linear) -> None:
        """Take over the shape and the bias; a subclass stores the weight."""
        nn.Module.__init__(self)
        self.in_features, self.out_features = layer.in_features, layer.out_features
        self.bias = layer.bias
        self._whole_dtype = layer.weight.dtype

    def _store(self, weight: Tensor, scale: Tensor) -> None:
        self.weight = nn.Parameter(weight, requires_grad=False)
        self.register_buffer("scale", scale)

    def whole_weight(self, dtype: torch.dtype) -> Tensor:
        """Return the weight [out, in] in a format to multiply in."""
        raise NotImplementedError

    def forward(self, input: Tensor) -> Tensor:
        """Multiply in the format that is autocast to, or that of the inputs."""
        device, dtype = input.device.type, input.dtype
        if device == "meta":
            # torch autocasts nothing there; a base in half the bits is autocast to them.
            dtype = self._whole_dtype
        elif torch.is_autocast_enabled(device):
            dtype = torch.get_autocast_dtype(device)
        bias = None if self.bias is None else self.bias.to(dtype)
        product: Tensor = DequantizedLinear.apply(  # type: ignore[no-untyped-call]
            input.to(dtype), self.whole_weight, bias
        )
        return product


class Int8Linear(QuantizedLinear):
    """Weights as whole numbers of -127 to 127, and one scale for each row."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__(layer)
        whole = layer.weight.detach().float()
        largest = whole.abs().amax(dim=1, keepdim=True)
        # A row of zeros has no scale of its own.
        scale = torch.where(largest > 0, largest, 1.0) / 127
        self._store((whole / scale).round().to(torch.int8), scale)

    def whole_weight(self, dtype: torch.dtype) -> Tensor:
        """Return the weight [out, in]."""
        # Rounded once, from fp32: fp16 could not hold what the whole numbers add up to.
        return (self.weight * self.scale).to(dtype)


class Nf4Linear(QuantizedLinear):
    """Weights as quantiles of a normal distribution, two in a byte, with a scale for 64 of them."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__(layer)
        if layer.weight.is_meta:
            count = layer.weight.numel()
            packed = torch.empty((count + 1) // 2, dtype=torch.uint8, device="meta")
            self._store(packed, torch.empty(-(-count // NF4_BLOCK), device="meta"))
            return
        from bitsandbytes.functional import quantize_4bit  # noqa: PLC0415  optional

        packed, state = quantize_4bit(
            layer.weight.detach().contiguous(), blocksize=NF4_BLOCK, quant_type=NF4
        )
        self._store(packed, state.absmax)

    def whole_weight(self, dtype: torch.dtype) -> Tensor:
        """Return the weight [out, in]."""
        shape = (self.out_features, self.in_features)
        if self.weight.is_meta:
            return torch.empty(shape, dtype=dtype, device="meta")
        whole: Tensor = torch.ops.bitsandbytes.dequantize_4bit(
            self.weight, self.scale, NF4_BLOCK, NF4, shape, dtype
        )
        return whole


LAYERS: dict[str, type[Int8Linear | Nf4Linear]] = {INT8: Int8Linear, NF4: Nf4Linear}


def quantize(unet: DenoiserNetwork, base_format: str, device: torch.device) -> None:
    """Put the linear layers of the blocks on a device in this format; "model" changes nothing.

    One after another, so that the whole weights are never there together.
    """
    if base_format == "model":
        return
    # By name: a list of the layers would hold all of them whole until the last is done.
    for name in [name for name, _ in quantizable(unet)]:
        parent, _, own = name.rpartition(".")
        whole = unet.get_submodule(name).to(device)
        setattr(unet.get_submodule(parent), own, LAYERS[base_format](whole))


def quantizable(unet: DenoiserNetwork) -> Iterator[tuple[str, nn.Linear]]:
    """List the linear layers of the blocks that are whole.

    What embeds time and size is small, and stays exact. A layer with an adapter is listed as what
    the adapter was added to.
    """
    for block in family_of(unet).block_names(unet):
        for name, module in unet.get_submodule(block).named_modules(prefix=block):
            whole = isinstance(module, nn.Linear) and not isinstance(module, QuantizedLinear)
            if whole and ".lora_" not in name:
                yield name, module


def missing_format(base_format: str) -> str | None:
    """Return why a format cannot be had here, with what to do; None where it can."""
    if base_format != NF4 or importlib.util.find_spec("bitsandbytes") is not None:
        return None
    return f"nf4 needs bitsandbytes, which is not installed. Install it with {INSTALL_SMALL}"


def check_format(base_format: str, compute: Compute) -> None:
    """Check that a base can be had in this format, before anything is loaded.

    Raises:
        InvalidSettings: it needs a library that is not installed, or does not work here.
    """
    if base_format != NF4:
        return
    remedy = 'or set "base_format": "int8", which needs nothing.'
    if reason := missing_format(base_format):
        raise InvalidSettings(f"{reason}, {remedy}")
    try:
        probe = nn.Linear(NF4_BLOCK, 2, device=compute.device)
        Nf4Linear(probe)(torch.ones(1, NF4_BLOCK, device=compute.device))
    except (ImportError, RuntimeError, NotImplementedError, OSError) as error:
        raise InvalidSettings(
            f"nf4 does not work on this {compute.device.type} ({first_line(error)}). Install "
            f"bitsandbytes anew with {INSTALL_SMALL}, {remedy}"
        ) from None
