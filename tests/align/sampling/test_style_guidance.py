"""Guidance towards a named style, learned instead of drawn with."""

from __future__ import annotations

import pytest
import torch
from torch.testing import assert_close

from align.emoji.denoiser import style_difference, style_guidance_share

pytestmark = pytest.mark.slow

STYLED = torch.tensor([[0, 7, 5, 1], [0, 7, 5, 1], [0, 5, 1, 1]])
BARE = torch.tensor([[0, 5, 1, 1], [0, 5, 1, 1], [0, 5, 1, 1]])
KEPT = torch.tensor([1.0, 0.0, 1.0])
GIVEN = (torch.zeros(3, 2, 4, 4), torch.tensor([1, 2, 3]), STYLED, KEPT)


def says_its_tokens(noisy_BCHW, timesteps_B, ids_BS, kept_B, size):
    """A network whose prediction is what its caption adds up to."""
    total_B = (ids_BS.sum(dim=1) * kept_B).view(-1, 1, 1, 1)
    return total_B.expand(noisy_BCHW.shape).clone().requires_grad_()


def test_only_a_caption_that_names_a_style_and_is_told_leads():
    said = says_its_tokens(*GIVEN, 32)
    lead = style_difference(says_its_tokens, GIVEN, said, BARE, 32)
    assert lead.mean(dim=(1, 2, 3)).tolist() == [13 - 7, 0, 0]
    assert not lead.requires_grad


def test_without_bare_captions_nothing_leads():
    assert not style_difference(says_its_tokens, GIVEN, says_its_tokens(*GIVEN, 32), None, 32).any()


@pytest.mark.parametrize("times", [1.0, 2.0, 2.5])
def test_what_is_learned_leads_by_as_many_times_what_the_style_changes(times):
    exact, bare = torch.tensor(3.0), torch.tensor(1.0)
    learned = exact
    for _ in range(200):
        learned = exact + style_guidance_share(times) * (learned - bare)
    assert_close(learned - bare, times * (exact - bare))
