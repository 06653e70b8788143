"""Settings that the device decides on: settled at a run's first start, the same at every later one.

A run that is resumed while more or less memory is free would otherwise take other micro-batches,
and end in other bits.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import cast

from accelerate import Accelerator

from align.client.config import TrainConfig
from align.client.run_folder import RunFolder
from align.contracts.run_files import SettledSettings


def settle(
    run: RunFolder,
    accelerator: Accelerator,
    config: TrainConfig,
    names: Collection[str],
    choose: Callable[[TrainConfig], TrainConfig],
) -> TrainConfig:
    """Return the settings with those in `names` as plan.json has them, or as `choose` chooses.

    The main process chooses and writes; the others read what it wrote, since their devices may have
    more or less memory free.
    """
    if accelerator.is_main_process:
        chosen = choose(with_settled(config, run.settled(), names))
        settled = {name: getattr(chosen, name) for name in names}
        run.settle(cast(SettledSettings, settled))

    accelerator.wait_for_everyone()
    return with_settled(config, run.settled(), names)


def with_settled(
    config: TrainConfig, settled: SettledSettings, names: Collection[str]
) -> TrainConfig:
    """Return the settings with those in `names` replaced where they are settled."""
    known = {name: value for name, value in settled.items() if name in names}
    return replace(config, **known)  # type: ignore[arg-type]  # by name, of the same type
