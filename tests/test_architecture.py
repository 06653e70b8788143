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
    # Of align they may import what the test of shared modules says.
    "storage": HEAVY | {"gradio"} | OURS - {"storage", "align"},
    "annotate": HEAVY | {"duckdb", "app"},
    "align": {"gradio", "duckdb"} | OURS - {"align"},
}
CONTRACTS, INTERVALS = "align.contracts", "align.intervals"
SHARED = {"annotate": (CONTRACTS, INTERVALS), "storage": (CONTRACTS,)}
"""What the packages that do not train may import of the one that does."""
GRADIO_FILES = {"permissions.py", "api.py", "errors_to_ui.py", "page.py", "stage.py"}
LAYERS = {
    # Each room may import the rooms before it, and none after it.
    "align": [
        *(
            "contracts",
            "intervals",
            "errors",
            "files",
            "device",
            "device_facts",
            "device_memory",
            "card_by_shape",
        ),
        *("client", "launch", "models", "diffusion", "adapters", "families", "weights", "data"),
        *("scoring", "sampling", "evaluation", "training", "session", "emoji"),
        # The names of the library, imported when they are used.
        *("__init__", "commands", "__main__"),
    ],
    "annotate": [
        *("errors", "http_status", "views", "interfaces"),
        *("clock", "wording", "background", "urls", "png_chunks", "charts"),
        *("validation", "statistics", "labeling", "rendering", "insights", "comparison"),
        *("report", "versions", "training", "blind_tests", "image_import", "data_jobs", "auth"),
        *("service", "web", "console", "__main__"),
    ],
    "storage": [
        *("errors", "safe_files", "recipes", "records", "text", "acts", "lookalikes", "timestamps"),
        *("memory", "file_sizes", "database_failures", "database", "act_log", "schema"),
        *("studio_folder", "settling"),
        *("aggregates", "tables", "disk", "layouts", "sources"),
        *("snapshot", "exports", "backup", "replacement", "opening", "store"),
        *("studio_backup", "merging", "commands", "__init__", "__main__"),
    ],
}
PURE = {"annotate.statistics": (INTERVALS,), INTERVALS: ()}
"""Rooms of plain numbers, each with what it may import of ours besides itself."""
APP_MAY_IMPORT_OF_ALIGN = ("align.client", "align.contracts", "align.errors")
CLIENT_ROOMS = ("client", "contracts", "errors", "files")
MAX_FILES = 20
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


def imported(path: Path) -> Iterator[str]:
    """Every module that a file imports, in full."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room_of(module: str) -> str:
    """The room of one of our modules: the folder below the top, or the file that lies there."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


@pytest.mark.parametrize("folder", LAYERS)
def test_no_arrow_between_rooms_goes_back(folder):
    rooms = {
        path.stem if path.parent.name == folder else path.relative_to(ROOT / folder).parts[0]
        for path in sources(folder)
    }
    order = LAYERS[folder]
    assert rooms - {"__init__"} == set(order) - {"__init__"}
    strays = {
        f"{path.relative_to(ROOT)} imports {module}"
        for path in sources(folder)
        for module in imported(path)
        if module.startswith(f"{folder}.")
        and room_of(module) in order
        and order.index(room_of(module)) > order.index(room_of(dotted(path)))
    }
    assert not strays


def dotted(path: Path) -> str:
    """The name under which a file is imported."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def test_the_app_takes_only_what_is_free_of_torch_from_align():
    strays = {
        module
        for module in imported(ROOT / "app.py")
        if module.startswith("align.") and not module.startswith(APP_MAY_IMPORT_OF_ALIGN)
    }
    assert not strays
    strays = {
        f"{path.name} imports {module}"
        for path in sources("align/client")
        for module in imported(path)
        if module.split(".")[0] in HEAVY
        or (
            module.startswith("align.")
            and room_of(module) not in ("client", "contracts", "errors", "files")
        )
    }
    assert not strays


def lies_in(module: str, rooms: tuple[str, ...]) -> bool:
    """Return whether a module is one of these rooms or in one of them."""
    return any(f"{module}.".startswith(f"{room}.") for room in rooms)


@pytest.mark.parametrize("folder", SHARED)
def test_annotate_and_storage_import_only_what_they_share_with_align(folder):
    strays = {
        f"{path.relative_to(ROOT)} imports {module}"
        for path in sources(folder)
        for module in imported(path)
        if module.split(".")[0] == "align" and not lies_in(module, SHARED[folder])
    }
    assert not strays


def test_contracts_need_nothing_but_the_standard_library():
    strays = {
        f"{path.name} imports {module}"
        for path in sources(CONTRACTS.replace(".", "/"))
        for module in imported(path)
        if module.split(".")[0] not in sys.stdlib_module_names
        and not module.startswith(f"{CONTRACTS}.")
    }
    assert not strays


@pytest.mark.parametrize("room", PURE)
def test_statistics_know_no_page_and_no_store(room):
    strays = {
        f"{path.name} imports {module}"
        for path in [*sources(room.replace(".", "/")), ROOT / f"{room.replace('.', '/')}.py"]
        if path.is_file()
        for module in imported(path)
        if module.split(".")[0] in OURS | HEAVY and not lies_in(module, (room, *PURE[room]))
    }
    assert not strays


def test_no_folder_is_crowded():
    for folder in FORBIDDEN:
        for place in {path.parent for path in sources(folder)}:
            files = [path for path in place.glob("*.py") if path.name != "__init__.py"]
            assert len(files) <= MAX_FILES, f"{place} holds {len(files)} files; make rooms"


def test_gradio_stays_in_the_thin_layer():
    strays = {
        str(path.relative_to(ROOT))
        for path in sources("annotate")
        if "gradio" in set(imports(path))
        and path.name not in GRADIO_FILES
        and "tabs" not in path.parts
    }
    assert not strays


@pytest.mark.slow
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
