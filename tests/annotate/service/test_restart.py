"""What an app makes of the runs that an earlier one left."""

import pytest
from places import ENDLESS, Open

from annotate.web.page import build_page

pytestmark = pytest.mark.slow


def test_a_live_trainer_is_adopted_after_a_restart_and_never_doubled(open_place: Open) -> None:
    place = open_place()
    place.label(1)
    run_id = place.studio.fine_tune({"steps": 200})["run_id"]
    process = place.trainer_process(run_id)
    place.close()
    assert process.is_running()
    place = open_place()
    assert place.state(run_id) == "running"
    place.studio.resume_run(run_id)
    assert place.reach(run_id, "done")["version"] == "v1"
    assert place.starts(run_id) == 1


def test_a_run_that_ended_while_the_app_was_closed_becomes_one_version(open_place: Open) -> None:
    place = open_place()
    place.label(1)
    run_id = place.studio.fine_tune({"steps": 20})["run_id"]
    place.close()
    place.trainer.children[0].wait()
    for _ in range(2):
        place = open_place()
        assert place.state(run_id) == "done"
        assert [version["run_id"] for version in place.studio.versions()] == [None, run_id]
        place.close()


def test_a_run_whose_trainer_died_while_the_app_was_closed_is_interrupted(
    open_place: Open,
) -> None:
    place = open_place()
    place.label(1)
    run_id = place.studio.fine_tune(ENDLESS)["run_id"]
    waiting = place.studio.fine_tune({})["run_id"]
    place.close()
    place.trainer.end()
    place = open_place()
    assert place.state(run_id) == "interrupted"
    place.reach(waiting, "done")
    assert place.state(run_id) == "interrupted"


def test_an_app_starts_with_a_run_folder_that_cannot_be_read(open_place: Open) -> None:
    place = open_place()
    place.label(1)
    run_id = place.studio.fine_tune(ENDLESS)["run_id"]
    place.trainer_process(run_id)
    place.close()
    place.trainer.end()
    (place.store.images_dir.parent / "runs" / run_id / "status.json").write_bytes(b"{")
    place = open_place()
    assert place.studio.runs()[0]["state"] == "failed"
    assert "cannot be read" in place.studio.run_detail(run_id)["error"]


def test_a_page_that_was_open_still_reaches_the_stage_once_a_database_was_put_back(
    open_place: Open,
) -> None:
    """Its calls name what they are for by number, so no notice may move the numbers."""
    place = open_place()
    before = build_page(place.studio).blocks
    place.store.opening.recovered.append("The database was damaged.")
    after = build_page(place.studio).blocks
    kinds = [[type(block) for _, block in sorted(blocks.items())] for blocks in (before, after)]
    assert kinds[0] == kinds[1]
    shown = [block for block in after.values() if getattr(block, "elem_id", None) == "recovered"]
    assert [block.visible for block in shown] == [True] and "was damaged" in shown[0].value
