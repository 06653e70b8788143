"""A version is shown with images that it made: samples of its run, or what it rendered last."""

import json
from pathlib import Path

import pytest
from PIL import Image
from places import Place

from align.contracts.run_samples import SAMPLES_FILE, image_name
from annotate.service.version_images import MAX_IMAGES, VersionImages
from annotate.web.html.blind_test_cards import blind_test_card
from annotate.web.html.version_thumbnails import compared

pytestmark = pytest.mark.slow


@pytest.fixture
def tuned(place: Place) -> Place:
    place.label(2)
    place.reach(place.studio.fine_tune({})["run_id"], "done")
    return place


def add_samples(run_dir: Path) -> None:
    """Let a run have rendered two prompts at its beginning, at a half, and at its end."""
    prompts = [{"prompt": f"a cat {i}", "seed": i, "voted": bool(i)} for i in range(2)]
    stages = []
    for share in (0.0, 0.5, 1.0):
        images = [image_name(share, index) for index in range(2)]
        stages.append({"step": 1, "share": share, "images": images, "seconds": 1.0})
        for name in images:
            (run_dir / name).parent.mkdir(exist_ok=True)
            Image.new("RGB", (8, 8)).save(run_dir / name)
    text = json.dumps({"prompts": prompts, "stages": stages})
    (run_dir / SAMPLES_FILE).write_text(text, encoding="utf-8")


def test_a_version_shows_the_last_samples_of_its_run_and_the_base_the_first(tuned: Place) -> None:
    add_samples(tuned.store.run_dir("r0001"))
    base, version = tuned.studio.registry.lineage()
    run_dir = tuned.store.run_dir("r0001")
    first, last = (
        [f"sample/{run_dir.name}-{Path(image_name(share, i)).name}" for i in range(2)]
        for share in (0.0, 1.0)
    )
    assert (base["thumbnail_urls"], version["thumbnail_urls"]) == (first, last)


def test_without_samples_the_images_that_it_rendered_last_are_shown(tuned: Place) -> None:
    base, version = tuned.studio.registry.lineage()
    assert 0 < len(base["thumbnail_urls"]) <= MAX_IMAGES and version["thumbnail_urls"] == []
    *_, images = tuned.studio.compare_many(["a yak", "a hen"], [1, 2], "base", "v1")
    shown = tuned.studio.registry.lineage()[1]["thumbnail_urls"]
    # One for each prompt.
    assert len(shown) == len(set(shown)) == 2
    assert images and all(url.startswith("img/") for url in shown)
    other = VersionImages(tuned.store, "another model")
    assert other.urls(tuned.store.version(tuned.studio._model_id, "v1")) == []


def test_a_blind_test_shows_its_versions_once_nobody_votes_any_more(tuned: Place) -> None:
    add_samples(tuned.store.run_dir("r0001"))
    tests, titles = tuned.studio.blind_tests, tuned.studio.registry.titles()
    trial = tests.begin("base", "v1", [f"prompt {n} of the test" for n in range(4)])["trial"]
    cards = []
    for results in (tests.results(trial), tests.end(trial)):
        cards.append(blind_test_card({**results, "report_url": None}, "base", titles))
    assert "<img" not in cards[0] and cards[1].count("<img") == 4


def test_a_comparison_shows_the_versions_that_are_chosen_and_no_mix(tuned: Place) -> None:
    add_samples(tuned.store.run_dir("r0001"))
    tuned.studio.registry.rename("v1", "warm <b>")
    html = compared(["v1", "v1@0.5", "v7"], tuned.studio.registry.titles())
    assert html.count("<figure>") == 1 and "warm &lt;b&gt; (v1)" in html
    assert compared(["v7"], tuned.studio.registry.titles()) == ""
