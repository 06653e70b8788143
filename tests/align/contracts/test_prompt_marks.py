"""Marks in prompts: weights, escapes, breaks."""

from __future__ import annotations

from pathlib import Path

import pytest

from align.contracts.prompt_marks import (
    WeightedText,
    escape_marks,
    has_marks,
    has_weights,
    is_read_whole,
    read_prompt,
    without_marks,
)


def weighted(prompt: str) -> list[list[tuple[str, float]]]:
    return [[(p.text, round(p.weight, 4)) for p in part if p.text] for part in read_prompt(prompt)]


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("a cat", [("a cat", 1.0)]),
        ("an (important) word", [("an ", 1.0), ("important", 1.1), (" word", 1.0)]),
        ("an [unimportant] word", [("an ", 1.0), ("unimportant", 0.9091), (" word", 1.0)]),
        ("(red:1.3) cat", [("red", 1.3), (" cat", 1.0)]),
        ("(red: 1.3 ) cat", [("red", 1.3), (" cat", 1.0)]),
        ("(red:-.5)", [("red", -0.5)]),
        ("((a)) [[b]]", [("a", 1.21), (" ", 1.0), ("b", 0.8264)]),
        ("(a (b:1.5):2)", [("a ", 2.0), ("b", 3.0)]),
        ("(a [b] c)", [("a ", 1.1), ("b", 1.0), (" c", 1.1)]),
        ("(unnecessary)(brackets)", [("unnecessarybrackets", 1.1)]),
        (r"miku \(vocaloid\), \[b\]", [("miku (vocaloid), [b]", 1.0)]),
        (r"a \\ b \c", [(r"a \ b c", 1.0)]),
        ("((never closed", [("never closed", 1.21)]),
        ("never] opened) :1.3)", [("never] opened) :1.3)", 1.0)]),
        ("12:30 (a:b)", [("12:30 ", 1.0), ("a:b", 1.1)]),
        ("(a:1.2.3)", [("a:1.2.3", 1.1)]),
    ],
)
def test_brackets_weigh_words_as_in_automatic1111(prompt, expected):
    assert weighted(prompt) == [expected]


@pytest.mark.parametrize(
    ("prompt", "parts"),
    [
        ("a BREAK b", [["a"], ["b"]]),
        ("a, BREAK , b BREAK", [["a,"], [", b"], []]),
        ("a BREAKFAST", [["a BREAKFAST"]]),
        ("a break", [["a break"]]),
    ],
)
def test_break_splits_a_prompt(prompt, parts):
    assert [[piece.text for piece in part if piece.text] for part in read_prompt(prompt)] == parts


def test_a_break_within_brackets_breaks_as_well():
    assert weighted("(a BREAK b:1.5) c") == [[("a", 1.5)], [("b", 1.5), (" c", 1.0)]]


@pytest.mark.parametrize("plain", ["a cat", "a cat, 12:30", "a {cat|dog}", "BREAKING", "", "a|b"])
def test_plain_prompts_have_no_marks(plain):
    assert not has_marks(plain) and not has_weights(plain)
    assert read_prompt(plain) in ([[WeightedText(plain)]], [[]])
    assert without_marks(plain) == plain == escape_marks(plain)


def test_escapes_and_breaks_are_marks_without_weights():
    for prompt in (r"miku \(vocaloid\)", "a BREAK b", "(a:1.0)"):
        assert has_marks(prompt) and not has_weights(prompt)
    assert has_marks("(a)") and has_weights("(a)") and has_weights("[a]")


def test_words_without_marks_are_what_an_encoder_without_weights_is_given():
    marked = r"(masterpiece:1.2), miku \(vocaloid\) BREAK [red] dress"
    assert without_marks(marked) == "masterpiece, miku (vocaloid), red dress"


@pytest.mark.parametrize(
    "words",
    ["miku (vocaloid)", "a [b] c", r"back\slash", ":-)", "(a:1.3)", "a BREAK b", "BREAK",
     r"a \BREAK (b BREAK)"],
)  # fmt: skip
def test_escaped_words_are_read_as_they_are(words):
    assert read_prompt(escape_marks(words)) == [[WeightedText(words)]]
    assert without_marks(escape_marks(words)) == words


def test_a_prompt_that_may_have_been_cut_off_before_is_told():
    assert not is_read_whole("cat " * 37)
    assert is_read_whole("cat " * 76)
    assert is_read_whole("(cat)")
    assert is_read_whole("cat, " * 38)
    # One word each, of many tokens.
    assert is_read_whole("1234567890" * 8)
    assert is_read_whole("\U0001f408" * 20) and is_read_whole("\u732b" * 30)
    assert is_read_whole("\U0001f408" * 6, tokens=22) and not is_read_whole("\u732b", tokens=22)


@pytest.mark.parametrize(("name", "tokens"), [("emoji", 22), ("sentences", 75), ("tags", 75)])
@pytest.mark.parametrize("kind", ["prompts", "evaluation_prompts"])
def test_no_built_in_prompt_was_ever_cut_off(name, tokens, kind):
    folder = Path(__file__).parents[3] / "annotate/rendering/prompts/prompt_lists"
    prompts = (folder / f"{name}_{kind}.txt").read_text(encoding="utf-8").splitlines()
    assert [p for p in prompts if p[:1] not in ("", "#") and is_read_whole(p, tokens)] == []


@pytest.mark.parametrize(
    ("prompt", "weight"),
    [("(cat:" + "9" * 400 + ")", 100), ("(cat:-" + "9" * 400 + ")", -100),
     ("(" * 1000 + "cat", 100), ("((cat:0):" + "9" * 400 + ")", 0), ("(cat:99.5)", 99.5)],
)  # fmt: skip
def test_no_word_weighs_more_than_a_hundred(prompt, weight):
    assert weighted(prompt) == [[("cat", weight)]]


def test_thousands_of_brackets_are_read_quickly():
    assert weighted("(" * 2000) == [[]]
    [[piece]] = weighted("[" * 500 + "a" + "]" * 500)
    assert piece[0] == "a"
