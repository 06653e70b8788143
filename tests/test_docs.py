"""README and docs tell the truth about flags, settings, endpoints, files and commands."""

from __future__ import annotations

import importlib
import re
import shlex
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from test_app import CONTRACT, OLD_NAMES
from test_architecture import LAYERS

from align.client.config import TrainConfig
from annotate.console import COMMANDS
from app import Settings

ROOT = Path(__file__).parent.parent
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text("utf-8")
    for path in [
        *(ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md")),
        *sorted((ROOT / "docs").rglob("*.md")),
        ROOT / "align/emoji/README.md",
        ROOT / "CHANGELOG.md",
    ]
}
README, SETTINGS, API = PAGES["README.md"], PAGES["docs/settings.md"], PAGES["docs/api.md"]
README_LINES, README_WORDS = 120, 900
FLAGS = ["--" + field.name.replace("_", "-") for field in fields(Settings)]
OURS = r"(?:app|annotate|align|storage|tests|docs)"
PROGRAMS = {
    "python -m align": "align.__main__",
    "python -m annotate": "annotate.__main__",
    "python -m storage": "storage.__main__",
    "python -m align.emoji": "align.emoji.__main__",
}


def blocks(text: str) -> list[str]:
    """Return the lines of the code blocks of a page."""
    return [
        line for block in re.findall(r"```\w*\n(.*?)```", text, re.S) for line in block.split("\n")
    ]


def commands(text: str) -> list[str]:
    """Return the commands that a page names, in blocks and in the text."""
    found = [line for line in blocks(text) if re.match(r"(python|palate|pytest) (?!=)", line)]
    found += re.findall(r"`((?:python|palate|pytest) [^`]+)`", text)
    return [re.split(r"\s{2,}|\s#", line)[0].split(" && ")[0] for line in found]


def slug(heading: str) -> str:
    """Return the anchor that a heading has."""
    kept = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return kept.replace(" ", "-")


def links() -> list[tuple[str, str]]:
    return [
        (page, target)
        for page, text in PAGES.items()
        for target in re.findall(r"\]\((?!http)([^)]+)\)", text)
    ]


def test_the_readme_stays_a_place_to_start():
    assert len(README.splitlines()) <= README_LINES
    assert len(README.split()) <= README_WORDS


def test_no_flag_is_added_without_a_decision():
    assert FLAGS == [
        "--home",
        "--restore",
        "--host",
        "--port",
        "--allow-host",
        "--root-path",
        "--model",
        "--models",
        "--vae",
        "--prediction",
        "--devices",
        "--prompts",
        "--images",
        "--train-every",
        "--train-at",
        "--sign-in",
        "--proxy-header",
        "--proxy-address",
    ]


@pytest.mark.slow
def test_what_is_generated_is_as_the_code_says():
    found = subprocess.run(
        [sys.executable, "-W", "ignore", "docs/generate.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, f"{found.stdout}{found.stderr}Run: python docs/generate.py"


@pytest.mark.parametrize("flag", FLAGS)
def test_every_flag_is_documented(flag):
    assert f"`{flag}`" in PAGES["docs/command-line.md"]


@pytest.mark.parametrize("setting", [field.name for field in fields(TrainConfig)])
def test_every_setting_of_a_run_is_documented(setting):
    assert f"| `{setting}` |" in SETTINGS


@pytest.mark.parametrize(("endpoint", "parameters"), CONTRACT.items())
def test_every_endpoint_is_documented_with_its_parameters(endpoint, parameters):
    found = re.search(rf"^\| `{endpoint}\((.*?)\)` \|", API, re.M)
    assert found, f"docs/api.md has no row for {endpoint}"
    assert re.sub(r"=[^,]+", "", found[1]).split(", ") == (parameters or [""])


@pytest.mark.parametrize("endpoint", CONTRACT)
def test_the_answer_of_every_endpoint_is_documented(endpoint):
    assert f"`{endpoint}`" in API.split("## Answers")[1]


@pytest.mark.parametrize("endpoint", OLD_NAMES)
def test_an_old_name_of_an_endpoint_is_listed_as_renamed_and_not_as_an_endpoint(endpoint):
    assert f"| `{endpoint}(" in PAGES["docs/renamed.md"]
    assert not re.search(rf"`{endpoint}[(`]", API + README)


@pytest.mark.parametrize(("page", "target"), links())
def test_every_link_leads_somewhere(page, target):
    name, _, anchor = target.partition("#")
    path = (ROOT / page).parent / name if name else ROOT / page
    assert path.exists()
    if anchor:
        text = path.read_text("utf-8")
        assert anchor in [slug(heading) for heading in re.findall(r"^#+ (.*)$", text, re.M)]


def test_every_image_of_the_docs_is_shown_somewhere():
    shown = {(ROOT / page).parent / target for page, target in links() if target.endswith(".png")}
    kept = {path.resolve() for path in (ROOT / "docs").rglob("*.png")}
    assert kept == {path.resolve() for path in shown}


@pytest.mark.parametrize("page", PAGES)
def test_every_file_and_folder_that_is_named_is_there(page):
    named = re.findall(rf"`({OURS}/[\w./-]*)(?::[\w.]+)?`", PAGES[page])
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_function_that_is_named_is_there(page):
    for name, function in re.findall(rf"`({OURS}(?:/[\w./-]+)?\.\w+):([\w.]+)`", PAGES[page]):
        text = (ROOT / name).read_text("utf-8")
        *owner, last = function.split(".")
        for each in owner:
            found = re.search(rf"^(?:export )?class {each}\b", text, re.M)
            assert found, f"{name} has no class {each}"
        method = rf"^  (?:async )?{last}\(.*\) {{$" if name.endswith(".js") else r"(?!)"
        defined = rf"\b(?:def|class|function|const) {last}\b|^{last}\b.*=|{method}"
        assert re.search(defined, text, re.M), f"{name} has no {function}"


@pytest.mark.parametrize("page", [page for page in PAGES if not page.endswith("quality.md")])
def test_every_button_that_is_named_is_on_the_page(page):
    texts = [path for path in (ROOT / "annotate/web").rglob("*.*") if path.suffix in (".py", ".js")]
    shown = "\n".join(path.read_text("utf-8") for path in texts)
    for name in re.findall(r"(?<!\*)\*([A-Z][^*\n]+)\*(?!\*)", PAGES[page]):
        assert name in shown, f"{page} names a button {name!r} that the page has not"


@pytest.mark.parametrize("package", LAYERS)
def test_architecture_names_every_room_in_the_order_of_its_layers(package):
    text = PAGES["ARCHITECTURE.md"].split("## Three walks")[0].split("## Folders")[1]
    rooms = [room for room in LAYERS[package] if (ROOT / package / room).is_dir()]
    places = [text.index(f"| `{package}/{room}/` |") for room in rooms]
    assert places == sorted(places)


def test_architecture_walks_three_times_seven_stops():
    walks = PAGES["ARCHITECTURE.md"].split("## Three walks")[1]
    stops = re.findall(rf"^(\d)\. `{OURS}[^`]+:[^`]+`", walks, re.M)
    assert stops == list("1234567") * 3


@pytest.mark.parametrize("page", PAGES)
def test_every_command_is_there(page):
    for command in commands(PAGES[page]):
        words = shlex.split(command.replace("'", "").replace('"', ""))
        if words[0] == "palate":
            assert words[1].startswith("-") or words[1] in {*COMMANDS, "COMMAND"}, command
        elif words[0] == "pytest":
            assert all((ROOT / word).exists() for word in words[1:] if "/" in word), command
        elif words[1] == "-m":
            module = words[2]
            assert " ".join(words[:3]) in PROGRAMS, command
            if len(words) > 3 and not words[3].startswith("-"):
                source = ROOT / (PROGRAMS[f"python -m {module}"].replace(".", "/") + ".py")
                text = source.read_text("utf-8") + (ROOT / "annotate/auth/arguments.py").read_text()
                assert f'"{words[3]}"' in text, command
        elif words[1].endswith(".py"):
            assert (ROOT / words[1]).is_file() or words[1] == "tests/bench/NAME.py", command


@pytest.mark.parametrize("page", PAGES)
def test_every_flag_of_the_app_that_is_named_is_one(page):
    for command in commands(PAGES[page]):
        if command.startswith(("python app.py", "palate serve")):
            named = re.findall(r"--[\w-]+", command)
            assert set(named) <= {*FLAGS, "--help"}, command


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_what_the_examples_import_is_there(page):
    for line in blocks(PAGES[page]):
        if found := re.match(
            r"from ((?:align|annotate|storage|gradio_client)[\w.]*) import (.*)$", line
        ):
            module = importlib.import_module(found[1])
            # Those of the library without torch: tests/test_library.py imports them.
            names = [name.strip() for name in found[2].split(",")]
            public = getattr(module, "__all__", ())
            assert all(name in public or hasattr(module, name) for name in names), line
