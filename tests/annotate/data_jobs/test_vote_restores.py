"""Votes are restored as a job of the page's, and told in a sentence."""

from __future__ import annotations

import threading

import pytest
from every_kind import give_every_kind
from storage_making import BASE

from annotate.data_jobs.vote_restores import VoteRestores
from annotate.errors import InvalidRequest
from storage import Store
from storage.errors import FolderTaken

pytestmark = pytest.mark.slow


def test_votes_are_restored_into_the_open_studio_once(tmp_path):
    with Store(tmp_path / "old") as old:
        old.ensure_base(BASE)
        give_every_kind(old)
        old.exports.write("pickapic", tmp_path / "out")
    with Store(tmp_path / "new") as new:
        new.ensure_base(BASE)
        told: list[tuple[int, int]] = []
        plan = VoteRestores(new).restoring(f' "{tmp_path / "out"}" ')
        result = plan.work(lambda done, of: told.append((done, of)), threading.Event())

        assert result["votes"] == new.counts(BASE).votes - 2 and result["rankings"] == 2
        assert result["message"].startswith(f"Restored {result['votes']} votes and 2 rankings")
        assert told[-1][0] == told[-1][1]
        with pytest.raises(FolderTaken):
            plan.work(lambda done, of: None, threading.Event())
        with pytest.raises(InvalidRequest, match="Name the folder"):
            VoteRestores(new).restoring("  ")
