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
from align.data.batch import draws_of_step
from align.device import choose_compute
from align.diffusion import losses
from align.errors import OutOfMemory
from align.training.loop import micro_step, train_step
from align.training.state import Lesson, prepare_lesson


@pytest.fixture
def open_lesson(make_run, tmp_path):
    """Opens a run of batches of four pairs on a device that holds so many images at once."""

    def open_one(name: str, most_images: int) -> Lesson:
        run = RunFolder(make_run(name, train_batch_size=4, micro_batch_size=4, precision="fp32"))
        accelerator, compute = Accelerator(cpu=True), choose_compute("fp32")
        report = Reporter(run, 3, speaks=False)
        lesson = prepare_lesson(run, report, accelerator, compute, tmp_path / name)

        def refuse(_, arguments):
            if len(arguments[0]) > most_images:
                raise torch.OutOfMemoryError("no room")

        lesson.unet.register_forward_pre_hook(refuse)
        return lesson

    return open_one


def test_every_objective_moves_the_adapter_down_its_own_loss(open_lesson):
    lesson = open_lesson("lesson", 8)
    start = lora_state(lesson.unet)
    for name, objective in OBJECTIVES.items():
        restore_lora(lesson.unet, start)
        lesson.optimizer.optimizer.state.clear()
        alone = replace(lesson, objective=objective, loss=getattr(losses, objective.function))
        before, after = (train_step(alone, 0)["loss"] for _ in range(2))
        assert after < before, name


def test_a_smaller_micro_batch_takes_the_very_same_step(open_lesson):
    roomy, tight = open_lesson("roomy", 8), open_lesson("tight", 2)
    first, second = (train_step(lesson, 0) for lesson in (roomy, tight))
    assert (roomy.progress.micro_batch_size, tight.progress.micro_batch_size) == (0, 1)
    assert first["loss"] == pytest.approx(second["loss"], abs=1e-5)
    weights = [lora_state(lesson.unet) for lesson in (roomy, tight)]
    for name, weight in weights[0].items():
        assert torch.allclose(weight, weights[1][name], atol=1e-6, rtol=1e-3)


def test_a_pair_that_does_not_fit_alone_is_told_in_a_sentence(open_lesson):
    with pytest.raises(OutOfMemory, match="gradient_checkpointing"):
        train_step(open_lesson("tiny", 1), 0)


def test_anchors_alone_leave_an_adapter_that_changes_nothing_as_it_is(open_lesson):
    lesson = open_lesson("anchored", 8)
    anchored = replace(lesson, config=replace(lesson.config, anchor_fraction=1.0))
    before = lora_state(lesson.unet)
    assert train_step(anchored, 0)["loss"] == pytest.approx(0.0, abs=1e-5)
    assert all(torch.equal(before[n], w) for n, w in lora_state(lesson.unet).items())


def test_a_voter_who_counts_half_moves_the_loss_of_every_objective_half_as_much(open_lesson):
    lesson = open_lesson("trust", 8)
    data = lesson.batcher._data
    draws = draws_of_step(0, 4, lesson.train_pairs, 0, 1)
    for name, objective in OBJECTIVES.items():
        told = replace(lesson, objective=objective, loss=getattr(losses, objective.function))
        data.trust_N.fill_(1.0)
        whole_B, _ = micro_step(told, draws)
        data.trust_N.fill_(0.5)
        half_B, _ = micro_step(told, draws)
        assert torch.allclose(half_B, whole_B / 2, rtol=1e-5), name
