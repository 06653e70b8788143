"""Progress of a request is told once a second, and only where an image takes seconds."""

import pytest
import torch

from align.contracts.rendering import RenderItem, RenderSettings
from align.sampling.latent_preview import LatentPreview
from align.sampling.progress import Previewer, report_of
from align.sampling.steps import DenoisingStep, ignore_step

pytestmark = pytest.mark.slow
ITEMS = [RenderItem("a cat", seed) for seed in range(4)]
LATENTS = torch.zeros(2, 4, 8, 8)


def request(**more):
    settings = RenderSettings(512, 512, 30, 5.0, "", "")
    asked = {"id": 7, "items": ITEMS, "adapters": [], "settings": settings}
    return {**asked, "prefer_throughput": False, "preemptible": False, **more}


def a_map() -> LatentPreview:
    return LatentPreview(torch.ones(4, 3), torch.zeros(3))


def run(step_s, given, make=a_map, steps=30, items=ITEMS[:2]):
    """Report the steps of a rendering that takes so long a step, and return what was told."""
    told, times = [], iter(range(1000))
    clock = lambda: step_s * next(times)  # noqa: E731
    report = report_of(given, Previewer(make), told.append, clock)
    for number in range(1, steps + 1):
        report(DenoisingStep(items, number, steps, LATENTS[: len(items)]))
    return told


def test_a_slow_image_is_told_of_about_once_a_second():
    told = run(0.4, request(progress=True))
    # 0.4 s a step and two images at once: 6 s an image. A message every third step.
    assert [message["step"] for message in told] == [3, 6, 9, 12, 15, 18, 21, 24, 27, 30]
    first = told[0]
    assert (first["id"], first["indices"], first["count"], first["steps"]) == (7, [0, 1], 4, 30)
    assert first["seconds_left"] == pytest.approx(27 * 0.4)
    assert told[-1]["seconds_left"] == 0 and first["previews"] == []


def test_the_images_of_a_later_batch_are_told_by_their_places():
    told = run(0.4, request(progress=True), items=ITEMS[2:])
    assert told[0]["indices"] == [2, 3]


def test_nothing_is_told_where_an_image_takes_less_than_three_seconds():
    assert run(0.19, request(progress=True)) == []
    assert run(0.21, request(progress=True)) != []


def test_nothing_is_told_where_nobody_watches():
    assert report_of(request(), Previewer(a_map), print) is ignore_step
    assert report_of({"id": 1, "images": []}, Previewer(a_map), print) is ignore_step


def test_previews_come_only_where_they_were_asked_for():
    told = run(0.4, request(progress=True, previews=True))
    assert all(len(message["previews"]) == 2 for message in told)
    assert told[0]["previews"][0].startswith("data:image/jpeg;base64,")


def test_latents_that_have_no_preview_are_rendered_all_the_same():
    asked = []

    def broken():
        asked.append(1)
        raise RuntimeError("no decoder")

    told = run(0.4, request(progress=True, previews=True), broken)
    assert len(told) == 10 and {len(message["previews"]) for message in told} == {0}
    assert len(asked) == 1, "it is not tried again"
