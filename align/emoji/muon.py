"""Muon optimizer: orthogonalized momentum for matrices, AdamW for everything else.

Jordan et al. 2024 (kellerjordan.github.io/posts/muon), scaled as in Liu et al. 2025 (arXiv
2502.16982) so that learning rates are those of AdamW. Convolutions count as matrices [out, rest].
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Coefficients of the Newton-Schulz iteration: singular values end between 0.7 and 1.2."""
ITERATIONS = 5
MIN_GRAM_ASPECT = 2
"""Matrices of a larger aspect ratio are orthogonalized by their Gram matrix, with less work."""
MOMENTUM = 0.95
UPDATE_RMS = 0.2
"""RMS of an update before the learning rate, as AdamW's usually is."""


def orthogonalized(update: Tensor, matmul_dtype: torch.dtype = torch.float32) -> Tensor:
    """Return about the nearest matrix with all singular values at 1, computed in `matmul_dtype`."""
    matrix = update.flatten(1).to(matmul_dtype)
    is_tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if is_tall else matrix
    x = x / (x.norm() + 1e-7)
    x = newton_schulz_by_gram(x) if x.shape[1] > MIN_GRAM_ASPECT * x.shape[0] else newton_schulz(x)
    return (x.T if is_tall else x).reshape(update.shape).to(update)


def newton_schulz(x: Tensor) -> Tensor:
    """Run the Newton-Schulz iteration on a matrix [m, n] of norm 1; best where n is near m."""
    a, b, c = COEFFICIENTS
    for _ in range(ITERATIONS):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return x


def newton_schulz_by_gram(x: Tensor) -> Tensor:
    """Run the same iteration on the small Gram matrix x xᵀ alone, as its steps commute.

    For convolutions, nine times as long as wide, it takes less than half of the work.
    """
    a, b, c = COEFFICIENTS
    # In bf16 rounding gives the Gram matrix negative eigenvalues, which the iteration diverges on.
    square = x.float() @ x.float().T
    unit = torch.eye(len(square), device=x.device)
    product = unit
    for _ in range(ITERATIONS):
        move = a * unit + b * square + c * square @ square
        product, square = move @ product, move @ square @ move
    return product.to(x) @ x


class Muon(torch.optim.Optimizer):
    """Optimizer with two parameter groups: matrices by Muon (`orthogonal`), others by AdamW."""

    def __init__(
        self,
        network: nn.Module,
        lr: float,
        beta2: float,
        weight_decay: float,
        matmul_dtype: torch.dtype = torch.float32,
    ) -> None:
        matrices, others = _split(network.named_parameters())
        groups = [
            {"params": matrices, "orthogonal": True},
            {"params": others, "orthogonal": False},
        ]
        defaults: dict[str, Any] = {"lr": lr, "beta2": beta2, "weight_decay": weight_decay}
        super().__init__([group for group in groups if group["params"]], defaults)
        self._matmul_dtype = matmul_dtype

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update every parameter that has a gradient."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                weight.mul_(1 - group["lr"] * group["weight_decay"])
                update = self._muon_update if group["orthogonal"] else self._adamw_update
                weight.add_(update(weight, weight.grad, group), alpha=-group["lr"])

    def _muon_update(self, weight: Tensor, gradient: Tensor, group: dict[str, Any]) -> Tensor:
        state = self.state[weight]
        if not state:
            state["momentum"] = torch.zeros_like(weight)
        momentum = state["momentum"].lerp_(gradient, 1 - MOMENTUM)
        update = orthogonalized(gradient.lerp(momentum, MOMENTUM), self._matmul_dtype)
        rows, columns = weight.flatten(1).shape
        scaled: Tensor = update * (UPDATE_RMS * max(rows, columns) ** 0.5)
        return scaled

    def _adamw_update(self, weight: Tensor, gradient: Tensor, group: dict[str, Any]) -> Tensor:
        state = self.state[weight]
        if not state:
            state |= {
                "step": 0,
                "mean": torch.zeros_like(weight),
                "square": torch.zeros_like(weight),
            }

        state["step"] += 1
        mean = state["mean"].lerp_(gradient, 0.1)
        square = state["square"].lerp_(gradient.square(), 1 - group["beta2"])
        scale = (square / (1 - group["beta2"] ** state["step"])).sqrt() + 1e-8
        update: Tensor = mean / (1 - 0.9 ** state["step"]) / scale
        return update


def _split(named: Iterable[tuple[str, Tensor]]) -> tuple[list[Tensor], list[Tensor]]:
    """Split into inner matrices and the rest: embeddings, first and last layers, vectors."""
    matrices: list[Tensor] = []
    others: list[Tensor] = []
    for name, weight in named:
        is_outer = any(part in name for part in ("embedding", "conv_in", "conv_out", "quant_conv"))
        (others if weight.ndim < 2 or is_outer else matrices).append(weight)
    return matrices, others
