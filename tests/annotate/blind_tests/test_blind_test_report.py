"""A blind test is saved with its votes, and reported by the same code as an evaluation."""

import json

import pytest
from PIL import Image
from places import Place, until

from annotate.__main__ import main
from annotate.errors import InvalidRequest
from annotate.labeling.new_acts import as_vote
from annotate.report.evaluation import read_evaluation
from annotate.web.html.blind_test_cards import blind_test_card
from storage.errors import UnknownTrial

pytestmark = pytest.mark.slow

PROMPTS = ["a red <b>fox</b>", "a blue hen", "a yak", "a cow"]


@pytest.fixture
def voted(place: Place) -> Place:
    """A studio with a blind test of three questions in which somebody voted."""
    place.label(2)
    place.reach(place.studio.fine_tune({})["run_id"], "done")
    trial = place.studio.blind_tests.begin("base", "v1", PROMPTS, ("overall", "appeal"))["trial"]
    for number in range(12):
        pair = until(lambda: place.studio.pairs_ahead("ann", [], 1, trial)["pairs"])[0]
        stored = place.store.pair(pair["pair_id"])
        image = place.store.image(stored.left)
        assert image is not None
        side = "left" if image.version == "v1" else "right"
        place.studio.vote(
            as_vote(pair["pair_id"], side if number % 4 else "tie", "ann", f"k{number}")
        )
    return place


def test_the_saved_folder_holds_the_votes_the_images_and_the_report(voted: Place) -> None:
    saved = voted.studio.blind_tests.reports.save("t0001")
    folder = voted.store.images_dir.parent / saved["saved"]
    assert saved == {
        "trial": "t0001",
        "saved": "exports/emoji-0123456789ab/report-t0001",
        "url": "report/t0001.html",
    }
    evaluation = read_evaluation(folder)
    report = voted.studio.blind_tests.results("t0001")
    overall = evaluation.verdicts[0]
    told = report["questions"]["overall"]
    assert (overall.wins, overall.losses, overall.ties) == (
        told["wins"], told["losses"], told["ties"],
    )  # fmt: skip
    assert overall.win_rate is not None and overall.win_rate.rate == told["rate"]
    assert overall.by_person == report["by_person"] and overall.by_prompt == report["by_prompt"]
    assert [verdict.question for verdict in evaluation.verdicts] == ["overall", "appeal"]
    assert {version for version, _, _ in evaluation.images} == {"base", "v1"}
    drawn = {key[1:] for key in evaluation.images}
    assert len(evaluation.images) == 2 * len(drawn) >= 12
    assert all(file.is_file() for file in evaluation.images.values())
    with Image.open(evaluation.grids[0]) as sheet:
        assert sheet.width == 8 * 128
    page = (folder / "report.html").read_text("utf-8")
    assert "&lt;b&gt;fox" in page and "<b>fox" not in page


def test_the_pages_report_is_the_commands_report(voted: Place) -> None:
    saved = voted.studio.blind_tests.reports.save("t0001")
    folder = voted.store.images_dir.parent / saved["saved"]
    own = {name: (folder / name).read_bytes() for name in ("report.html", "report.md")}
    for name in own:
        (folder / name).unlink()
    assert main(["report", str(folder)]) == 0
    assert {name: (folder / name).read_bytes() for name in own} == own


def test_a_report_is_written_anew_with_the_votes_of_now(voted: Place) -> None:
    first = voted.studio.blind_tests.reports.save("t0001")
    folder = voted.store.images_dir.parent / first["saved"]
    before = json.loads((folder / "evaluation.json").read_text("utf-8"))["verdicts"][0]
    voted.studio.undo("ann")
    voted.studio.undo("ann")
    assert voted.studio.blind_tests.reports.save("t0001") == first
    after = json.loads((folder / "evaluation.json").read_text("utf-8"))["verdicts"][0]
    assert sum(after[n] for n in ("wins", "ties")) < sum(before[n] for n in ("wins", "ties"))
    assert not [file for file in folder.parent.iterdir() if file.name.startswith(".")]


def test_without_an_image_or_a_trial_there_is_no_report(place: Place) -> None:
    with pytest.raises(UnknownTrial, match="t0009"):
        place.studio.blind_tests.reports.save("t0009")
    place.label(2)
    place.reach(place.studio.fine_tune({})["run_id"], "done")
    place.sampler.brush.clear()
    trial = place.studio.blind_tests.begin("base", "v1", PROMPTS)["trial"]
    with pytest.raises(InvalidRequest, match="rendered yet"):
        place.studio.blind_tests.reports.save(trial)
    place.sampler.brush.set()


@pytest.mark.parametrize("name", ["", "..", "t0001/..", "../t0001", "t0002", "t0001\x00"])
def test_only_saved_reports_are_served(voted: Place, name: str) -> None:
    voted.studio.blind_tests.reports.save("t0001")
    assert voted.studio.blind_tests.reports.file("t0001") is not None
    assert voted.studio.blind_tests.reports.file(name) is None


def test_the_card_offers_a_report_once_there_is_a_vote(voted: Place) -> None:
    report = voted.studio.blind_tests.results("t0001")
    assert 'data-action="report"' in blind_test_card(report, "base")
    bare = report | {"votes": 0, "votes_needed": (1, 2)}
    assert 'data-action="report"' not in blind_test_card(bare, "base")
    linked = blind_test_card(report | {"report_url": "report/t0001.html"}, "base")
    assert 'href="report/t0001.html"' in linked
