"""Three trees of errors, whose leaves fall into four categories."""

from __future__ import annotations

import inspect
import re
from importlib import import_module

import pytest

from align.contracts.errors import Conflict, InvalidInput, NotFound, PalateError, Unavailable

CATEGORIES = (NotFound, InvalidInput, Conflict, Unavailable)
TREES = {"storage": "StorageError", "annotate": "AnnotateError", "align": "AlignError"}
WITHOUT = {
    "annotate": {"NotAllowed", "SignInRefused"},  # who asks is the fault, not what is asked
    "align": {"Cancelled", "Paused", "TrainingDiverged"},  # how a run ended, not a refusal
    "storage": set(),
}


def tree_of(package: str) -> dict[str, type[PalateError]]:
    """The classes that a package's errors.py makes, its root included."""
    module = import_module(f"{package}.errors")
    return {
        name: kind
        for name, kind in inspect.getmembers(module, inspect.isclass)
        if kind.__module__ == module.__name__
    }


def leaves(kinds: dict[str, type[PalateError]]) -> set[str]:
    parents = {base.__name__ for kind in kinds.values() for base in kind.__bases__}
    return set(kinds) - parents


def categories_of(kind: type[PalateError]) -> list[type[PalateError]]:
    return [category for category in CATEGORIES if issubclass(kind, category)]


@pytest.mark.parametrize("package", TREES)
def test_every_error_is_of_its_package_and_raised_on_purpose(package):
    kinds = tree_of(package)
    root = kinds[TREES[package]]
    assert issubclass(root, PalateError)
    assert all(issubclass(kind, root) for kind in kinds.values())


@pytest.mark.parametrize("package", TREES)
def test_every_leaf_falls_into_one_category(package):
    kinds = tree_of(package)
    for name in leaves(kinds):
        assert len(categories_of(kinds[name])) == (name not in WITHOUT[package]), name


@pytest.mark.parametrize("package", TREES)
def test_the_docstring_draws_each_error_under_its_category(package):
    kinds, category, drawn = tree_of(package), None, {}
    for line in inspect.getdoc(import_module(f"{package}.errors")).splitlines():
        found = re.match(r"([│ ]*)[├└]── (\w+)", line)
        if found and not found[1]:
            category = found[2]
        if found:
            drawn[found[2]] = category
    assert leaves(kinds) <= set(drawn)
    for name, kind in kinds.items():
        if name in drawn:
            assert [drawn[name]] == ([one.__name__ for one in categories_of(kind)] or [name])
