"""Prompts: lists, files, pasted text."""

import random
from pathlib import Path

import pytest
from places import Open, Place, until

from annotate.errors import AnnotateError, InvalidPrompts
from annotate.rendering.prompts.prompt_sampler import PromptSampler
from annotate.rendering.prompts.prompt_sources import (
    MAX_PROMPTS,
    MAX_PROMPTS_AT_ONCE,
    built_in_prompts,
    check_prompts,
    parse_prompts,
    prompts_for,
    read_prompt_file,
)
from storage.errors import InvalidPrompt

STYLES = ("3d", "flat", "cartoon", "simple", "ink", "background")


def test_comments_and_empty_lines_are_no_prompts() -> None:
    text = "\ufeff# animals\r\n a cat \n\n\ta dog\n  # more\na cat"
    assert parse_prompts(text) == ["a cat", "a dog"]


def test_a_prompt_that_cannot_be_used_is_named_by_its_line() -> None:
    with pytest.raises(InvalidPrompt, match="Line 4"):
        parse_prompts("# list\na cat\n\n" + "x" * 5000)
    with pytest.raises(InvalidPrompts, match="holds no prompt"):
        parse_prompts("# nothing\n\n")


@pytest.mark.parametrize(
    "content", [b"\x89PNG\r\n\x1a\n\x00", b"a cat\x00", "a cat".encode("utf-16")]
)
def test_a_file_that_is_not_text_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "prompts.txt"
    file.write_bytes(content)
    with pytest.raises(InvalidPrompts, match="not UTF-8 text"):
        read_prompt_file(file)


def test_a_prompt_file_that_is_missing_a_folder_or_empty_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.txt", tmp_path):
        with pytest.raises(InvalidPrompts, match="cannot be read"):
            read_prompt_file(path)
    (tmp_path / "empty.txt").write_bytes(b"")
    with pytest.raises(InvalidPrompts, match="holds no prompt"):
        read_prompt_file(tmp_path / "empty.txt")


def test_a_prompt_file_is_read_whole(tmp_path: Path) -> None:
    file = tmp_path / "prompts.txt"
    file.write_text("# mine\nein Fuchs im Schnee – ruhig\n", encoding="utf-8")
    assert read_prompt_file(file) == ["ein Fuchs im Schnee – ruhig"]


def test_the_built_in_list_leaves_style_and_background_open() -> None:
    emoji = built_in_prompts("emoji")
    assert 110 <= len(emoji) <= 140
    assert not [text for text in emoji if set(text.split()) & set(STYLES)]
    assert len(built_in_prompts("stabilityai/stable-diffusion-xl-base-1.0")) == 300


def test_a_bag_gives_every_prompt_before_any_again() -> None:
    prompt_sampler = PromptSampler(["a", "b", "c"], random.Random(1))
    assert sorted(prompt_sampler.sample() for _ in range(3)) == ["a", "b", "c"]
    assert prompt_sampler.add(["d", "a", "d"]) == 1
    assert prompt_sampler.sample() == "d"
    assert len(prompt_sampler) == 4


def test_pasted_prompts_are_added_and_stay_after_a_restart(open_place: Open) -> None:
    place = open_place(prompts=["a cat"])
    assert place.studio.add_prompts("# mine\na violin\n") == {"added": 1, "total": 2}
    assert place.studio.add_prompts(["a violin", "a drum"]) == {"added": 1, "total": 3}
    place.close()
    place = open_place(prompts=["a dog"])
    assert place.studio.add_prompts(["a dog"]) == {"added": 0, "total": 3}


@pytest.mark.slow
def test_given_prompts_take_the_place_of_the_built_in_ones(open_place: Open) -> None:
    place = open_place(prompts=["a violin", "a drum"], min_ready=24)
    until(lambda: place.studio.stats()["ready_pairs"] >= 24)
    prompts = {pair["prompt"] for pair in place.studio.pairs_ahead("ann", [], 24)["pairs"]}
    assert prompts == {"a violin", "a drum"}


@pytest.mark.parametrize("prompts", ["", "\n\n", [], [""], ["x" * 5000], "x" * 5000, [3], 3, None])
def test_prompts_that_cannot_be_used_are_refused_and_none_is_added(
    place: Place, prompts: object
) -> None:
    with pytest.raises((AnnotateError, InvalidPrompt)) as refusal:
        place.studio.add_prompts(prompts)  # type: ignore[arg-type]
    assert str(refusal.value).endswith((".", "line."))
    total = place.studio.add_prompts(["a cat face"])["total"]
    assert total == len(built_in_prompts("emoji"))


@pytest.mark.slow
def test_a_hundred_thousand_prompts_are_taken_and_more_at_once_are_refused(tmp_path: Path) -> None:
    many = [f"a subject, number {number}" for number in range(MAX_PROMPTS_AT_ONCE)]
    file = tmp_path / "prompts.txt"
    file.write_text("\n".join([*many, *many]), encoding="utf-8")
    assert read_prompt_file(file) == check_prompts(many) == many
    told, aside = prompts_for("model", many)
    assert len(told) + len(aside) == MAX_PROMPTS_AT_ONCE and not set(told) & set(aside)

    for more in ([*many, "one more"], "\n".join([*many, "one more"])):
        with pytest.raises(InvalidPrompts, match="up to 100,000 prompts can be added at once"):
            check_prompts(more)


def test_no_more_prompts_are_held_than_fit_and_none_is_added_of_too_many() -> None:
    prompt_sampler = PromptSampler(
        [f"cat {number}" for number in range(MAX_PROMPTS - 1)], random.Random(0)
    )
    prompt_sampler.require_room(["cat 0", "a dog"])
    with pytest.raises(InvalidPrompts, match="200,001 prompts, and up to 200,000"):
        prompt_sampler.require_room(["a dog", "a fox"])
    prompt_sampler.drop(f"cat {number}" for number in range(MAX_PROMPTS))
    assert len(prompt_sampler) == 1
