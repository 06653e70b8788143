"""A restore that is killed leaves a studio as it was, or with everything, and can be done again."""

from __future__ import annotations

import pytest
from restore_kills import copied, killed, prepare, state

pytestmark = pytest.mark.slow


def test_a_killed_restore_leaves_all_or_nothing(tmp_path):
    exported, empty, whole = prepare(tmp_path)
    before, after = state(empty), state(whole)
    assert before != after
    _, steps = killed(exported, copied(empty, tmp_path / "counted"), 0)
    commit = len(steps) - 1 - steps[::-1].index("before commit")
    rename = steps.index("after rename")

    ends = []
    for point in (rename, rename + 1, commit + 1, commit + 3, len(steps) - 1, len(steps)):
        home = copied(empty, tmp_path / "killed")
        was_killed, _ = killed(exported, home, point)
        assert was_killed
        found = state(home)
        assert found in (before, after)
        ends.append(found == after)
        if found == before:
            assert not killed(exported, home, 0)[0]
            assert state(home) == after
    assert ends[0] is False and ends[-1] is True
