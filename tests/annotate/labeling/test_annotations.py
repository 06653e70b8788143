"""A prompt's words are read and learned without the markup that programs read between them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotate.image_import.programs.prompt_marks import caption, shown


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("(tall:1.3), ((old)), [[thin]], (a (b:1.2), [c]:0.9)", "tall, old, thin, a b, c"),
        (r"saber \(fate\), :\), C:\\x", r"saber (fate), :), C:\x"),
        ("(two hats", "two hats"),
        ("what :) or ]", "what :) or ]"),
        ("(a [b) c]", "a b c]"),
        ("(ugly:0), (blurry:-0.5), a hen", "a hen"),
        ("(ratio 3:2:1.1)", "ratio 3:2"),
        ("seen at 12:30, 1,000 hens", "seen at 12:30, 1,000 hens"),
    ],
)
def test_weights_go_and_escaped_brackets_stay(written: str, words: str) -> None:
    assert shown(written) == words


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("<lora:a_b-c:1> ,a hen, <lyco:x>,, <hypernet:y:0.3>", "a hen"),
        ("a <lora:a:1:0.5:lbw=MIDD> hen", "a hen"),
        ("a <3 b, x > y: z", "a <3 b, x > y: z"),
        ("embedding:some/file_v2:1.2, a hen", "a hen"),
        ("a hen\n# more feathers\nat dawn", "a hen at dawn"),
        ("#1 hen, #ff0000", "#1 hen, #ff0000"),
    ],
)
def test_names_of_files_and_remarks_go_with_their_commas(written: str, words: str) -> None:
    assert shown(written) == words


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("a barn BREAK a hen,\nBREAK\nan owl", "a barn, a hen, an owl"),
        ("A barn. BREAK A hen", "A barn. A hen"),
        ("(a barn BREAK a hen:1.2)", "a barn, a hen"),
        ("a barn AND a hen :0.4 AND a fox : -1", "a barn, a hen"),
        ("a barn AND_PERP hay :0.3", "a barn, hay"),
        ("wide ADDCOMM left half ADDCOL right half", "wide, left half, right half"),
        ("BREAKFAST AT THE BRAND", "BREAKFAST AT THE BRAND"),
    ],
)
def test_parts_are_joined_by_commas(written: str, words: str) -> None:
    assert shown(written) == words


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("a [hen:fox:0.4] here", "a fox here"),
        ("a [hen:fox:0.7] here", "a hen here"),
        ("a [hen:fox:6] here", "a fox here"),
        ("a [hen:fox:16] here", "a hen here"),
        ("hen[, hat:0.5]", "hen, hat"),
        ("hen[, hat:0.8]", "hen"),
        ("hen[, hat::0.8]", "hen, hat"),
        ("hen[, hat::0.2]", "hen"),
        ("a [b:[c:d:0.3]:0.2] e", "a d e"),
        ("a [(hen:1.2):(fox:0.8):0.1]", "a fox"),
        ("[hen|fox|] runs", "hen and fox runs"),
        ("[fe|]male", "female"),
        ("a[ b:c ] d", "a b:c  d".replace("  ", " ")),
    ],
)
def test_of_a_schedule_stays_what_held_for_most_steps(written: str, words: str) -> None:
    assert shown(written) == words


def test_a_schedule_in_steps_is_read_by_the_number_of_steps() -> None:
    assert [shown("[hen:fox:16]", steps) for steps in (20, 50)] == ["hen", "fox"]


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("a hen (the brown one) [sic]", "a hen (the brown one) [sic]"),
        ("a hen (brown:1.2) [old]", "a hen brown old"),
        (r"hen, saber \(fate\)", "hen, saber (fate)"),
        ("<lora:a:1>, a hen (brown)", "a hen brown"),
    ],
)
def test_a_persons_brackets_stay_unless_marks_are_certain(written: str, words: str) -> None:
    assert caption(written) == words


@given(st.text(alphabet="ab ,.:|()[]<>\\#0.5\n-", max_size=60))
def test_any_text_becomes_one_line_without_loose_commas(text: str) -> None:
    for line in (shown(text), caption(text)):
        assert "\n" not in line and line == line.strip(" ,") and "  " not in line
