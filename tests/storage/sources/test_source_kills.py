"""An import or a removal that is killed at any step leaves the studio as before, or as after."""

from pathlib import Path

import pytest
from source_kills import copied, killed, prepare, state

pytestmark = pytest.mark.slow

POINTS = {"files": (1, 4, 12, 40), "copy": (3, 6, 12), "remove": (2, 8, 30)}


@pytest.mark.parametrize("what", POINTS)
def test_a_kill_leaves_the_studio_as_before_or_as_after(what: str, tmp_path: Path) -> None:
    home, files = prepare(tmp_path)
    if what == "remove":
        assert not killed(home, files, "files", 0)[0]
    before = state(home)
    done = copied(home, tmp_path / "done")
    assert not killed(done, files, what, 0)[0]
    after = state(done)

    for point in POINTS[what]:
        studio = copied(home, tmp_path / "killed")
        was_killed, steps = killed(studio, files, what, point)
        assert was_killed, f"{what} has {len(steps)} steps only"
        left = state(studio)
        assert left in (before, after), f"{what} killed at step {point}, {steps[-1]}"
        # And the same again goes through.
        if left == before and point == POINTS[what][0]:
            assert not killed(studio, files, what, 0)[0]
            assert state(studio).names == after.names
