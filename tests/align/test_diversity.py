"""A model that draws one picture always is told from one that merely changed."""

from __future__ import annotations

import pytest
import torch

from align.diversity import collapse, spread


def test_equal_pictures_have_no_spread_and_independent_ones_that_of_their_noise():
    one = torch.randn(1, 1, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    assert spread(one.expand(2, 4, 4, 16, 16)) == pytest.approx(0.0, abs=1e-3)
    noise = torch.randn(2, 4, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    assert spread(noise) == pytest.approx(2**0.5, rel=0.05)
    assert spread(3 * noise) == pytest.approx(3 * spread(noise), rel=1e-4)


def test_prompts_are_compared_with_themselves_alone():
    prompts = torch.tensor([0.0, 100.0]).view(2, 1, 1, 1, 1)
    assert spread(prompts.expand(2, 4, 4, 8, 8)) == pytest.approx(0.0, abs=1e-3)


@pytest.mark.parametrize(("ratio", "told"), [(1.0, False), (0.4, False), (0.39, True)])
def test_an_alarm_comes_below_the_threshold(ratio, told):
    assert (collapse(ratio) is not None) == told
