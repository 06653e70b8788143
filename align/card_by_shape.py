"""A card by shape: tensors on the meta device, as a card's kernels make and keep them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

NORMS = (functional.group_norm, functional.layer_norm, functional.softmax)
"""Computed in fp32 under autocast."""
PRODUCTS = (functional.linear, functional.conv2d, torch.matmul, torch.bmm, torch.baddbmm)
ATTENTION = functional.scaled_dot_product_attention


class CardByShape(TorchFunctionMode):
    """Computes on the meta device as a card does.

    Attention is fused and keeps no S x S matrix, and autocast has formats of its own, which torch
    does not know there.
    """

    def __init__(self, autocast: torch.dtype | None = None) -> None:
        """`autocast` is the format of products, None for that of their arguments."""
        super().__init__()
        self._autocast = autocast

    def __torch_function__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Run a function in the formats of a card; anything off the meta device as it is."""
        kwargs = kwargs or {}
        if func not in (ATTENTION, *NORMS, *PRODUCTS) or not _on_meta(args, kwargs):
            return func(*args, **kwargs)

        if self._autocast is not None:
            dtype = torch.float32 if func in NORMS else self._autocast
            args = tuple(_in_format(value, dtype) for value in args)
            kwargs = {name: _in_format(value, dtype) for name, value in kwargs.items()}
        if func is ATTENTION:
            query, key, value = (*args, *(kwargs.get(n) for n in ("query", "key", "value")))[:3]
            # torch leaves the types of `apply` out.
            return FlashAttention.apply(query, key, value)  # type: ignore[no-untyped-call]
        return func(*args, **kwargs)


def _on_meta(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    tensors = (value for value in (*args, *kwargs.values()) if isinstance(value, Tensor))
    return any(tensor.device.type == "meta" for tensor in tensors)


def _in_format(value: Any, dtype: torch.dtype) -> Any:
    floats = isinstance(value, Tensor) and value.is_floating_point()
    return value.to(dtype) if floats else value


class FlashAttention(torch.autograd.Function):
    """Attention as fused kernels keep it: inputs, result and one number a row, no S x S matrix."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Save the tensors that a fused kernel saves; their values are left empty."""
        result = torch.empty_like(query)
        rows = torch.empty(query.shape[:-1], dtype=torch.float32, device=query.device)
        ctx.save_for_backward(query, key, value, result, rows)
        return result

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, ...]:
        """Return gradients of the inputs by shape."""
        query, key, value, _, _ = ctx.saved_tensors
        return torch.empty_like(query), torch.empty_like(key), torch.empty_like(value)
