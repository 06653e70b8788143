"""Somebody who waits for a slow image is told how far it is, and not which version renders it."""

import pytest
from places import Place, until

from align.contracts.rendering import RenderItem
from annotate.background import ticking
from annotate.comparison.mixes import parse_mix
from annotate.rendering.rendering_watch import RenderingWatch, about, named_places, sentence
from annotate.service.labeler_view import LabelerView

pytestmark = pytest.mark.slow
TOLD = {
    "id": 1, "indices": [0], "count": 2, "step": 12, "steps": 30, "seconds_left": 20.0,
    "previews": ["data:image/jpeg;base64,AAAA"],
}  # fmt: skip


@pytest.fixture
def min_ready() -> int:
    return 2


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "Image 1 of 2, step 12 of 30, about 20 s."),
        ({"indices": [2, 3], "count": 8}, "Images 3 and 4 of 8, step 12 of 30, about 20 s."),
        ({"indices": [0, 1, 2, 3], "count": 4}, "Images 1 to 4 of 4, step 12 of 30, about 20 s."),
        ({"count": 1}, "Step 12 of 30, about 20 s."),
        ({"step": 30}, "Image 1 of 2, step 30 of 30, about 20 s."),
    ],
)
def test_the_sentence_names_image_step_and_time(changes, said):
    assert sentence({**TOLD, **changes}, 20.4) == said


def test_times_are_rough():
    assert [about(seconds) for seconds in (-3, 1, 4.2, 12, 63, 100, 600, 47_100)] == [
        "any moment", "any moment", "about 4 s", "about 10 s", "about 65 s", "about 2 min",
        "about 10 min", "about 13 h",
    ]  # fmt: skip
    assert named_places([7]) == "Image 7"


def test_the_time_runs_on_between_two_messages_and_nothing_is_told_afterwards():
    now = [100.0]
    watch = RenderingWatch(lambda: now[0])
    with watch.watching():
        assert watch.view() is None
        watch.tell(TOLD)
        now[0] += 8
        assert watch.message == "Image 1 of 2, step 12 of 30, about 10 s."
    assert (watch.view(), watch.message) == (None, "")


def take_all(place: Place) -> list[str]:
    """Let ann take every pair while the next request waits, and return her pairs."""
    until(lambda: place.studio.stats()["ready_pairs"] >= 2)
    place.sampler.brush.clear()
    ids = [pair["pair_id"] for pair in place.studio.pairs_ahead("ann", [], 48)["pairs"]]
    until(lambda: place.studio._pool.requests.watch.view())
    return ids


def test_somebody_without_a_pair_sees_what_is_rendered(place: Place) -> None:
    place.sampler.told = dict(TOLD)
    ids = take_all(place)
    wait = place.studio.next_pair("bob")
    assert wait["rendering"]["message"].startswith("Image 1 of ")
    assert wait["rendering"]["previews"] == TOLD["previews"]
    assert "rendering" not in place.studio.pairs_ahead("ann", ids, 48), "ann has pairs"
    place.sampler.brush.set()


def test_labelers_see_it_too_but_no_hint_while_a_blind_test_is_mixed_in(place: Place) -> None:
    place.sampler.told = dict(TOLD)
    labeler = LabelerView(place.studio, place.store.people)
    take_all(place)
    assert labeler.pairs_ahead("bob", [], 1)["rendering"]["previews"]
    place.studio._assigner.mix_in("t1")
    assert "rendering" not in labeler.pairs_ahead("bob", [], 1)
    place.sampler.brush.set()


def test_a_comparison_is_told_without_previews(place: Place) -> None:
    place.sampler.told = dict(TOLD)
    items = [RenderItem("a cat", seed) for seed in (1, 2)]
    groups = place.studio._grid.render(items, [parse_mix("base")])
    next(groups)
    place.sampler.brush.clear()
    parts = ticking(groups, 0.01)
    said = until(lambda: next(parts) is None and place.studio.comparison_progress())
    assert said.startswith("Image 1 of 2, step 12 of 30")
    assert place.studio._grid.watch.view()["previews"] == []
    place.sampler.brush.set()
    assert [part for part in parts if part]
    assert place.studio.comparison_progress() == ""


def test_a_blind_test_is_told_of_without_previews_and_to_whoever_votes_in_it_alone(
    place: Place,
) -> None:
    assert not place.studio.blind_tests.watch.previews
    place.studio.blind_tests.watch.tell({**TOLD, "previews": []})
    wait = {"wait_s": 1.0, "reason": "Rendering images with both versions."}
    place.studio._add_progress(wait, "t1")
    assert wait["rendering"] == {"message": place.studio.blind_tests.watch.message, "previews": []}
