"""Best of n: images ranked by a version's implicit reward, or by the votes."""

import gradio as gr
import pytest
from annotate_doubles import PaintingSampler
from places import Place, until

from annotate.comparison.best_of_n import VOTES
from annotate.errors import InvalidRequest
from annotate.insights.attributes import NAMES, attributes
from annotate.labeling.new_acts import as_vote
from annotate.web.tabs.best_of_n_section import BestOfNSection
from storage.errors import UnknownVersion

pytestmark = pytest.mark.slow


@pytest.fixture
def tuned(place: Place) -> Place:
    place.label(1)
    place.reach(place.studio.fine_tune({})["run_id"], "done")
    return place


def worth(place: Place, url: str) -> float:
    file = place.studio.image_file(url.removeprefix("img/").removesuffix(".png"))
    assert file is not None
    return PaintingSampler.worth(file)


def test_the_best_are_those_that_the_judge_ranks_highest(tuned: Place) -> None:
    seeds = list(range(40, 60))
    *steps, chosen = tuned.studio.best_of_n.choose("a cat", seeds, "base", "v1", 3)
    drawn = [tuned.studio.compare("a cat", seed, "base", "v1") for seed in seeds]
    ranked = sorted(drawn, key=lambda urls: -worth(tuned, urls["before_url"]))
    assert [worth(tuned, url) for url in chosen.best] == [
        worth(tuned, urls["before_url"]) for urls in ranked[:3]
    ]
    assert chosen.random == tuple(urls["before_url"] for urls in drawn[:3])
    assert chosen.tuned == tuple(urls["after_url"] for urls in drawn[:3])
    done = [step.done for step in steps]
    assert done == sorted(done) and done[-1] == chosen.done == chosen.total == 43


def image_of(url: str) -> str:
    return url.removeprefix("img/").removesuffix(".png")


def warmth(place: Place, image_id: str) -> float:
    file = place.studio.image_file(image_id)
    assert file is not None
    return float(attributes(file)[NAMES.index("warmth")])


@pytest.mark.parametrize(
    ("seeds", "judge", "shown", "words"),
    [
        ([1], "v1", 1, "2 to 64"),
        (list(range(65)), "v1", 1, "2 to 64"),
        ([1, 2], "v1", 3, "3 of 2 is not possible"),
        ([1, 2], "base", 1, "base cannot judge"),
    ],
)
def test_a_choice_that_cannot_be_made_is_refused_at_once(
    tuned: Place, seeds: list[int], judge: str, shown: int, words: str
) -> None:
    with pytest.raises(InvalidRequest, match=words):
        tuned.studio.best_of_n.choose("a cat", seeds, "base", judge, shown)


def test_an_unknown_judge_or_painter_is_refused_at_once(tuned: Place) -> None:
    for names in (("v9", "v1"), ("base", "v9")):
        with pytest.raises(UnknownVersion, match="v9"):
            tuned.studio.best_of_n.choose("a cat", [1, 2], *names, 1)


def test_the_votes_judge_where_there_is_no_version(place: Place) -> None:
    with pytest.raises(InvalidRequest, match="say nothing of a taste yet"):
        place.studio.best_of_n.choose("a cat", [1, 2], "base", VOTES, 1)
    for _ in range(40):
        pair = place.store.pair(
            until(lambda: place.studio.pairs_ahead("ann", [], 1)["pairs"])[0]["pair_id"]
        )
        warmer = warmth(place, pair.left) > warmth(place, pair.right)
        place.studio.vote(as_vote(pair.pair_id, "left" if warmer else "right", "ann", pair.pair_id))
    seeds = list(range(24))
    *steps, chosen = place.studio.best_of_n.choose("a cat", seeds, "base", VOTES, 4)
    drawn = [place.studio.compare("a cat", seed, "base", "base")["before_url"] for seed in seeds]
    warm = sorted((warmth(place, image_of(url)) for url in drawn), reverse=True)
    assert min(warmth(place, image_of(url)) for url in chosen.best) >= warm[len(warm) // 2]
    assert (chosen.tuned, chosen.done, chosen.total) == ((), 48, 48)
    assert steps[-1].total == 48


def test_the_active_version_stands_beside_what_the_votes_chose(tuned: Place) -> None:
    tuned.label(12)
    assert tuned.studio.best_of_n.tuned_by(VOTES) is None
    tuned.studio.activate("v1")
    *_, chosen = tuned.studio.best_of_n.choose("a cat", [1, 2, 3], "base", VOTES, 2)
    drawn = [tuned.studio.compare("a cat", seed, "base", "v1")["after_url"] for seed in (1, 2)]
    assert chosen.tuned == tuple(drawn)


def test_the_tab_shows_random_best_and_tuned_and_tells_how_far_it_is(tuned: Place) -> None:
    with gr.Blocks():
        form = BestOfNSection(tuned.studio)
    first, *_, last = form.choose("a cat\na dog", "5", "base", "v1", 4, 2)
    assert first["busy"] and "of 20 steps" in first["status"]
    assert last["columns"] == ["base, random", "base, best of 4", "v1, random"]
    assert (last["row"], last["seeds"], last["status"]) == ("place", [1, 2], "")
    assert len(last["cells"]) == 4 and all(all(row) for row in last["cells"])
    with pytest.raises(InvalidRequest, match="5 prompts with 64 images each are 320"):
        next(form.choose("a\nb\nc\nd\ne", "1", "base", "v1", 64, 2))
    with pytest.raises(InvalidRequest, match="Choose who judges"):
        next(form.choose("a", "1", "base", None, 4, 2))
