"""How a pass is cut to the memory that is free."""

from __future__ import annotations

import pytest
import torch

from align.client.config import PRESETS, TrainConfig, configure
from align.families.sdxl import SDXL
from align.training.fitting.auto_batch import USABLE_FRACTION, fit_to_memory, floor_to_power_of_two
from align.training.fitting.memory_model import WORKSPACE_FRACTION, plan_memory

pytestmark = pytest.mark.slow

GIB = 2**30


@pytest.fixture(scope="session")
def model(emoji):
    return emoji


@pytest.fixture(scope="session")
def pipeline(emoji_pipeline):
    return emoji_pipeline


@pytest.fixture
def fit(pipeline, compute):
    """Fits SDXL's preset to so many MiB; one pair of the small model keeps some tens of them."""

    def settle(mebibytes: float, **settings):
        config = configure("sdxl", {"train_batch_size": 32, **settings})
        return fit_to_memory(config, pipeline.unet, (128, 128), compute, int(mebibytes * 2**20))

    return settle


def test_with_room_for_all_a_whole_batch_goes_at_once_and_nothing_is_recomputed(fit):
    config = fit(16 * 1024)
    assert (config.micro_batch_size, config.gradient_checkpointing) == (32, "none")


def test_with_less_room_fewer_pairs_go_at_once_and_with_the_least_activations_are_recomputed(fit):
    tried = [fit(2**power) for power in range(14, 3, -1)]
    micro = [config.micro_batch_size for config in tried if config.gradient_checkpointing == "none"]
    recomputed = [config.gradient_checkpointing for config in tried]
    assert micro == sorted(micro, reverse=True)
    assert len(set(micro)) > 2
    assert recomputed == sorted(recomputed, key=["none", "some", "all"].index)
    assert recomputed[-1] != "none"
    assert fit(2).micro_batch_size == 1


def test_half_is_recomputed_where_one_pair_fits_so_and_not_otherwise(fit, pipeline):
    config = dict(pipeline.unet.config)
    none, some = (
        plan_memory(SDXL, config, 128, 1, 16, again, torch.float32) for again in ("none", "some")
    )
    kept = (none.activations + some.activations) / 2 * (1 + WORKSPACE_FRACTION)
    config = fit((kept + none.adapter) / USABLE_FRACTION / 2**20)
    assert (config.micro_batch_size, config.gradient_checkpointing) == (1, "some")


def test_what_a_person_set_stays(fit):
    config = fit(4, micro_batch_size=4, gradient_checkpointing="none")
    assert (config.micro_batch_size, config.gradient_checkpointing) == (4, "none")
    assert fit(16 * 1024, micro_batch_size=4).gradient_checkpointing == "none"
    assert fit(4, micro_batch_size=4).gradient_checkpointing == "all"
    assert fit(16 * 1024, gradient_checkpointing="all").micro_batch_size == 32


def test_no_preset_needs_a_pass_that_a_small_machine_cannot_hold(pipeline, compute):
    config = fit_to_memory(PRESETS["embedded"], pipeline.unet, (128, 128), compute, 2 * GIB)
    assert (config.micro_batch_size, config.gradient_checkpointing) == (8, "none")


def test_moments_in_eight_bits_leave_room_for_more_pairs(pipeline, compute):
    def micro(free: int, **settings) -> int:
        config = configure("sdxl", {"adapter": "full", "train_batch_size": 32, **settings})
        return fit_to_memory(
            config, pipeline.unet, (128, 128), compute, free * 2**20
        ).micro_batch_size

    assert micro(400, optimizer="adamw8bit") > micro(400)


def test_what_older_runs_called_it_still_means_the_same():
    assert configure("sdxl", {"gradient_checkpointing": "on"}).gradient_checkpointing == "all"
    assert TrainConfig(gradient_checkpointing="off").gradient_checkpointing == "none"


@pytest.mark.parametrize(("number", "power"), [(1, 1), (3, 2), (4, 4), (31, 16)])
def test_passes_hold_a_power_of_two(number, power):
    assert floor_to_power_of_two(number) == power
