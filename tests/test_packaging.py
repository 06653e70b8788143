"""What is imported is declared, and what is shipped is whole."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
OURS = {"app", "annotate", "align", "storage"}
OPTIONAL = {
    # Come with a CUDA installation; a run that lacks them says so.
    *("bitsandbytes", "triton"),
    # The extra `emoji`.
    "resvg_py",
}
HELPERS = {path.stem for path in (ROOT / "tests").rglob("*.py")} | {"tests"}


def normal(name: str) -> str:
    """Return a distribution's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\s<>=!~;\[]", name)[0]).lower()


def imported(path: Path) -> set[str]:
    """Return the top-level modules that a file imports, those inside functions included."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found - set(sys.stdlib_module_names) - {"__future__"}


def modules(*folders: str) -> set[str]:
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return {name for path in paths for name in imported(path)}


def undeclared(names: set[str], declared: set[str]) -> set[str]:
    owners = packages_distributions()
    return {
        name
        for name in names
        if not {normal(owner) for owner in owners.get(name, [name])} & declared
    }


def declared(*extras: str) -> set[str]:
    project = PROJECT["project"]
    lists = [project["dependencies"], *(project["optional-dependencies"][e] for e in extras)]
    return {normal(requirement) for each in lists for requirement in each}


@pytest.mark.slow
def test_what_the_packages_import_is_declared():
    names = modules("annotate", "align", "storage") | imported(ROOT / "app.py")
    assert undeclared(names - OURS - OPTIONAL, declared()) == set()


@pytest.mark.slow
def test_what_the_tests_import_is_declared():
    names = modules("tests") - OURS - HELPERS - OPTIONAL
    assert undeclared(names, declared("test", "emoji")) == set()


@pytest.mark.slow
def test_what_is_declared_is_imported():
    names = {normal(name) for name in modules("annotate", "align", "storage")}
    names |= {normal(name) for name in imported(ROOT / "app.py")} | {"pillow"}
    assert declared() - names == set()


@pytest.mark.parametrize("package", ["annotate", "align", "storage"])
def test_every_package_is_marked_as_typed(package):
    assert (ROOT / package / "py.typed").is_file()
    assert "py.typed" in PROJECT["tool"]["setuptools"]["package-data"][package]


def test_every_file_that_is_no_module_is_shipped():
    data = PROJECT["tool"]["setuptools"]["package-data"]
    # A folder that a pattern matches is not shipped: setuptools takes files alone.
    shipped = {
        path
        for package, patterns in data.items()
        for pattern in patterns
        for path in (ROOT / package.replace(".", "/")).glob(pattern)
        if path.is_file()
    }
    whole = {
        path
        for package in ("annotate", "align", "storage")
        for path in (ROOT / package).rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc")
    }
    assert {path.relative_to(ROOT).as_posix() for path in whole - shipped} == set()


def test_exact_pins_are_explained():
    pages = (ROOT / "docs/internals.md").read_text("utf-8")
    for requirement in PROJECT["project"]["dependencies"]:
        if "==" in requirement:
            assert f"`{requirement}`" in pages
