"""Who may import whom, and how large things may grow."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HEAVY = {"torch", "diffusers", "transformers", "peft", "accelerate"}
OURS = {"app", "annotate", "align", "storage"}
FORBIDDEN = {
    "storage": HEAVY | {"gradio"} | OURS - {"storage"},
    "annotate": HEAVY | {"duckdb", "app", "align"},
    "align": {"gradio", "duckdb"} | OURS - {"align"},
}
GRADIO_FILES = {"permissions.py", "api.py", "errors_to_ui.py", "page.py", "stage.py"}
MAX_LINES = 300
MAX_FUNCTION = 60
MAX_LOOP = 150


def sources(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


@pytest.mark.parametrize("folder", FORBIDDEN)
def test_each_folder_imports_only_what_it_may(folder):
    strays = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in sources(folder)
        for name in set(imports(path)) & FORBIDDEN[folder]
    }
    assert not strays


def test_gradio_stays_in_the_thin_layer():
    strays = {
        str(path.relative_to(ROOT))
        for path in sources("annotate")
        if "gradio" in set(imports(path))
        and path.name not in GRADIO_FILES
        and path.parent.name != "tabs"
    }
    assert not strays


def test_the_app_never_imports_torch():
    code = f"import sys, app, annotate.web.page; print(*sorted(set(sys.modules) & {HEAVY!r}))"
    found = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert found.returncode == 0, found.stderr
    assert found.stdout.split() == []


@pytest.mark.parametrize("folder", ["annotate", "align", "storage"])
def test_files_and_functions_stay_short(folder):
    for path in sources(folder):
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= MAX_LINES, f"{path} is too long; split it by noun"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                limit = MAX_LOOP if node.name == "run_training" else MAX_FUNCTION
                length = (node.end_lineno or 0) - node.lineno + 1
                assert length <= limit, f"{path}: {node.name} has {length} lines"
