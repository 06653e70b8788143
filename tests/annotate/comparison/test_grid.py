"""The same prompt and seed from two versions."""

import threading
import time
from typing import Any

import pytest
from annotate_doubles import PaintingSampler
from places import Open, Place, until

from align.contracts.rendering import Rendered
from annotate.errors import InvalidRequest
from storage.errors import InvalidPrompt, UnknownVersion

pytestmark = pytest.mark.slow


def content(place: Place, url: str) -> bytes:
    file = place.studio.image_file(url.removeprefix("img/").removesuffix(".png"))
    assert file is not None
    return file.read_bytes()


def test_base_against_base_is_the_same_image(place: Place) -> None:
    urls = place.studio.compare("a cat", 7, "base", "base")
    assert content(place, urls["before_url"]) == content(place, urls["after_url"])


@pytest.mark.slow
def test_two_versions_draw_different_images_and_another_seed_others(place: Place) -> None:
    place.label(1)
    place.reach(place.studio.fine_tune({})["run_id"], "done")
    urls = place.studio.compare("a cat", 7, "base", "v1")
    assert content(place, urls["before_url"]) != content(place, urls["after_url"])
    assert place.studio.compare("a cat", 8, "base", "v1") != urls
    assert not {"base", "v1"} & set("/".join(urls.values()).split("/"))


def test_asking_again_returns_the_same_files_without_drawing(open_place: Open) -> None:
    place = open_place()
    urls = place.studio.compare("a cat", 7, "base", "base")
    place.close()
    place = open_place()
    place.sampler.brush.clear()
    assert place.studio.compare(" a cat ", 7, "base", "base") == urls


def test_many_who_ask_for_the_same_get_the_same(place: Place) -> None:
    answers: list[dict[str, str]] = []

    def ask() -> None:
        answers.append(place.studio.compare("a dog", 3, "base", "base"))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 6 and all(answer == answers[0] for answer in answers)


def test_an_image_that_was_deleted_is_drawn_again(place: Place) -> None:
    urls = place.studio.compare("a cat", 7, "base", "base")
    file = place.studio.image_file(urls["before_url"][4:20])
    assert file is not None
    file.unlink()
    assert place.studio.compare("a cat", 7, "base", "base") == urls
    assert file.is_file()


def waits_for_the_brush(place: Place) -> bool:
    """Return whether the pool holds its requests: no new one begins for a while."""
    before = len(place.sampler.requests)
    time.sleep(0.5)
    return 0 < before == len(place.sampler.requests)


def test_a_comparison_goes_before_the_pool(place: Place) -> None:
    place.sampler.brush.clear()
    until(lambda: waits_for_the_brush(place))
    done: list[Any] = []
    thread = threading.Thread(
        target=lambda: done.append(place.studio.compare("a cat", 7, "base", "base"))
    )
    thread.start()
    until(lambda: place.studio._pool._holds)
    waiting = len(place.sampler.requests)
    place.sampler.brush.set()
    thread.join()
    assert done and place.sampler.requests[waiting] == 1


class PausesInARequest(PaintingSampler):
    """Puts the brush down after five images of the first large request."""

    pause_after = 5

    def _paint(self, *asked: Any) -> Rendered:
        painted = super()._paint(*asked)
        if len(self.requests) == 2 and self.pause_after:
            self.pause_after -= 1
            if not self.pause_after:
                self.brush.clear()
        return painted


@pytest.mark.slow
def test_a_request_of_the_pool_that_gave_way_leaves_its_whole_pairs(open_place: Open) -> None:
    place = open_place(sampler=PausesInARequest, min_ready=24)
    until(lambda: not place.sampler.brush.is_set())
    assert place.sampler.requests == [2, 16]
    answer: list[Any] = []

    def compare() -> None:
        answer.append(place.studio.compare("a cat", 7, "base", "base"))

    thread = threading.Thread(target=compare)
    thread.start()
    until(lambda: place.sampler.waiting)
    assert place.studio.stats()["ready_pairs"] == 3, "one, and two of five images"
    place.sampler.brush.set()
    thread.join()
    assert answer and place.sampler.requests[:3] == [2, 16, 1]
    until(lambda: place.studio.stats()["ready_pairs"] >= 24)
    assert sum(place.sampler.requests[3:]) == 2 * (24 - 3), "what was left is drawn anew"


def test_many_comparisons_come_prompt_by_prompt_in_groups_that_grow(place: Place) -> None:
    place.sampler.requests.clear()
    groups = [
        sorted(group)
        for group in place.studio.compare_many(["a cat", "a dog"], list(range(5)), "base", "base")
    ]
    assert groups == [[0, 1], [2, 3, 4, 5], [6, 7, 8, 9]]


@pytest.mark.slow
def test_the_pool_goes_on_when_a_comparison_is_stopped_half_way(place: Place) -> None:
    groups = place.studio.compare_columns(["a cat", "a dog"], list(range(9)), ["base", "base"])
    stored, first = next(groups), next(groups)
    assert not stored and len(first) == 2
    asked = len(place.sampler.requests)
    groups.close()  # type: ignore[attr-defined]
    place.label(20)
    until(lambda: len(place.sampler.requests) > asked)


def test_what_is_stored_comes_first_and_at_once(place: Place) -> None:
    stored = place.studio.compare("a dog", 1, "base", "base")
    groups = place.studio.compare_many(["a cat", "a dog"], [1], "base", "base")
    assert next(groups) == {1: stored}
    assert list(next(groups)) == [0]


def test_the_same_prompt_twice_is_drawn_once_and_shown_twice(place: Place) -> None:
    drawn = next(place.studio.compare_many(["a cat", "a cat"], [1], "base", "base"))
    assert drawn[0] == drawn[1]


@pytest.mark.parametrize(
    ("prompts", "seeds", "words"),
    [("a cat", [1], "list of texts"), (["a"] * 17, list(range(16)), "272 comparisons")],
)
def test_too_many_comparisons_or_none_are_refused_at_once(
    place: Place, prompts: Any, seeds: Any, words: str
) -> None:
    with pytest.raises(InvalidRequest, match=words):
        place.studio.compare_many(prompts, seeds, "base", "base")


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, "7", None, True, float("nan")])
def test_a_seed_that_is_none_is_refused(place: Place, seed: Any) -> None:
    with pytest.raises(InvalidRequest, match="whole number from 0"):
        place.studio.compare("a cat", seed, "base", "base")


def test_the_largest_seed_and_a_whole_float_are_seeds(place: Place) -> None:
    assert place.studio.compare("a cat", 2**32 - 1, "base", "base")
    whole: Any = 7.0
    assert place.studio.compare("a cat", whole, "base", "base")


@pytest.mark.parametrize("prompt", ["", "  ", "x" * 5000, "a\x00b"])
def test_a_prompt_that_cannot_be_drawn_is_refused(place: Place, prompt: str) -> None:
    with pytest.raises(InvalidPrompt):
        place.studio.compare(prompt, 1, "base", "base")


def test_an_unknown_version_is_refused(place: Place) -> None:
    with pytest.raises(UnknownVersion):
        place.studio.compare("a cat", 1, "base", "v7")
