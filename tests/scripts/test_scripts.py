"""The page's scripts: their own tests in Node, and their types in TypeScript's checker.

Without Node.js or tsc the tests are skipped, unless PALATE_REQUIRE_NODE=1.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "annotate" / "web" / "static"
TESTS = sorted(Path(__file__).parent.glob("*.test.js"))
IMPORTED = re.compile(r'"\.\./\.\./annotate/web/static/([\w/]+\.js)"')
REQUIRED = "PALATE_REQUIRE_NODE"
"""Set where a skipped test would hide a broken script."""
OLDEST_NODE = 18
MAX_LINES = 300


def program(name: str, package: str) -> str:
    """Return the path of a program; without it skip the test, or fail it where it is required."""
    path = shutil.which(name)
    if path is None:
        missing = f"{name} is not installed (Debian's package {package})"
        pytest.fail(missing) if os.environ.get(REQUIRED) else pytest.skip(missing)
    return path


@pytest.fixture(scope="module")
def node() -> str:
    path = program("node", "nodejs")
    version = subprocess.run([path, "--version"], capture_output=True, text=True).stdout
    if int(version.lstrip("v").split(".")[0]) < OLDEST_NODE:
        old = f"Node.js {OLDEST_NODE} or later is needed, not {version.strip()}"
        pytest.fail(old) if os.environ.get(REQUIRED) else pytest.skip(old)
    return path


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.name.removesuffix(".test.js"))
def test_a_script_does_what_its_tests_say(node: str, file: Path) -> None:
    ran = subprocess.run(
        [node, "--test", str(file)], cwd=ROOT, capture_output=True, text=True, encoding="utf-8"
    )
    assert ran.returncode == 0, ran.stdout[-6000:] + ran.stderr[-2000:]


def test_the_types_of_all_scripts_are_right() -> None:
    checked = subprocess.run(
        [program("tsc", "node-typescript"), "--project", "jsconfig.json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stdout


def test_every_script_has_a_test() -> None:
    tested = {name for file in TESTS for name in IMPORTED.findall(file.read_text("utf-8"))}
    assert {file.relative_to(STATIC).as_posix() for file in STATIC.rglob("*.js")} == tested


def imports() -> dict[str, set[str]]:
    """Return what each script imports, by their places below the folder."""
    found = {}
    for file in STATIC.rglob("*.js"):
        paths = re.findall(r'\bfrom "(\.{1,2}/[^"]+)";', file.read_text("utf-8"))
        reached = {(file.parent / path).resolve() for path in paths}
        place = file.relative_to(STATIC).as_posix()
        found[place] = {each.relative_to(STATIC).as_posix() for each in reached}
    return found


def test_the_stage_and_the_board_share_only_what_lies_above_both() -> None:
    strays = {
        f"{importer} imports {name}"
        for importer, names in imports().items()
        for name in names
        if "/" in name and name.split("/")[0] != importer.split("/")[0]
    }
    assert strays == set()


def test_no_script_imports_itself_by_others() -> None:
    graph = imports()
    while free := {name for name, names in graph.items() if not names & graph.keys()}:
        graph = {name: names for name, names in graph.items() if name not in free}
    assert graph == {}, "these import each other in a circle"


def test_scripts_stay_short() -> None:
    lengths = {file: len(file.read_text("utf-8").splitlines()) for file in STATIC.rglob("*.js")}
    assert {file.name: lines for file, lines in lengths.items() if lines > MAX_LINES} == {}


def test_no_script_leaves_anything_in_the_window() -> None:
    # What a script offers, others import.
    for file in STATIC.rglob("*.js"):
        assert not re.search(r"\b(window|globalThis)\.\w+ = ", file.read_text("utf-8")), file.name
