"""kill -9 during a backup, a restore and a merge: as before or as after, and the next one whole.

tests/bench/data_kills.py kills at 40 points of each.
"""

from __future__ import annotations

import pytest
from data_kills import WHATS, Scene

pytestmark = [pytest.mark.slow, pytest.mark.long]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return Scene(tmp_path_factory.mktemp("kills"))


def last_before(steps: list[str], name: str) -> int:
    """Return the number of the last step whose name begins so."""
    return max(number for number, step in enumerate(steps, start=1) if step.startswith(name))


NAMED: dict[str, tuple[str, ...]] = {
    "backup": ("before replace manifest", "after replace manifest"),
    "restore": ("before rename", "after rename"),
    "replace": ("before rename .palate-ready", "after rename .palate-ready"),
    "merge": ("after replace r0001", "after make_room", "after write"),
}


@pytest.mark.parametrize("what", WHATS)
def test_whatever_a_kill_ends_is_as_before_or_as_after(scene, what):
    steps = scene.kill(what, 0).steps
    for name in NAMED[what]:
        assert scene.kill(what, last_before(steps, name)).killed, name
