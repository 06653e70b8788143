"""Images of a prompt make few pairs each, none twice, none of two that look the same."""

from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from image_files_made import scene

from annotate.image_import.pairing import EXTRA_PAIRS, MAX_PAIRS, rounds, slices
from annotate.rendering.similarity import ImageFingerprint, fingerprint_of

PRINTS = [fingerprint_of(scene(seed)) for seed in range(60)]


@pytest.mark.parametrize("count", [2, 3, 4, 5, 9, 48])
def test_every_image_is_in_a_pair_and_in_few(count: int) -> None:
    pairs = [pair for made in rounds(PRINTS[:count]) for pair in made]
    assert len(pairs) == len(set(pairs)) and all(a < b for a, b in pairs)
    uses = Counter(place for pair in pairs for place in pair)
    assert set(uses) == set(range(count)) and max(uses.values()) <= MAX_PAIRS


def test_the_pairs_of_a_prompt_connect_all_its_images() -> None:
    reached, pairs = {0}, [pair for made in rounds(PRINTS[:31]) for pair in made]
    for _ in pairs:
        reached |= {place for pair in pairs if reached & set(pair) for place in pair}
    assert reached == set(range(31))


@given(st.lists(st.integers(0, 3), min_size=2, max_size=30))
def test_images_that_look_the_same_are_never_paired(looks: list[int]) -> None:
    prints: list[ImageFingerprint] = [PRINTS[look] for look in looks]
    pairs = [pair for made in rounds(prints) for pair in made]
    assert all(looks[a] != looks[b] for a, b in pairs)
    if len(set(looks)) > 1:
        assert pairs


@given(st.integers(2, 12), st.data())
def test_known_pairs_do_not_come_again_and_a_new_image_finds_a_partner(
    count: int, data: st.DataObject
) -> None:
    every = [pair for made in rounds(PRINTS[:count]) for pair in made]
    known = data.draw(st.lists(st.sampled_from(every), unique=True))
    more = [pair for made in rounds(PRINTS[: count + 1], known) for pair in made]
    assert not set(more) & set(known)
    uses = Counter(place for pair in [*more, *known] for place in pair)
    assert uses[count] and max(uses.values()) <= MAX_PAIRS + EXTRA_PAIRS


def test_slices_are_even_and_complete() -> None:
    for count in range(1, 120):
        parts = list(slices(range(count), 48))
        assert [place for part in parts for place in part] == list(range(count))
        assert max(map(len, parts)) - min(map(len, parts)) <= 1 and max(map(len, parts)) <= 48


def test_two_images_make_one_pair() -> None:
    assert rounds(PRINTS[:2]) == [[(0, 1)]]
    assert len(list(combinations(range(3), 2))) == len([p for r in rounds(PRINTS[:3]) for p in r])
