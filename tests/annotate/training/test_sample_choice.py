"""The prompts that runs render are chosen before them, by a hash."""

import json
from pathlib import Path

import pytest
from places import Place

from annotate.rendering.prompts.prompt_sources import built_in_prompts
from annotate.training.samples.sample_choice import sample_prompts

UNSEEN = ["a harbor at dawn", "a {red|blue} door", "a fern", "a __place__", "an owl", "a cat"]


def write_pairs(folder: Path, *rows: dict[str, object]) -> Path:
    """Write the pairs of a snapshot."""
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "pairs.jsonl").write_text(text, encoding="utf-8")
    return folder


def votes(*prompts: str) -> list[dict[str, object]]:
    return [{"kind": "preference", "prompt": prompt} for prompt in prompts]


def test_two_prompts_have_votes_and_two_are_labeled_by_nobody(tmp_path):
    chosen = sample_prompts(write_pairs(tmp_path, *votes("a cat", "a dog", "a fox")), UNSEEN)
    voted = [sample["prompt"] for sample in chosen if sample["voted"]]
    unseen = [sample["prompt"] for sample in chosen if not sample["voted"]]
    assert len(voted) == 2 and set(voted) < {"a cat", "a dog", "a fox"}
    # One that stands for several prompts is none, and one with votes is not unseen.
    assert len(unseen) == 2 and set(unseen) < {"a harbor at dawn", "a fern", "an owl"}


def test_neither_the_order_nor_the_number_of_votes_chooses(tmp_path):
    first = sample_prompts(write_pairs(tmp_path, *votes("a cat", "a dog", "a fox")), UNSEEN)
    again = write_pairs(tmp_path, *votes("a fox", "a fox", "a dog", "a cat", "a fox"))
    assert sample_prompts(again, UNSEEN[::-1]) == first
    assert all(0 <= sample["seed"] < 2**32 for sample in first)


def test_prompts_that_were_no_choice_or_had_other_brackets_are_left_out(tmp_path):
    tie = {"kind": "tie", "prompt": "a tie"}
    plain = {"kind": "preference", "prompt": "a (cat)", "plain": True}
    folder = write_pairs(tmp_path, tie, plain, *votes("a dog"))
    assert [sample["prompt"] for sample in sample_prompts(folder, [])] == ["a dog"]


def test_prompts_of_votes_given_here_come_before_those_of_sources(tmp_path):
    came_in = [{**row, "source": "pickapic"} for row in votes("a harbor", "a fern", "a cat")]
    chosen = sample_prompts(write_pairs(tmp_path, *votes("a cat"), *came_in), UNSEEN)
    assert chosen[0]["prompt"] == "a cat" and "brought" not in chosen[0]
    assert chosen[1]["prompt"] in ("a harbor", "a fern") and chosen[1]["brought"]
    assert [sample["voted"] for sample in chosen] == [True, True, False, False]


@pytest.mark.slow
def test_a_run_is_told_its_samples_before_it_begins(place: Place) -> None:
    place.label(4)
    run_id = place.studio.fine_tune({"steps": 2})["run_id"]
    config = json.loads((place.store.run_dir(run_id) / "config.json").read_text("utf-8"))
    samples = config["samples"]
    assert [sample["voted"] for sample in samples] in ([True, True, False, False],)
    labeled = {prompt.text for prompt in place.store.prompts()}
    assert {sample["prompt"] for sample in samples if sample["voted"]} <= labeled
    unseen = [sample["prompt"] for sample in samples if not sample["voted"]]
    assert set(unseen) <= set(built_in_prompts("emoji", "evaluation_prompts"))
