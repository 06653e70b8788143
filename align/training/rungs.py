"""Rungs that a run goes down where memory runs out, in the middle of a step.

First fewer pairs at once, then everything recomputed, then a base in int8. Each is kept in a
checkpoint at once, and told in the result: a run that is resumed goes on where it came to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from align.device_memory import is_out_of_memory
from align.errors import OutOfMemory
from align.sampling.memory.device_memory import device_memory
from align.training.checkpoint import write_checkpoint
from align.training.settled import take_rungs
from align.training.state import TrainingState
from align.weights.quantized import INT8

Done = TypeVar("Done")


def in_memory(state: TrainingState, work: Callable[[], Done]) -> Done:
    """Do some work, again a rung further down wherever memory runs out.

    Raises:
        OutOfMemory: a single pair is too much, or several processes would have to agree.
    """
    while True:
        try:
            return work()
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
        # Outside of `except`: there the traceback would keep the failed pass's tensors alive.
        state.optimizer.zero_grad(set_to_none=True)
        if (memory := device_memory(state.compute)) is not None:
            memory.release()
        step_down(state)


def step_down(state: TrainingState) -> None:
    """Go one rung down, and keep that in a checkpoint.

    Raises:
        OutOfMemory: there is none left.
    """
    progress, size = state.progress, pairs_at_once(state)
    if state.accelerator.num_processes > 1:
        raise OutOfMemory(
            f"{size} pairs at once do not fit into a device's memory. Start again with a smaller "
            'micro_batch_size or rank, or with "gradient_checkpointing": "all".'
        )

    if size > 1:
        progress.micro_batch_size = size // 2
    elif recomputed(state) != "all":
        progress.gradient_checkpointing = "all"
    elif may_take_fewer_bits(state):
        progress.base_format = INT8
    else:
        write_checkpoint(state)
        raise OutOfMemory(last_words(state))

    take_rungs(
        progress,
        state.unet,
        state.reference,
        state.config,
        state.data.largest_size,
        state.compute,
    )
    write_checkpoint(state)
    # After the checkpoint: one that says nothing of it was written on another base.
    state.run.settle({"base_format": format_of_base(state)}, anew=True)


def last_words(state: TrainingState) -> str:
    """Say that nothing is left to try, and what a person can do."""
    width, height = state.data.largest_size
    base = format_of_base(state)
    bits = "" if base == "model" else f" and the base in {base}"
    return (
        f"One pair at {width} x {height} does not fit into the memory that is free, with "
        f"everything recomputed{bits}. Close what else uses the device and resume the run, which "
        f"goes on from step {state.progress.step}, or start one with a smaller resolution or rank."
    )


def may_take_fewer_bits(state: TrainingState) -> bool:
    """Return whether nobody asked for the base as it is, and it still is."""
    asked = state.run.read_config().train
    return (
        asked.base_format == "auto" and asked.adapter == "lora" and format_of_base(state) == "model"
    )


def pairs_at_once(state: TrainingState) -> int:
    """Return the pairs of a forward pass that the run has come to."""
    return state.progress.micro_batch_size or state.config.micro_batch_size


def recomputed(state: TrainingState) -> str:
    """Return which blocks are recomputed: none, some or all."""
    return state.progress.gradient_checkpointing or state.config.gradient_checkpointing


def format_of_base(state: TrainingState) -> str:
    """Return the format of the base that the run has come to."""
    return state.progress.base_format or state.config.base_format
