"""The Compare tab: the same prompts and seeds, drawn by two versions."""

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any

import gradio as gr

from annotate.errors import InvalidRequest
from annotate.handlers import PRIVATE, Errors, refusals
from annotate.stage import read_static
from annotate.studio import Studio
from annotate.tabs.cards import time_left

MOST_SEEDS = 1000
HIGHEST_SEED = 2**32 - 1
EMPTY = (
    '<div class="card notice"><b>Same prompt, same seed, two versions</b>'
    '<p class="soft">Write a prompt and press Compare. The pictures appear here as they are '
    "drawn, side by side or under a slider.</p></div>"
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One prompt and seed; the addresses are None until both pictures are drawn."""

    prompt: str
    seed: int
    before_url: str | None = None
    after_url: str | None = None


class CompareTab:
    """The tab's components and what they do."""

    def __init__(self, studio: Studio, expected: Errors) -> None:
        self._studio = studio
        self._expected: Errors = (InvalidRequest, *expected)
        with gr.Tab("Compare", id="compare", elem_id="compare-tab") as self.tab:
            self._build()
        self._listen()

    def _build(self) -> None:
        with gr.Row(elem_classes="form"):
            with gr.Column(scale=3, min_width=280):
                self._prompts = gr.Textbox(
                    label="Prompts, one a line",
                    placeholder="a smiling cat with a party hat",
                    lines=5,
                    max_lines=10,
                    elem_id="compare-prompts",
                )
            with gr.Column(scale=2, min_width=280):
                with gr.Row():
                    self._before = gr.Dropdown(label="Before", min_width=110, elem_id="before")
                    self._after = gr.Dropdown(label="After", min_width=110, elem_id="after")
                    self._seeds = gr.Textbox(
                        label="Seeds", value="1-3", min_width=90, elem_id="seeds"
                    )
                with gr.Row():
                    self._start = gr.Button("Compare", variant="primary", elem_id="start-compare")
                    self._stop = gr.Button("Stop", visible=False, elem_id="stop-compare")
        self._board = gr.HTML(
            EMPTY, elem_id="board", js_on_load=read_static("compare.js"), apply_default_css=False
        )
        self._known = gr.State(0)
        self.choice = [self._known, self._before, self._after]

    def _listen(self) -> None:
        buttons = [self._start, self._stop]
        form = [self._prompts, self._seeds, self._before, self._after]
        drawing = refusals(self._expected)(self._draw)
        started = self._start.click(lambda: _buttons(busy=True), None, buttons, **PRIVATE)
        drawn = started.then(drawing, form, self._board, **PRIVATE)
        drawn.then(lambda: _buttons(busy=False), None, buttons, **PRIVATE)
        self._stop.click(lambda: _buttons(busy=False), None, buttons, cancels=[drawn], **PRIVATE)
        self.tab.select(
            self._offer,
            [self._known, self._before, self._after],
            [self._known, self._before, self._after],
            **PRIVATE,
        )

    def choose(self, before: str, after: str) -> list[Any]:
        """Return what fills `choice` with two versions."""
        names = [version["version"] for version in self._studio.versions()]
        chosen = [gr.Dropdown(choices=names, value=name) for name in (before, after)]
        return [len(names), *chosen]

    def _offer(self, known: int, before: str | None, after: str | None) -> list[Any]:
        """Offer every version; a version that is new since the last look becomes "after"."""
        versions = self._studio.versions()
        names = [version["version"] for version in versions]
        if len(names) != known or before not in names or after not in names:
            before, after = versions[-1]["parent"] or names[0], names[-1]
        return [
            len(names),
            gr.Dropdown(choices=names, value=before),
            gr.Dropdown(choices=names, value=after),
        ]

    def _draw(self, prompts: str, seeds: str, before: str, after: str) -> Iterator[str]:
        texts, numbers = read_prompts(prompts), read_seeds(seeds)
        wanted = [Comparison(text, number) for text in texts for number in numbers]
        groups = self._studio.compare_many(texts, numbers, before, after)
        yield board(wanted, before, after)
        started, done = time.monotonic(), 0
        for group in groups:
            for place, urls in group.items():
                wanted[place] = replace(
                    wanted[place], before_url=urls["before_url"], after_url=urls["after_url"]
                )
            done += len(group)
            pace_s = (time.monotonic() - started) / done
            yield board(wanted, before, after, pace_s * (len(wanted) - done))


def read_prompts(text: str) -> list[str]:
    """Return the lines that say something; raise InvalidRequest when none does."""
    prompts = [line.strip() for line in (text or "").splitlines() if line.strip()]
    if not prompts:
        raise InvalidRequest("Write at least one prompt to compare on.")
    return prompts


def read_seeds(text: str) -> list[int]:
    """Return the seeds of "1, 5, 8-10" in the order given; raise InvalidRequest otherwise."""
    seeds: list[int] = []
    for part in re.split(r"[,;\s]+", re.sub(r"\s*-\s*", "-", (text or "").strip())):
        match = re.fullmatch(r"(\d{1,10})(?:-(\d{1,10}))?", part)
        if not match:
            raise InvalidRequest(f"The seeds {text!r} are unclear. Write them like 1, 2 or 1-4.")
        first, last = int(match[1]), int(match[2] or match[1])
        if not first <= last <= HIGHEST_SEED or last - first >= MOST_SEEDS:
            raise InvalidRequest(f"{part} is no range of seeds. Write them like 1, 2 or 1-4.")
        seeds.extend(range(first, last + 1))
    return list(dict.fromkeys(seeds))


def board(
    comparisons: Sequence[Comparison], before: str, after: str, left_s: float | None = None
) -> str:
    """Return the board: every comparison, drawn or still to be drawn, under a toolbar."""
    done = sum(one.after_url is not None for one in comparisons)
    told = f"{done} of {len(comparisons)} drawn" if done < len(comparisons) else ""
    if told and left_s and left_s >= 1:
        told += f", {time_left(left_s)}"
    cards = "".join(_card(one, before, after) for one in comparisons)
    return (
        '<div class="toolbar"><div class="switch" role="group" aria-label="How to compare">'
        '<button type="button" data-mode="side">Side by side</button>'
        '<button type="button" data-mode="slider">Slider</button></div>'
        f'<span class="soft" role="status">{told}</span></div><div class="cards">{cards}</div>'
    )


def _card(one: Comparison, before: str, after: str) -> str:
    if one.before_url is None or one.after_url is None:
        sides = '<i class="ghost"></i><i class="ghost"></i>'
    else:
        sides = (
            _picture("before", one.before_url, before, one)
            + _picture("after", one.after_url, after, one)
            + '<input type="range" min="0" max="100" value="50" aria-label="How much of before">'
        )
    name = escape(f"palate-{before}-{after}-seed-{one.seed}.png", quote=True)
    save = (
        ""
        if one.after_url is None
        else f'<button type="button" data-save="{name}">Download</button>'
    )
    return (
        f'<figure class="comparison"><div class="sides">{sides}</div><figcaption>'
        f"<span>{escape(one.prompt)}</span><small>seed {one.seed}</small>{save}</figcaption>"
        "</figure>"
    )


def _picture(side: str, url: str, version: str, one: Comparison) -> str:
    alt = escape(f"{one.prompt}, drawn by {version}", quote=True)
    return (
        f'<span class="{side}"><img src="{escape(url, quote=True)}" alt="{alt}">'
        f"<em>{escape(version)}</em></span>"
    )


def _buttons(busy: bool) -> list[gr.Button]:
    return [gr.Button(interactive=not busy), gr.Button(visible=busy)]
