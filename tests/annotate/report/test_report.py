"""The report says what evaluation.json says, whatever is missing, and asks nothing of anybody."""

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from annotate.__main__ import main
from annotate.charts.interval_plots import whiskers
from annotate.errors import BrokenEvaluation
from annotate.report.evaluation import WinRate, read_evaluation
from annotate.report.markdown import plain, plotted

ROOT = Path(__file__).parents[3]
MARKUP = "<script>alert(1)</script>"
WHOLE: dict[str, Any] = {
    "format": 1,
    "created": "2026-11-21T20:00:00Z",
    "model": {"name": "emoji", "identity": "emoji-0123"},
    "versions": [
        {"name": "base"},
        {"name": "v1", "run": "r0001", "objective": "dpop", "pairs": 100, "extra": [1]}
        | {"movement": 0.2},
    ],
    "prompts": ["a cat", "a dog | with a pipe"],
    "seeds": [1, 2],
    "images": [
        {"version": v, "prompt": p, "seed": s, "file": f"images/{v}-{p}-{s}.png"}
        for v in ("base", "v1")
        for p in (0, 1)
        for s in (1, 2)
    ],
    "grids": ["grid.png"],
    "checks": [
        {"name": "broken", "passed": True, "value": 0.0, "limit": 0.1, "sentence": "None is flat."},
        {"name": "diversity", "passed": True, "value": 0.93},
    ],
    "passed": True,
    "scores": [
        {
            "scorer": "implicit",
            "version": "v1",
            "mean": 0.31,
            "median": 0.28,
            "win_rate": 0.84,
            "low": 0.7,
            "high": 0.92,
            "by_prompt": [0.2, None],
        }
    ],
    "verdicts": [
        {
            "before": "base",
            "after": "v1",
            "question": "overall",
            "wins": 30,
            "losses": 12,
            "ties": 5,
            "rate": 0.71,
            "low": 0.56,
            "high": 0.83,
            "e_value": 14.2,
            "outcome": None,
            "by_prompt": {"a cat": [2, 1, 0]},
            "by_person": {"ann": [20, 7, 2]},
        }
    ],
    "unknown": {"ignored": True},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An evaluation with its images; one of them is missing and one is no image."""
    (tmp_path / "images").mkdir()
    for number, image in enumerate(WHOLE["images"][:-1]):
        Image.new("RGB", (16, 16), (number * 30, 90, 90)).save(tmp_path / image["file"])
    (tmp_path / WHOLE["images"][0]["file"]).write_bytes(b"no image")
    write(tmp_path, WHOLE)
    return tmp_path


def write(folder: Path, value: Any) -> None:
    (folder / "evaluation.json").write_text(json.dumps(value), encoding="utf-8")


class Page(HTMLParser):
    """Checks that every tag is closed, and collects addresses and text."""

    VOID = frozenset({"meta", "img", "br", "input", "line", "circle"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.text = ""
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        return

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def report(folder: Path, *options: str) -> tuple[Page, str]:
    assert main(["report", str(folder), *options]) == 0
    out = Path(options[1]) if options else folder
    html = (out / "report.html").read_text(encoding="utf-8")
    return Page(html), (out / "report.md").read_text(encoding="utf-8")


def test_both_forms_say_checks_rates_votes_and_scores(folder):
    page, markdown = report(folder)
    for said in ("All 2 checks passed", "v1 won 30 of 42 choices", "71 % (56 % to 83 %)"):
        assert said in page.text and said in markdown.replace("\\", "")
    assert "21 Nov 2026, 20:00 UTC" in page.text
    assert "Not settled yet" in page.text and "14.2" in page.text and "ann" in page.text
    assert page.text.index("Checks") < page.text.index("Win rates") < page.text.index("Images")


def test_the_page_holds_its_images_and_asks_nothing_of_any_server(folder):
    page, _ = report(folder)
    assert len(page.addresses) == 6
    assert all(address.startswith("data:image/") for address in page.addresses)
    assert page.text.count("No image") == 2
    html = (folder / "report.html").read_text(encoding="utf-8")
    assert "url(" not in html and "@import" not in html and "<script" not in html
    assert re.findall(r"https?://", html) == []


def test_markdown_names_images_from_where_it_lies(folder, tmp_path):
    out = tmp_path / "elsewhere" / "deep"
    _, markdown = report(folder, "--out", str(out))
    names = re.findall(r"!\[\]\(([^)]+)\)", markdown)
    assert len(names) == 7
    assert all((out / name).is_file() for name in names)
    assert "a dog \\| with a pipe" in markdown


def test_a_large_image_is_made_smaller(folder):
    Image.effect_noise((1024, 1024), 90).save(folder / WHOLE["images"][1]["file"])
    page, _ = report(folder)
    assert any(address.startswith("data:image/jpeg") for address in page.addresses)
    assert max(map(len, page.addresses)) < 200_000


@pytest.mark.parametrize("missing", [key for key in WHOLE if key != "format"])
def test_what_is_missing_is_left_out(folder, missing):
    write(folder, {key: value for key, value in WHOLE.items() if key != missing})
    page, _ = report(folder)
    assert ("Blind votes" in page.text) is (missing != "verdicts")


def test_an_evaluation_of_nothing_says_so(folder):
    write(folder, {"format": 1})
    assert "holds no images" in report(folder)[0].text


def test_images_of_an_evaluation_of_the_release_before_are_found(folder):
    before = {"pictures" if key == "images" else key: value for key, value in WHOLE.items()}
    write(folder, WHOLE)
    expected = report(folder)[0].addresses
    write(folder, before)
    assert expected and report(folder)[0].addresses == expected


def test_a_grid_stands_in_where_there_are_no_images(folder):
    Image.new("RGB", (64, 64), "pink").save(folder / "grid.png")
    write(folder, {**WHOLE, "images": []})
    page, markdown = report(folder)
    assert len(page.addresses) == 1 and "![](grid.png)" in markdown


def test_a_failed_check_holds_back_and_a_settled_verdict_is_told(folder):
    checks = [*WHOLE["checks"], {"name": "prompt", "passed": False, "sentence": "It forgot."}]
    verdict = WHOLE["verdicts"][0] | {"outcome": "better"}
    write(folder, {**WHOLE, "checks": checks, "passed": False, "verdicts": [verdict]})
    page, _ = report(folder)
    assert "Held back: prompt failed, of 3 checks." in page.text
    assert "Settled: people prefer it." in page.text


def test_checks_of_several_versions_say_whose_they_are(folder):
    checks = [{"version": v, "name": "variety", "passed": v == "v1"} for v in ("v1", "v2")]
    write(folder, {**WHOLE, "checks": checks, "passed": False, "created": "yesterday"})
    page, markdown = report(folder)
    assert "Held back: variety of v2 failed, of 2 checks." in page.text
    assert "| v2 | variety | **failed** |" in markdown and "yesterday" in markdown


def test_nothing_in_the_file_becomes_markup_or_leaves_the_folder(folder, tmp_path):
    secret = tmp_path.parent / "secret.png"
    Image.new("RGB", (8, 8)).save(secret)
    text = (
        json.dumps(WHOLE).replace("a cat", MARKUP).replace("ann", MARKUP).replace("r0001", MARKUP)
    )
    evil = json.loads(text)
    for image, name in zip(evil["images"], ("../secret.png", str(secret)), strict=False):
        image["file"] = name
    write(folder, evil)
    page, markdown = report(folder)
    assert MARKUP not in (folder / "report.html").read_text(encoding="utf-8")
    assert MARKUP not in markdown
    assert len(page.addresses) == 5
    assert "secret" not in markdown


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ("{", "is not JSON"),
        ("[]", "must be an object"),
        ('{"format": 2}', "its format is 2"),
        ('{"format": 1, "prompts": [1]}', "must hold str"),
        ('{"format": 1, "checks": [{"name": "x"}]}', "checks[0] lacks 'passed'"),
        ('{"format": 1, "verdicts": [{"before": "a"}]}', "verdicts[0] lacks 'after'"),
        ('{"format": 1, "scores": [{"scorer": "s", "version": "v", "mean": "1"}]}', "a number"),
        (
            '{"format": 1, "scores": [{"scorer": "s", "version": "v", "win_rate": 7}]}',
            "between 0 and 1",
        ),
        ("[" * 100_000, "is not JSON"),
    ],
)
def test_a_broken_file_is_a_sentence(folder, capsys, broken, said):
    (folder / "evaluation.json").write_text(broken, encoding="utf-8")
    assert main(["report", str(folder)]) == 1
    complaint = capsys.readouterr().err
    assert complaint.startswith("annotate: ") and said in complaint
    assert len(complaint.strip().splitlines()) == 1
    assert not (folder / "report.html").exists()


def test_a_number_that_is_none_is_left_out(folder):
    (folder / "evaluation.json").write_text(json.dumps(WHOLE).replace("0.31", "NaN"))
    assert read_evaluation(folder).scores[0].mean is None


def test_a_folder_that_is_none_is_a_sentence(tmp_path):
    with pytest.raises(BrokenEvaluation, match="python -m align evaluate"):
        read_evaluation(tmp_path)


@pytest.mark.slow
def test_the_command_needs_neither_gradio_nor_torch(folder):
    code = (
        "import sys; from annotate.__main__ import main; main(['report', sys.argv[1]]);"
        "print(sorted({'gradio', 'torch', 'duckdb'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code, str(folder)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.strip().splitlines()[-1] == "[]"


shares = st.floats(0, 1)


@given(shares, shares, shares)
def test_a_strip_shows_its_rate_within_its_interval(one, two, three):
    low, rate, high = sorted((one, two, three))
    drawn = plotted(WinRate(rate, low, high))
    assert len(drawn) == 41 and drawn.count("●") == 1
    assert "<svg" in whiskers([("v1", WinRate(rate, low, high))])


@given(st.text())
def test_plain_text_stays_on_its_line_and_starts_no_html(text):
    shown = plain(text)
    assert "\n" not in shown
    assert not re.search(r"(?<!\\)[<|]", shown)
