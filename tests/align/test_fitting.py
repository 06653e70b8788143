"""How a pass is cut to the memory that is free."""

from __future__ import annotations

import pytest

from align.config import PRESETS, configure
from align.fitting import fitted, power_of_two

GIB = 2**30


@pytest.fixture
def fit(pipeline, compute):
    """Fits SDXL's preset to so many MiB; one pair of the small model keeps some tens of them."""

    def settle(mebibytes: float, **settings):
        config = configure("sdxl", settings)
        return fitted(config, pipeline.unet, (128, 128), compute, int(mebibytes * 2**20))

    return settle


def test_with_room_for_all_a_whole_batch_goes_at_once_and_nothing_is_recomputed(fit):
    config = fit(16 * 1024)
    assert (config.micro_pairs, config.gradient_checkpointing) == (32, "off")


def test_with_less_room_fewer_pairs_go_at_once_and_with_the_least_activations_are_recomputed(fit):
    tried = [fit(2**power) for power in range(14, 3, -1)]
    micro = [config.micro_pairs for config in tried if config.gradient_checkpointing == "off"]
    recomputed = [config.gradient_checkpointing for config in tried]
    assert micro == sorted(micro, reverse=True)
    assert len(set(micro)) > 2
    assert recomputed == sorted(recomputed)
    assert recomputed[-1] == "on"
    assert fit(2).micro_pairs == 1


def test_what_a_person_set_stays(fit):
    config = fit(4, micro_pairs=4, gradient_checkpointing="off")
    assert (config.micro_pairs, config.gradient_checkpointing) == (4, "off")
    assert fit(16 * 1024, micro_pairs=4).gradient_checkpointing == "off"
    assert fit(4, micro_pairs=4).gradient_checkpointing == "on"
    assert fit(16 * 1024, gradient_checkpointing="on").micro_pairs == 32


def test_no_preset_needs_a_pass_that_a_small_machine_cannot_hold(pipeline, compute):
    config = fitted(PRESETS["embedded"], pipeline.unet, (128, 128), compute, 2 * GIB)
    assert (config.micro_pairs, config.gradient_checkpointing) == (8, "off")


@pytest.mark.parametrize(("number", "power"), [(1, 1), (3, 2), (4, 4), (31, 16)])
def test_passes_hold_a_power_of_two(number, power):
    assert power_of_two(number) == power
