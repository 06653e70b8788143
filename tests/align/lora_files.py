"""Adapter files of many kinds for the embedded model, made with weights that all do something."""

from __future__ import annotations

import math
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

QUERY = "down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q"
SGM_QUERY = "input_blocks_3_1_transformer_blocks_0_attn1_to_q"
CONV = "down_blocks.1.resnets.0.conv1"
NORM = "down_blocks.1.attentions.0.norm"
SHAPES = {QUERY: (128, 128), CONV: (128, 64, 3, 3), NORM: (128,)}


def kohya(name: str) -> str:
    """A layer's name in kohya's convention."""
    return "lora_unet_" + name.replace(".", "_")


def numbers(*shape: int, seed: int = 0) -> Tensor:
    """Small random numbers."""
    return 0.1 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed + len(shape)))


def lora(layer: str = QUERY, rank: int = 2) -> dict[str, Tensor]:
    """A LoRA by kohya's names for its parts."""
    out, into, *kernel = SHAPES[layer]
    ones = [1] * len(kernel)
    return {
        "lora_down.weight": numbers(rank, into, *kernel),
        "lora_up.weight": numbers(out, rank, *ones, seed=1),
        "alpha": torch.tensor(1.0),
    }


def locon(layer: str = CONV, rank: int = 2) -> dict[str, Tensor]:
    """A LoRA of a convolution in Tucker's form."""
    out, into, *kernel = SHAPES[layer]
    return {
        "lora_down.weight": numbers(rank, into, 1, 1),
        "lora_mid.weight": numbers(rank, rank, *kernel),
        "lora_up.weight": numbers(out, rank, 1, 1, seed=1),
        "alpha": torch.tensor(1.0),
    }


def loha(layer: str = QUERY, rank: int = 2) -> dict[str, Tensor]:
    """A LoHa as LyCORIS stores it: convolutions flattened."""
    out, *into = SHAPES[layer]
    wide = math.prod(into)
    return {
        "hada_w1_a": numbers(out, rank),
        "hada_w1_b": numbers(rank, wide, seed=1),
        "hada_w2_a": numbers(out, rank, seed=2),
        "hada_w2_b": numbers(rank, wide, seed=3),
        "alpha": torch.tensor(1.0),
    }


def tucker_loha(rank: int = 2) -> dict[str, Tensor]:
    """A LoHa of a convolution in Tucker's form."""
    out, into, *kernel = SHAPES[CONV]
    halves = {
        f"hada_w{n}_{end}": numbers(rank, width, seed=n)
        for n in (1, 2)
        for end, width in (("a", out), ("b", into))
    }
    cores = {f"hada_t{n}": numbers(rank, rank, *kernel, seed=n) for n in (1, 2)}
    return halves | cores | {"alpha": torch.tensor(1.0)}


def lokr(layer: str = QUERY, rank: int = 2, split: int = 8) -> dict[str, Tensor]:
    """A LoKr whose large matrix is a product."""
    out, into, *kernel = SHAPES[layer]
    return {
        "lokr_w1": numbers(split, split),
        "lokr_w2_a": numbers(out // split, rank),
        "lokr_w2_b": numbers(rank, into // split * math.prod(kernel), seed=1),
        "alpha": torch.tensor(1.0),
    }


def full_lokr(layer: str = QUERY, split: int = 8) -> dict[str, Tensor]:
    """A LoKr of two whole matrices; its alpha says nothing."""
    out, into, *kernel = SHAPES[layer]
    return {
        "lokr_w1": numbers(split, split),
        "lokr_w2": numbers(out // split, into // split, *kernel),
        "alpha": torch.tensor(8.0),
    }


def glora(layer: str = QUERY, rank: int = 2) -> dict[str, Tensor]:
    """A GLoRA as LyCORIS stores it."""
    out, into, *kernel = SHAPES[layer]
    ones = [1] * len(kernel)
    return {
        "a1.weight": numbers(into, rank, *ones),
        "a2.weight": numbers(rank, into, *ones, seed=1),
        "b1.weight": numbers(out, rank, *ones, seed=2),
        "b2.weight": numbers(rank, into, *kernel, seed=3),
        "alpha": torch.tensor(1.0),
    }


def ia3(layer: str = QUERY, on_input: bool = False) -> dict[str, Tensor]:
    """An (IA)³ of LyCORIS."""
    width = SHAPES[layer][1 if on_input else 0]
    ones = [1] * (len(SHAPES[layer]) - 2)
    shape = (1, width, *ones) if ones else (width,)
    return {"weight": numbers(*shape), "on_input": torch.tensor(on_input)}


def oft(layer: str = QUERY, size: int = 8, stages: int | None = None) -> dict[str, Tensor]:
    """A diag-OFT, or with stages a BOFT."""
    count = SHAPES[layer][0] // size
    shape = (count, size, size) if stages is None else (stages, count, size, size)
    return {"oft_blocks": numbers(*shape), "alpha": torch.tensor(0.0)}


def full(layer: str = QUERY) -> dict[str, Tensor]:
    """A full difference."""
    return {"diff": numbers(*SHAPES[layer])}


def dora(layer: str = QUERY, by_input: bool = False) -> dict[str, Tensor]:
    """A LoRA with kohya's magnitudes."""
    out, into, *kernel = SHAPES[layer]
    ones = [1] * len(kernel)
    shape = (1, into, *ones) if by_input else (out, 1, *ones)
    return lora(layer) | {"dora_scale": 1 + numbers(*shape)}


def write(path: Path, parts: dict[str, Tensor], module: str, **metadata: str) -> Path:
    """Write the change of one layer as a file."""
    weights = {f"{module}.{part}": weight.contiguous() for part, weight in parts.items()}
    save_file(weights, path, metadata or None)
    return path
