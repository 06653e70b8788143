"""Every text of the page stands out from what is behind it, in the light and in the dark."""

import re
from pathlib import Path

import pytest

import annotate.report
from annotate.web.static_files import read_static

LEAST = 4.5
"""Contrast ratio of text by WCAG 2.2, level AA (success criterion 1.4.3)."""
RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
VARIABLE = re.compile(r"--([\w-]+): (#[0-9a-f]{6});")
SURFACES = (
    "body-background-fill",
    "background-fill-primary",
    "background-fill-secondary",
    "block-background-fill",
    "input-background-fill",
    "input-background-fill-focus",
)
TEXTS = ("body-text-color", "body-text-color-subdued", "color-accent", "palate-warn", "palate-good")
PAIRS = [(text, surface) for text in TEXTS for surface in SURFACES] + [
    ("palate-on-accent", "color-accent"),
    ("button-primary-text-color", "button-primary-background-fill"),
    ("button-primary-text-color", "button-primary-background-fill-hover"),
    ("button-secondary-text-color", "button-secondary-background-fill"),
    ("button-secondary-text-color", "button-secondary-background-fill-hover"),
]
TINTS = {"color-accent": 0.15, "palate-good": 0.15, "palate-warn": 0.16}
"""Badges and notes: their text on that share of its own color, over a card."""
TINTED = ("body-background-fill", "block-background-fill")


def schemes(style: str) -> dict[str, dict[str, str]]:
    """The variables of a style sheet in the light, and in the dark on top of those."""
    light: dict[str, str] = {}
    dark: dict[str, str] = {}
    before, _, media = style.partition("@media (prefers-color-scheme: dark)")
    for selector, body in RULE.findall(before):
        found = dict(VARIABLE.findall(body))
        (dark if ".dark" in selector else light).update(found)
    if first := RULE.search(media.partition("{")[2]):
        dark.update(VARIABLE.findall(first[2]))
    return {"light": light, "dark": light | dark}


def channels(color: str) -> list[float]:
    return [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]


def luminance(color: list[float]) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: list[float], other: list[float]) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def mixed(share: float, over: list[float], under: list[float]) -> list[float]:
    return [share * a + (1 - share) * b for a, b in zip(over, under, strict=True)]


def test_contrast_is_that_of_the_standard() -> None:
    black, white, gray = channels("#000000"), channels("#ffffff"), channels("#767676")
    assert contrast(black, white) == pytest.approx(21)
    assert contrast(gray, white) == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_of_the_page_stands_out_from_every_surface(scheme: str) -> None:
    colors = schemes(read_static("styles/page.css"))[scheme]
    faint = {
        (text, surface): round(contrast(channels(colors[text]), channels(colors[surface])), 2)
        for text, surface in PAIRS
    }
    assert {pair: ratio for pair, ratio in faint.items() if ratio < LEAST} == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_badge_stands_out_from_a_tint_of_its_own_color(scheme: str) -> None:
    colors = schemes(read_static("styles/page.css"))[scheme]
    for text, share in TINTS.items():
        for surface in TINTED:
            behind = mixed(share, channels(colors[text]), channels(colors[surface]))
            ratio = contrast(channels(colors[text]), behind)
            assert ratio >= LEAST, (text, surface, round(ratio, 2))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_outside_of_gradio_have_colors_that_stand_out_as_well(scheme: str) -> None:
    sign_in = schemes(read_static("styles/sign-in.css"))[scheme]
    report_css = Path(annotate.report.__file__).with_name("report.css").read_text("utf-8")
    report = schemes(report_css)[scheme]
    pairs = [(sign_in[text], sign_in[back]) for text in ("text", "soft", "accent")
             for back in ("fill", "card")]  # fmt: skip
    pairs += [("#ffffff", sign_in[fill]) for fill in ("button", "button-over")]
    pairs += [(report[text], report[back]) for text in ("text", "soft", "accent", "good", "bad")
              for back in ("back", "card")]  # fmt: skip
    faint = [pair for pair in pairs if contrast(*map(channels, pair)) < LEAST]
    assert faint == []


def test_the_loading_screen_has_the_colors_of_the_page() -> None:
    colors = schemes(read_static("styles/page.css"))
    light, dark = read_static("styles/loading.css").split("@media (prefers-color-scheme: dark)")
    for part, scheme in ((light, "light"), (dark, "dark")):
        for name in ("body-background-fill", "body-text-color"):
            assert colors[scheme][name] in part
