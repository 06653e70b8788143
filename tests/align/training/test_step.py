"""Single steps of the loop: by every objective, and where memory runs out."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from accelerate import Accelerator

from align.adapters.lora import lora_state, restore_lora
from align.client.objectives import OBJECTIVES
from align.client.progress import Reporter
from align.client.run_folder import RunFolder
from align.data.batch import noise_samples_of_step
from align.device import choose_compute
from align.diffusion import losses
from align.errors import OutOfMemory
from align.training.state import TrainingState, prepare_training
from align.training.step import pair_losses, train_step

pytestmark = pytest.mark.slow


@pytest.fixture
def open_state(make_run, tmp_path):
    """Opens a run of batches of four pairs on a device that holds so many images at once."""

    def open_one(name: str, most_images: int) -> TrainingState:
        run = RunFolder(make_run(name, train_batch_size=4, micro_batch_size=4, precision="fp32"))
        accelerator, compute = Accelerator(cpu=True), choose_compute("fp32")
        report = Reporter(run, 3, writes=False)
        state = prepare_training(run, report, accelerator, compute, tmp_path / name)

        def refuse(_, arguments):
            if len(arguments[0]) > most_images:
                raise torch.OutOfMemoryError("no room")

        state.unet.register_forward_pre_hook(refuse)
        return state

    return open_one


def test_every_objective_moves_the_adapter_down_its_own_loss(open_state):
    state = open_state("state", 8)
    start = lora_state(state.unet)
    for name, objective in OBJECTIVES.items():
        restore_lora(state.unet, start)
        state.optimizer.optimizer.state.clear()
        alone = replace(state, objective=objective, loss=getattr(losses, objective.function))
        before, after = (train_step(alone, 0)["loss"] for _ in range(2))
        assert after < before, name


def test_a_smaller_micro_batch_takes_the_very_same_step(open_state):
    roomy, tight = open_state("roomy", 8), open_state("tight", 2)
    first, second = (train_step(state, 0) for state in (roomy, tight))
    assert (roomy.progress.micro_batch_size, tight.progress.micro_batch_size) == (0, 1)
    assert first["loss"] == pytest.approx(second["loss"], abs=1e-5)
    weights = [lora_state(state.unet) for state in (roomy, tight)]
    for name, weight in weights[0].items():
        assert torch.allclose(weight, weights[1][name], atol=1e-6, rtol=1e-3)


def test_a_pair_that_does_not_fit_alone_is_told_in_a_sentence(open_state):
    with pytest.raises(OutOfMemory, match=r"One pair at 64 x 64 does not fit .* step 0, or start"):
        train_step(open_state("tiny", 1), 0)


def test_anchors_alone_leave_an_adapter_that_changes_nothing_as_it_is(open_state):
    state = open_state("anchored", 8)
    anchored = replace(state, config=replace(state.config, anchor_fraction=1.0))
    before = lora_state(state.unet)
    assert train_step(anchored, 0)["loss"] == pytest.approx(0.0, abs=1e-5)
    assert all(torch.equal(before[n], w) for n, w in lora_state(state.unet).items())


def test_a_voter_who_counts_half_moves_the_loss_of_every_objective_half_as_much(open_state):
    state = open_state("trust", 8)
    data = state.batcher._data
    samples = noise_samples_of_step(0, 4, state.train_pairs, 0, 1)
    for name, objective in OBJECTIVES.items():
        told = replace(state, objective=objective, loss=getattr(losses, objective.function))
        data.trust_N.fill_(1.0)
        whole_B, _ = pair_losses(told, samples)
        data.trust_N.fill_(0.5)
        half_B, _ = pair_losses(told, samples)
        assert torch.allclose(half_B, whole_B / 2, rtol=1e-5), name
