"""Pixels of a run, by the device's memory."""

from __future__ import annotations

import pytest

from align.client.planning.resolution import own_side, side_on

GB, GIB = 10**9, 2**30


@pytest.mark.parametrize("memory", [8 * GIB, 10 * GIB, 11 * GIB, 12 * GIB])
def test_a_card_of_less_than_16_gb_trains_at_768_pixels(memory):
    assert side_on(memory, (1024, 1024)) == 768


@pytest.mark.parametrize("memory", [int(15.6 * GB), 16 * GIB, 24 * GIB, 0])
def test_others_train_at_the_models_own_and_so_does_one_that_is_not_known(memory):
    assert side_on(memory, (1024, 1024)) == 1024


def test_a_small_model_keeps_its_own_size_everywhere():
    assert side_on(8 * GIB, (128, 128)) == 128 and side_on(8 * GIB, (512, 512)) == 512


def test_a_model_that_is_wider_than_tall_is_counted_by_its_pixels():
    assert own_side((1152, 896)) ** 2 >= 1152 * 896 > (own_side((1152, 896)) - 1) ** 2
