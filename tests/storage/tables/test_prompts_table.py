import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage import InvalidPrompt, Store

plain_text = st.text(
    st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=60
).filter(str.strip)


def texts(store: Store) -> list[str]:
    return [prompt.text for prompt in store.prompts()]


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=plain_text)
def test_any_plain_text_comes_back_as_it_was_without_the_space_around_it(store, text):
    store.add_prompts([text], "typed")

    assert text.strip() in texts(store)


@pytest.mark.parametrize(
    "text", ["it's a 'cat'", '"quoted"', "; DROP TABLE prompts; --", "日本 🐱‍👤"]
)
def test_quotes_and_unicode_are_only_text(store, text):
    store.add_prompts([text], "typed")

    assert texts(store) == [text]


def test_prompts_come_back_in_order_with_their_source(store):
    store.add_prompts(["b", "a"], "built-in")
    store.add_prompts(["c"], "pasted")

    assert [(p.text, p.source) for p in store.prompts()] == [
        ("b", "built-in"),
        ("a", "built-in"),
        ("c", "pasted"),
    ]


def test_only_new_prompts_are_counted(store):
    assert store.add_prompts(["a cat", "a dog", "a cat "], "typed") == 2
    assert store.add_prompts(["a dog", "a fox"], "typed") == 1
    assert store.add_prompts([], "typed") == 0
    assert texts(store) == ["a cat", "a dog", "a fox"]


@pytest.mark.parametrize(
    "text", ["", "   ", "x" * 2_001, "two\nlines", "a\x00b", "half a pair \ud800"]
)
def test_one_bad_prompt_is_named_by_its_line_and_keeps_all_out(store, text):
    with pytest.raises(InvalidPrompt, match=r"^Line 2 "):
        store.add_prompts(["a cat", text], "file")

    assert texts(store) == []


def test_the_longest_prompt_is_taken(store):
    longest = "🐱" * 2_000

    assert store.add_prompts([longest], "typed") == 1
    assert texts(store) == [longest]


def test_many_prompts_are_added_in_parts_and_again_after_a_kill_in_between(store, monkeypatch):
    monkeypatch.setattr("storage.tables.prompts.PROMPTS_PER_TRANSACTION", 3)
    many = [f"cat {number}" for number in range(10)]
    store.add_prompts(many[:4], "pasted")

    assert store.add_prompts([*many, "cat 0"], "pasted") == 6
    assert texts(store) == many
    with pytest.raises(InvalidPrompt, match=r"^Line 9 "):
        store.add_prompts([f"dog {number}" for number in range(8)] + [""], "pasted")
    assert texts(store) == many


def test_a_vote_gets_in_between_while_many_prompts_are_added(store, monkeypatch):
    """A part is one transaction, and what waits to write gets its turn before the next."""
    monkeypatch.setattr("storage.tables.prompts.PROMPTS_PER_TRANSACTION", 2)
    parts: list[int] = []
    write = store._database.write

    def counted(work, *args):
        parts.append(len(texts(store)))
        return write(work, *args)

    monkeypatch.setattr(store._database, "write", counted)
    store.add_prompts([f"cat {number}" for number in range(7)], "pasted")

    assert parts == [0, 2, 4, 6]
