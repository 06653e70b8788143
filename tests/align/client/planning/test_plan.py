"""The plan of a run before it starts, as it is told."""

from __future__ import annotations

import pytest

from align.client.config import PRESETS
from align.client.planning.circumstances import Circumstances
from align.client.planning.measured import measured_by
from align.client.planning.plan import plan
from align.client.planning.speeds import (
    PlanDevice,
    expected_forward_s,
    forward_tflop,
    reached_tflops,
)

GIB = 2**30
CARDS = {
    "NVIDIA GeForce RTX 4060": 8,
    "NVIDIA GeForce RTX 3060": 12,
    "NVIDIA GeForce RTX 4090": 24,
    "NVIDIA H200": 140,
}


def on(name: str, gib: int, kind: str = "cuda", cores: int = 1, paces=()) -> Circumstances:
    return Circumstances(PlanDevice(kind, name, gib * GIB, cores), paces=paces)


@pytest.mark.parametrize("preset", ["sdxl", "sdxl-v"])
@pytest.mark.parametrize(("name", "gib"), CARDS.items())
def test_the_default_run_of_a_full_size_model_ends_within_45_minutes(preset, name, gib):
    planned = plan(preset, 100, {}, on(name, gib))
    assert planned["max_minutes"] == 45 and planned["minutes"] <= 45
    assert 20 <= planned["steps"] <= PRESETS[preset].steps
    assert planned["passes"] >= 2


def test_an_unknown_device_is_taken_for_a_slow_one():
    planned = plan("sdxl", 100, {})
    assert planned["minutes"] <= 45
    assert planned["notes"][-1].startswith("Counted for a slow card, since the one that trains is ")
    assert planned["steps"] < plan("sdxl", 100, {}, on("NVIDIA GeForce RTX 4090", 24))["steps"]


def test_pixels_and_steps_are_told_with_their_reasons():
    planned = plan("sdxl", 100, {}, on("NVIDIA GeForce RTX 3060", 12))
    assert planned["side"] == 768
    pixels, steps = planned["notes"]
    assert pixels == "768 pixels instead of 1024, since this card has 12 GB."
    assert steps.startswith(f"{planned['steps']} of 300 steps fit into 45 min; all 300 would take")
    assert "; 768 pixels; 45 min" in planned["summary"]
    assert planned["summary"].endswith("; 45 min at most.")


def test_a_large_card_takes_all_steps_at_the_models_own_size():
    planned = plan("sdxl", 100, {}, on("NVIDIA H200", 140))
    assert (planned["side"], planned["steps"], planned["notes"]) == (1024, 300, [])


@pytest.mark.parametrize(("pairs", "told"), [(1, "1 pair is few"), (12, "12 pairs are few")])
def test_few_votes_get_a_word_of_warning(pairs, told):
    [note] = plan("embedded", pairs, {})["notes"]
    assert note.startswith(f"{told}: the model may hardly change")
    assert note.endswith("None of them is kept apart to judge the result.")
    [judged] = plan("embedded", 30, {})["notes"]
    assert judged.endswith("With 50 or more it learns what you like.")
    assert plan("embedded", 50, {})["notes"] == []


def test_a_setting_of_pixels_wins_and_never_makes_images_larger():
    small = plan("sdxl", 100, {"resolution": 512}, on("NVIDIA GeForce RTX 4090", 24))
    assert small["side"] == 512 and "512 pixels instead of 1024, as the settings say." in str(small)
    assert plan("sdxl", 100, {"resolution": 2048}, on("NVIDIA H200", 140))["side"] == 1024


def test_without_a_limit_all_steps_are_planned():
    planned = plan("sdxl", 100, {"max_minutes": 0}, on("NVIDIA GeForce RTX 3060", 12))
    assert planned["steps"] == 300 and planned["minutes"] > 45
    assert "at most" not in planned["summary"]


def test_a_processor_is_told_to_take_days():
    planned = plan("sdxl", 100, {}, on("", 32, "cpu", cores=8))
    assert planned["steps"] == 1 and planned["minutes"] > 45
    assert planned["notes"][0].startswith("Not even 1 step would fit into 45 min; all 300 would ")
    assert planned["notes"][0].endswith(" days.")
    assert planned["notes"][1].startswith("This is a processor: a step takes about ")


def test_a_measured_pace_of_this_device_and_size_wins():
    pace = {"device": "cuda", "name": "NVIDIA GeForce RTX 3060", "side": 768, "forward_s": 0.1}
    slow = plan("sdxl", 100, {}, on("NVIDIA GeForce RTX 3060", 12))
    fast = plan("sdxl", 100, {}, on("NVIDIA GeForce RTX 3060", 12, paces=[pace]))
    assert fast["steps"] > slow["steps"]
    other = PlanDevice("cuda", "NVIDIA GeForce RTX 4090", 24 * GIB)
    assert measured_by([pace], other, 768).forward_s is None
    assert measured_by([pace], PlanDevice("cuda"), 768).forward_s == 0.1
    assert measured_by([pace], PlanDevice("cuda"), 1024).forward_s is None
    # Killed after its last step: it only had to be checked.
    assert measured_by([pace | {"forward_s": 0.0}, pace], PlanDevice("cuda"), 768).forward_s == 0.1


def test_the_budget_is_no_part_of_the_embedded_models_plan():
    planned = plan("embedded", 100, {})
    assert (planned["max_minutes"], planned["steps"], planned["notes"]) == (0, 100, [])


def test_a_budget_of_ones_own_cuts_the_steps_of_a_small_model_too():
    # 17 pairs a second, 45 s around: 15 s are left for 31 steps of 8.
    planned = plan("embedded", 100, {"max_minutes": 1})
    assert planned["steps"] == 31 and planned["minutes"] <= 1


def test_cards_are_told_by_their_names_and_else_by_their_memory():
    def reached(name: str, gib: float = 12.0) -> float:
        return reached_tflops(PlanDevice("cuda", name, int(gib * GIB)))

    assert reached("NVIDIA GeForce RTX 4070 Ti") > reached("NVIDIA GeForce RTX 4070")
    assert reached("NVIDIA RTX A4000") < reached("NVIDIA A40")
    assert reached("NVIDIA GeForce RTX 4090 Laptop GPU") < reached("NVIDIA GeForce RTX 4090")
    assert reached("Some card", 8) < reached("Some card", 24) < reached("Some card", 80)
    # Small cards whose names begin like a large one's.
    for small in ("NVIDIA RTX A1000", "NVIDIA RTX A400", "NVIDIA T400 4GB", "Quadro P1000"):
        assert reached(small, 4) == reached("Some card", 4)
    assert reached("NVIDIA A100-SXM4-80GB") > reached("NVIDIA L40S") > reached("NVIDIA L4")
    assert reached("NVIDIA GeForce GTX 1660 Ti") < reached("Tesla T4")
    # A card that nobody knows is taken for one of the slower ones of its memory.
    assert reached("Some card", 12) <= reached("NVIDIA GeForce RTX 3060")


def test_a_forward_pass_of_fewer_pixels_computes_less_than_in_proportion():
    assert forward_tflop(1024) == pytest.approx(6.76, abs=0.005)
    assert forward_tflop(768) == pytest.approx(3.64, abs=0.005)
    assert forward_tflop(768) < forward_tflop(1024) * (768 / 1024) ** 2
    card = PlanDevice("cuda", "NVIDIA GeForce RTX 3090", 24 * GIB)
    assert expected_forward_s(card, 1024) == pytest.approx(6.761 / (0.25 * 71))
