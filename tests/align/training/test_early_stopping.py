"""When a run ends early, and which adapter it keeps."""

from __future__ import annotations

import pytest
import torch

from align.errors import TrainingDiverged
from align.training.early_stopping import BestAdapter, DivergenceWatch, displacement


def judged(agreements: list[float], pairs: int = 12) -> BestAdapter:
    best = BestAdapter()
    for step, agreement in enumerate(agreements, 1):
        best.consider(step, agreement, pairs, {"lora": torch.tensor(float(step))})
    return best


def test_the_newest_of_equals_is_kept():
    best = judged([0.80, 0.85, 0.83])
    assert (best.step, best.worse) == (3, 0)
    assert best.weights["lora"] == 3.0


def test_a_clear_fall_keeps_the_earlier_adapter_and_is_counted():
    best = judged([0.70, 0.95, 0.60, 0.55])
    assert (best.step, best.worse, best.peak) == (2, 2, 0.95)


def test_a_rise_after_a_fall_starts_the_count_anew():
    assert judged([0.95, 0.60, 0.97]).worse == 0


def test_more_pairs_tell_smaller_differences():
    assert judged([0.90, 0.85], pairs=12).step == 2
    assert judged([0.90, 0.85], pairs=400).step == 1


def test_a_perfect_score_still_leaves_room_for_luck():
    assert judged([1.0, 0.97], pairs=12).step == 2


def test_a_loss_that_stays_far_above_its_start_ends_the_run():
    explosion = DivergenceWatch()
    explosion.watch(1, 0.69)
    with pytest.raises(TrainingDiverged, match=r"rose from 0\.69 .* lower learning_rate"):
        for step in range(2, 20):
            explosion.watch(step, 9.0)


def test_a_single_spike_does_not():
    explosion = DivergenceWatch()
    for step in range(50):
        explosion.watch(step, 50.0 if step % 5 == 4 else 0.5)


def test_the_alarm_is_for_winners_that_fall_with_the_losers():
    assert "moved away" in displacement(-1.0, -2.0)
    assert displacement(0.3, -2.0) is None
    assert displacement(-0.1, -2.0) is None
    assert "moved away" in displacement(-3.0, -2.0)
    assert "moved away" in displacement(-0.6, -0.7)


def test_winners_that_fall_a_little_as_losers_fall_far_are_no_alarm():
    assert displacement(-2.4, -9.5) is None
    assert "moved away" in displacement(-5.0, -9.5)
