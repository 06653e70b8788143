"""Variations in prompts: braces and wildcard files."""

import random
from collections import Counter
from pathlib import Path

import pytest
from places import Open, until

from annotate.errors import InvalidPrompts
from annotate.rendering.prompts.prompt_sampler import PromptSampler
from annotate.rendering.prompts.prompt_variations import WILDCARDS, PromptVariations


@pytest.fixture
def wildcards(tmp_path: Path) -> Path:
    folder = tmp_path / "wildcards"
    (folder / "animals").mkdir(parents=True)
    (folder / "color.txt").write_text("# mine\nred\nblue\n\ngreen\n", encoding="utf-8")
    (folder / "animals" / "cats.txt").write_text("a {big|small} tabby\n", encoding="utf-8")
    (folder / "animals" / "dogs.txt").write_text("a __color__ poodle\n", encoding="utf-8")
    return folder


def varied(prompt: str, folder: Path, count: int = 200) -> Counter[str]:
    variations, chance = PromptVariations([folder]), random.Random(1)
    return Counter(variations.resolve(prompt, chance) for _ in range(count))


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("a {red|blue} cat", {"a red cat", "a blue cat"}),
        ("a {red|} cat", {"a red cat", "a cat"}),
        ("{a|{b|c} d}", {"a", "b d", "c d"}),
        ("{2$$a|b}", {"a, b", "b, a"}),
        ("{1-2$$ and $$a|b}", {"a", "b", "a and b", "b and a"}),
        ("{3$$a|b}", {"a, b", "b, a"}),
        ("{0::a|b}", {"b"}),
        ("{(a:1.2)|b}", {"(a:1.2)", "b"}),
        ("a __color__ cat", {"a red cat", "a blue cat", "a green cat"}),
        ("{2$$__color__}", {f"{a}, {b}" for a in ("red", "blue", "green")
                            for b in ("red", "blue", "green") if a != b}),
        ("__animals/cats__", {"a big tabby", "a small tabby"}),
        ("__animals/*__ {x|x}", {f"{a} x" for a in ("a big tabby", "a small tabby", "a red poodle",
                                 "a blue poodle", "a green poodle")}),
    ],
)  # fmt: skip
def test_each_variation_is_chosen_by_chance(
    prompt: str, expected: set[str], wildcards: Path
) -> None:
    assert set(varied(prompt, wildcards)) == expected


@pytest.mark.parametrize("prompt", ["a  cat", "a {masterpiece} cat", "{a cat", "a|b", "snake_case"])
def test_what_varies_nothing_stays_as_it_is(prompt: str, wildcards: Path) -> None:
    assert set(varied(prompt, wildcards, 3)) == {prompt}


def test_weights_say_how_often_an_option_is_chosen(wildcards: Path) -> None:
    chosen = varied("{3::red|blue}", wildcards, 1000)
    assert 0.7 < chosen["red"] / 1000 < 0.8


def test_a_changed_file_counts_at_once(wildcards: Path) -> None:
    variations, chance = PromptVariations([wildcards]), random.Random(0)
    assert variations.resolve("__animals/cats__", chance).endswith("tabby")
    (wildcards / "animals" / "cats.txt").write_text("a lion with a mane\n", encoding="utf-8")
    assert variations.resolve("__animals/cats__", chance) == "a lion with a mane"


def test_a_wildcard_without_a_file_is_refused_and_its_place_named(wildcards: Path) -> None:
    variations = PromptVariations([wildcards])
    with pytest.raises(InvalidPrompts, match=r"no file for the wildcard __hat__.*hat\.txt"):
        variations.check(["a cat", "a __color__ __hat__"])
    for outside in ("__../color__", "__/etc/passwd__", "__animals/../color__"):
        assert variations.resolve(outside, random.Random(0)) == outside


def test_files_that_name_each_other_are_refused(wildcards: Path) -> None:
    (wildcards / "round.txt").write_text("__round__\n", encoding="utf-8")
    (wildcards / "long.txt").write_text("x" * 100 + "__long__\n", encoding="utf-8")
    with pytest.raises(InvalidPrompts, match="never comes to an end"):
        varied("__round__", wildcards, 1)
    with pytest.raises(InvalidPrompts, match="longer than 2,000 characters"):
        varied("__long__", wildcards, 1)
    with pytest.raises(InvalidPrompts, match="may become empty"):
        varied("{|}", wildcards, 1)


@pytest.mark.parametrize(
    ("prompt", "sentence"),
    [
        ("{" + "9" * 400 + "::a|b}", "weighs more than 1,000,000"),
        ("{|}", "may become empty"),
        ("{a|} {0$$b}", "may become empty"),
        ("{2$$}", "may become empty"),
        ("{{|}|{|a}}", "may become empty"),
        ("a __round__", "never comes to an end"),
        ("a __nested__", "no file for the wildcard __gone__"),
        ("a __heavy__", "weighs more than"),
        ("a __**__ cat", r"'__\*\*__' can name no file"),
        ("a __x**__", "can name no file"),
        ("a __" + "x" * 400 + "__", "no file"),
    ],
)
def test_what_could_not_be_rendered_is_refused_when_it_is_checked(
    prompt: str, sentence: str, wildcards: Path
) -> None:
    (wildcards / "round.txt").write_text("__round__\n", encoding="utf-8")
    (wildcards / "nested.txt").write_text("x\n" * 50 + "__gone__\n", encoding="utf-8")
    (wildcards / "heavy.txt").write_text("x\n" * 50 + "{1e::x|9999999::y}\n", encoding="utf-8")
    with pytest.raises(InvalidPrompts, match=sentence):
        PromptVariations([wildcards]).check(["a cat", prompt])


@pytest.mark.parametrize(
    "prompt",
    ["a {red|} cat", "{0::|b}", "{2$$a|}", "__**/cats__", "__animals/*__", "{0.5::a|b}", "{}"],
)
def test_what_can_be_rendered_is_taken(prompt: str, wildcards: Path) -> None:
    PromptVariations([wildcards]).check([prompt])


def test_a_prompt_that_varies_comes_as_often_as_the_others(wildcards: Path) -> None:
    variations = PromptVariations([wildcards])
    sampler = PromptSampler(["a __color__ cat", "a dog"], random.Random(2), variations)
    sampled = [sampler.sample() for _ in range(40)]
    assert sampled.count("a dog") == 20
    assert set(sampled) == {"a dog", "a red cat", "a blue cat", "a green cat"}
    # What a blind test is asked with is not rendered to learn from.
    sampler.drop(["a red cat", "a blue cat"])
    assert {sampler.sample() for _ in range(10)} == {"a dog", "a green cat"}


@pytest.mark.slow
def test_pairs_are_of_one_prompt_and_comparisons_repeat(open_place: Open) -> None:
    place = open_place(prompts=["a {violin|drum|horn|piano}"], min_ready=8)
    until(lambda: place.studio.stats()["ready_pairs"] >= 8)
    prompts = {pair["prompt"] for pair in place.studio.pairs_ahead("ann", [], 8)["pairs"]}
    assert prompts <= {"a violin", "a drum", "a horn", "a piano"} and len(prompts) > 1
    first, again = (
        {row: urls for group in place.studio.compare_many(["a {cat|dog}"], [7, 8], "base", "base")
         for row, urls in group.items()}
        for _ in range(2)
    )  # fmt: skip
    assert first == again and len(first) == 2


def test_a_prompt_that_names_no_file_is_refused_when_it_is_added(open_place: Open) -> None:
    place = open_place(prompts=["a cat"])
    with pytest.raises(InvalidPrompts, match="__hat__"):
        place.studio.add_prompts("a __hat__")
    folder = place.store.images_dir.parent / WILDCARDS
    folder.mkdir()
    (folder / "hat.txt").write_text("fez\n", encoding="utf-8")
    assert place.studio.add_prompts("a __hat__") == {"added": 1, "total": 2}
