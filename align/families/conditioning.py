"""Inputs of a denoiser besides noisy latents and timesteps, by name and row.

Shapes: B images, S tokens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

MASK = ".mask"
"""End of the name of the mask of another tensor: [B, S], 1 where a token counts and 0 where a row
is padded. There is one only where rows differ in length."""


@dataclass(frozen=True)
class Conditioning:
    """Inputs of a denoiser besides noisy latents and timesteps: named tensors, one row per image.

    Names and shapes are the family's own. Other rooms select, repeat, move and store rows, and
    never read a tensor.
    """

    tensors: Mapping[str, Tensor]

    def __getitem__(self, name: str) -> Tensor:
        return self.tensors[name]

    def __len__(self) -> int:
        return len(next(iter(self.tensors.values())))

    def rows(self, index: Tensor | slice) -> Conditioning:
        """Select rows, each as often as `index` names it, no longer than the longest of them."""
        tensors = {name: tensor[index] for name, tensor in self.tensors.items()}
        for name in [name for name in tensors if name.endswith(MASK)]:
            padded = name.removesuffix(MASK)
            lengths_B = tensors[name].sum(dim=1, dtype=torch.int64)
            longest = int(lengths_B.max())
            tensors[padded] = tensors[padded][:, :longest]
            tensors[name] = tensors[name][:, :longest]
            if int(lengths_B.min()) == longest:
                del tensors[name]
        return Conditioning(tensors)

    def row(self, number: int) -> dict[str, Tensor]:
        """Return one row by name without its padding, in the form that a cache stores."""
        only = self.rows(slice(number, number + 1)).tensors
        return {name: tensor[0].contiguous() for name, tensor in only.items()}

    def expand(self, count: int) -> Conditioning:
        """Repeat the only row, without copying it."""
        return Conditioning(
            {name: t.expand(count, *[-1] * (t.ndim - 1)) for name, t in self.tensors.items()}
        )

    def to(self, device: torch.device, dtype: torch.dtype) -> Conditioning:
        """Move and convert every tensor."""
        return Conditioning({name: t.to(device, dtype) for name, t in self.tensors.items()})

    @staticmethod
    def stack(rows: Sequence[Mapping[str, Tensor]]) -> Conditioning:
        """Stack rows in the form that `row` returns; shorter ones are padded, and masked."""
        tensors: dict[str, Tensor] = {}
        for name in rows[0]:
            every = [row[name] for row in rows]
            if len({tensor.shape for tensor in every}) == 1:
                tensors[name] = torch.stack(every)
                continue
            tensors[name] = pad_sequence(every, batch_first=True)
            ones = [torch.ones(len(tensor), device=tensor.device) for tensor in every]
            tensors[name + MASK] = pad_sequence(ones, batch_first=True)
        return Conditioning(tensors)

    @staticmethod
    def cat(parts: Sequence[Conditioning]) -> Conditioning:
        """Concatenate the rows of several conditionings."""
        return Conditioning.stack([part.row(n) for part in parts for n in range(len(part))])


@dataclass(frozen=True)
class ConditioningRows:
    """Rows of many conditionings, each as long as it is: a batch is padded once it is selected.

    Padded all at once, one long prompt would make every other one take as much memory.
    """

    stored: Sequence[Mapping[str, Tensor]]

    def __len__(self) -> int:
        return len(self.stored)

    def rows(self, index: Tensor) -> Conditioning:
        """Select rows, each as often as `index` names it."""
        return Conditioning.stack([self.stored[number] for number in index.tolist()])
