"""A scorer's word on a version: wins, ties, and how sure that is over prompts."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from align.evaluation.win_rate import compare_scores, scores_PS, win_rate_interval
from align.intervals import Tally, bootstrap_over_prompts

pytestmark = pytest.mark.slow


class ByLength:
    """Scores an image by its prompt's length."""

    name, meaning = "length", "How long the prompt is."

    def score(self, prompts, images):
        return torch.tensor([float(len(prompt)) for prompt in prompts])


def test_scores_come_prompt_by_prompt(tmp_path):
    images = [tmp_path / f"{n}.png" for n in range(4)]
    assert scores_PS(ByLength(), ["a", "abc"], images, 2).tolist() == [[1, 1], [3, 3]]


def test_wins_count_one_and_ties_one_half():
    before = torch.tensor([[0.0, 0.0], [1.0, 1.0]])
    after = torch.tensor([[1.0, 0.0], [2.0, 0.5]])
    row = compare_scores("length", "v1", after, before)
    assert row["win_rate"] == pytest.approx((1 + 0.5 + 1 + 0) / 4)
    assert row["by_prompt"] == [0.5, 1.25]
    assert (row["mean"], row["base_mean"]) == (pytest.approx(0.875), pytest.approx(0.5))
    assert 0 <= row["low"] <= row["win_rate"] <= row["high"] <= 1


def test_one_prompt_says_nothing_about_others():
    assert win_rate_interval(torch.ones(1, 5)) == (None, None)


def test_images_of_one_prompt_go_together():
    together = torch.tensor([[1.0] * 20, [0.0] * 20])
    apart = torch.tensor([1.0, 0.0]).repeat(20)[:, None]
    (low, high), (near, far) = win_rate_interval(together), win_rate_interval(apart)
    assert high - low > 2 * (far - near)


def test_the_app_and_the_command_line_give_the_same_interval_for_the_same_wins():
    wins = np.random.default_rng(7).integers(0, 2, (12, 4))
    votes = {
        str(prompt): Tally(int(won.sum()), int((1 - won).sum())) for prompt, won in enumerate(wins)
    }
    assert win_rate_interval(torch.tensor(wins).double()) == bootstrap_over_prompts(votes)
