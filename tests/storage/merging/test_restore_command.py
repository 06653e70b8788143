"""An export is written and restored by command, and refused where an app holds the studio."""

from __future__ import annotations

import pytest
from every_kind import give_every_kind
from storage_making import BASE

from storage import Store
from storage.__main__ import main

pytestmark = pytest.mark.slow


def test_votes_go_out_and_come_back_by_command(store, home, tmp_path, capsys):
    give_every_kind(store)
    votes = store.counts(BASE).decisive
    store.close()
    out, new = tmp_path / "out", tmp_path / "new"
    assert main(["export", str(home), str(out), "--form", "pickapic"]) == 0
    assert main(["restore-votes", str(out), str(new)]) == 0
    assert "votes and 2 rankings" in capsys.readouterr().out
    with Store(new) as restored:
        assert restored.counts(BASE).decisive == votes
        assert main(["restore-votes", str(out), str(new)]) == 1
    assert "Press Restore votes under Settings" in capsys.readouterr().err
    assert main(["restore-votes", str(out), str(new)]) == 1
    assert "has votes already" in capsys.readouterr().err
