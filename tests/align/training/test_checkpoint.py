"""Checkpoints: a run goes on from one of the release before."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from align.client.run_folder import RunFolder
from align.training.checkpoint import TrainProgress, resume, save_checkpoint

pytestmark = pytest.mark.slow


class OneWeight:
    """The smallest thing that learns."""

    def __init__(self) -> None:
        self.parameters = [torch.nn.Parameter(torch.ones(1))]

    def state(self) -> dict[str, Tensor]:
        return {"weight": self.parameters[0].detach()}

    def restore(self, state: dict[str, Tensor]) -> None:
        self.parameters[0].data.copy_(state["weight"])


def save_as_before(folder: Path) -> RunFolder:
    """A checkpoint after three steps whose names are those of the release before."""
    run, trained = RunFolder(folder), OneWeight()
    optimizer = torch.optim.AdamW(trained.parameters)
    save_checkpoint(run, TrainProgress(step=3), trained, optimizer)
    state = torch.load(run.checkpoint, weights_only=True)
    del state["micro_batch_size"]
    state["micro_pairs"] = 2
    state["means"] = {"loss": 0.6, "accuracy": 0.75, "margin_winner": 0.5, "reward": 0.25}
    torch.save(state, run.checkpoint)
    return run


def test_a_checkpoint_of_before_is_taken_up_under_the_present_names(tmp_path):
    run, trained = save_as_before(tmp_path), OneWeight()
    progress = resume(run, trained, torch.optim.AdamW(trained.parameters), None)
    assert (progress.step, progress.micro_batch_size) == (3, 2)
    assert progress.means == {
        "loss": 0.6,
        "rewards/accuracies": 0.75,
        "rewards/chosen": 0.5,
        "rewards/mean": 0.25,
    }
