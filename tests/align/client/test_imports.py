"""Imports without collections leave the garbage collector as it was."""

from __future__ import annotations

import gc

import pytest

from align.client.imports import without_collections


@pytest.fixture(autouse=True)
def collector():
    """What is frozen here stays so: thawing would have every later test look at it again."""
    yield
    gc.enable()


def test_nothing_is_collected_meanwhile_and_what_was_made_is_never_looked_at_again():
    frozen = gc.get_freeze_count()
    with without_collections():
        assert not gc.isenabled()
        made = [[] for _ in range(1000)]
    assert gc.isenabled() and len(made) == 1000
    assert gc.get_freeze_count() >= frozen + 1000


def test_an_import_that_fails_leaves_the_collector_on():
    with pytest.raises(ImportError), without_collections():
        raise ImportError("no such library")
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off():
    gc.disable()
    with without_collections():
        pass
    assert not gc.isenabled()
