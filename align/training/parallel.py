"""Data-parallel training: refuse launches whose result would differ from one process's."""

from __future__ import annotations

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedType

from align.errors import InvalidSettings

SHARDING_NAMES = {
    DistributedType.FSDP: "FSDP",
    DistributedType.DEEPSPEED: "DeepSpeed",
    DistributedType.MEGATRON_LM: "Megatron-LM",
}


def require_data_parallel(accelerator: Accelerator, train_batch_size: int) -> None:
    """Refuse processes that would hold parts of the weights, or uneven batches.

    Checkpoints, the reference and the adapter's file are made from whole weights: with parts of
    them a run would end, and be wrong.

    Raises:
        InvalidSettings: a sharded launch, or a batch that cannot be divided evenly.
    """
    if name := SHARDING_NAMES.get(accelerator.distributed_type):
        raise InvalidSettings(
            f"This run was launched with {name}, which splits the weights, and checkpoints here "
            'hold whole ones. Launch it data-parallel ("num_processes", or a config file without '
            f"{name}); docs/several-gpus.md says what fits."
        )

    if train_batch_size % accelerator.num_processes:
        raise InvalidSettings(
            f"train_batch_size ({train_batch_size}) must be a multiple of the "
            f"{accelerator.num_processes} processes that were launched, so that each has as many "
            "pairs."
        )


def agreed_by_all(accelerator: Accelerator, flag: bool) -> bool:
    """Return the main process's flag in every process: all must leave the loop together."""
    if accelerator.num_processes == 1:
        return flag
    shared = torch.tensor(float(flag and accelerator.is_main_process), device=accelerator.device)
    return bool(accelerator.reduce(shared, "sum") > 0)
