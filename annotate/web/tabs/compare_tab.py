"""The Compare tab: the same prompts and seeds, rendered by two or more versions."""

import time
from collections.abc import Iterator
from typing import Any

import gradio as gr

from align.contracts.errors import PalateError
from annotate.background import ticking
from annotate.comparison.best_of_n import VOTES
from annotate.comparison.mixes import BASE, MAX_COLUMNS, MAX_WEIGHT, parse_mix
from annotate.errors import InvalidRequest
from annotate.service.studio import Studio
from annotate.versions.naming import VersionTitles
from annotate.views.comparison import BoardView
from annotate.views.model_versions import ListedVersion
from annotate.web.errors_to_ui import PRIVATE, errors_as_gr_error
from annotate.web.html.version_thumbnails import compared
from annotate.web.static_files import event_script, start_script
from annotate.web.tabs.best_of_n_section import (
    BestOfNSection,
    busy_buttons,
    busy_script,
    reset_buttons_after,
)
from annotate.web.tabs.compare_board import (
    CompareBoard,
    read_link,
    read_prompts,
    read_seeds,
    stopped,
)

EMPTY_BOARD = (
    '<div class="card notice empty-board"><b>Same prompt, same seed, two versions or more</b>'
    '<p class="soft">Write a prompt and press Compare. The images appear here as they are '
    "rendered: side by side, under a slider, flickering in place, as a difference map, or "
    'in a grid.</p></div><div class="compare" hidden></div>'
)
LINK_SCRIPT = "compare/link.js"
COLUMNS_HELP = (
    "Two to six: v1 as it is, v1@0.5 at half strength, v1@0.5+v2@0.5 mixed. Type it, press Enter."
)


class CompareTab:
    """Components and events of the tab."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        with gr.Tab("Compare", id="compare", elem_id="compare-tab") as self.tab:
            self._build()
        self._listen()

    def _build(self) -> None:
        with gr.Row(elem_classes="form"):
            with gr.Column(scale=3, min_width=280):
                self._prompts = gr.Textbox(
                    label="Prompts, one per line",
                    placeholder="a smiling cat with a party hat",
                    lines=5,
                    max_lines=10,
                    elem_id="compare-prompts",
                )
                self._build_strength()
                self._best_of_n = BestOfNSection(self._studio)
            with gr.Column(scale=2, min_width=280):
                self._columns = gr.Dropdown(
                    label="Versions",
                    info=COLUMNS_HELP,
                    multiselect=True,
                    allow_custom_value=True,
                    max_choices=MAX_COLUMNS,
                    elem_id="columns",
                )
                self._faces = gr.HTML(elem_id="compared-versions", apply_default_css=False)
                with gr.Row(elem_classes="ends"):
                    self._seeds = gr.Textbox(
                        label="Seeds", value="1-3", min_width=90, elem_id="seeds"
                    )
                    self._start = gr.Button("Compare", variant="primary", elem_id="start-compare")
                    self._stop = gr.Button("Stop", visible=False, elem_id="stop-compare")

        self._board = gr.HTML(
            None,
            html_template=EMPTY_BOARD,
            js_on_load=start_script("compare/compare_tab.js"),
            apply_default_css=False,
            elem_id="board",
        )
        self._known = gr.State(0)
        self.choice = [self._known, self._columns]
        self.buttons = [self._start, self._stop]
        self.link = gr.Textbox(visible=False)

    def _build_strength(self) -> None:
        with gr.Accordion("Add a version at a strength", open=False, elem_id="strengths"):
            with gr.Row(elem_classes="ends"):
                self._version = gr.Dropdown(
                    label="Version", scale=1, min_width=100, elem_id="strength-version"
                )
                self._strength = gr.Slider(
                    0, MAX_WEIGHT, 0.5, step=0.05, label="Strength", scale=3, elem_id="strength"
                )
                self._add = gr.Button("Add", scale=1, min_width=80, elem_id="add-strength")

    def _listen(self) -> None:
        buttons = self.buttons
        form = [self._prompts, self._seeds, self._columns]
        self._start.click(None, None, buttons, js=busy_script(busy=True))
        rendered = self._start.click(errors_as_gr_error(self._render), form, self._board, **PRIVATE)
        reset_buttons_after(rendered, buttons)

        offered = [self._known, self._columns, self._version, *self._best_of_n.versions]
        self.tab.select(self._offer, [self._known, self._columns], offered, **PRIVATE)
        self._columns.change(self._show_chosen, self._columns, self._faces, **PRIVATE)
        self._add.click(
            errors_as_gr_error(add_strength),
            [self._columns, self._version, self._strength],
            self._columns,
            **PRIVATE,
        )

        best_of_n = self._best_of_n.listen(self._prompts, self._seeds, self._board, buttons)
        self._rendering = [rendered, best_of_n]

    def open_links(self, page: gr.Blocks) -> None:
        """Show the comparison that the URL of the page names, if any."""
        # A script runs in the browser first, so that the server gets the part after the #.
        read = event_script(LINK_SCRIPT, "readLink")
        show = event_script(LINK_SCRIPT, "openLinkedTab")
        opened = page.load(self._open, self.link, self._filled(), js=read, **PRIVATE)
        self._render_after(opened.then(None, None, None, js=show, **PRIVATE))

        self._stop.click(
            lambda value: [*busy_buttons(busy=False), stopped(value)],
            self._board,
            [*self.buttons, self._board],
            cancels=self._rendering,
            **PRIVATE,
        )

    def render_linked_after(self, event: Any) -> None:
        """Show the comparison whose link an event has put into `link`, if any."""
        self._render_after(event.then(self._open, self.link, self._filled(), **PRIVATE))

    def _filled(self) -> list[Any]:
        """Return what a link fills."""
        form = [self._prompts, self._seeds, self._columns]
        return [self._known, self._version, *self._best_of_n.versions, self.link, *form]

    def _render_after(self, event: Any) -> None:
        buttons = self.buttons
        busy = event.then(lambda link: busy_buttons(bool(link)), self.link, buttons, **PRIVATE)
        render = errors_as_gr_error(self._render_linked)
        rendered = busy.then(render, self.link, self._board, **PRIVATE)
        reset_buttons_after(rendered, buttons)
        self._rendering.append(rendered)

    def choose(self, *columns: str) -> list[Any]:
        """Return the values of `choice` that select versions, strengths or mixes."""
        versions = self._studio.versions()
        return [len(versions), _columns(versions, list(dict.fromkeys(columns)))]

    def _show_chosen(self, columns: list[str] | None) -> str:
        """Show images of the versions that are chosen."""
        return compared(columns or [], self._studio.registry.titles())

    def _offer(self, known: int, columns: list[str] | None) -> list[Any]:
        """List every version; if one is new since the last visit, select it and its parent."""
        versions = self._studio.versions()
        titles, names = VersionTitles(versions), [version["version"] for version in versions]
        if (known and len(names) != known) or not columns:
            columns = self._newest_columns()
        return [
            len(names),
            _columns(versions, columns),
            _newest(titles.choices(names[1:])),
            gr.update(choices=titles.choices(names)),
            _newest([(VOTES, VOTES), *titles.choices(names[1:])]),
        ]

    def _newest_columns(self) -> list[str]:
        """Return the newest version and its parent."""
        versions = self._studio.versions()
        names = [version["version"] for version in versions]
        parent = versions[-1]["parent"]
        return [parent, names[-1]] if parent else names

    def _open(self, link: str) -> list[Any]:
        read = read_link(link or "")
        if read is None:
            return [gr.skip()] * 8
        prompts, seeds, columns = read
        known, _, version, *best_of_n = self._offer(0, None)
        offered = _columns(self._studio.versions(), columns)
        return [known, version, *best_of_n, link, prompts, seeds, offered]

    def _render_linked(self, link: str) -> Iterator[Any]:
        # Read from the link, since opening the tab may change the form at the same time.
        read = read_link(link or "")
        if read is None:
            yield gr.skip()
            return
        yield from self._render(*read)

    def _render(self, prompts: str, seeds: str, columns: list[str]) -> Iterator[BoardView]:
        # A click may come before the dropdown is filled; then the default columns are meant.
        chosen = columns or self._newest_columns()
        columns = [parse_mix(column).name for column in chosen]
        titles = self._studio.registry.titles()
        numbers = read_seeds(seeds)
        board = CompareBoard(read_prompts(prompts), numbers, seeds, columns, titles=titles)
        batches = self._studio.compare_columns(board.prompts, board.seeds, board.columns)

        sampler = self._studio.activity()["sampler"]
        try:
            board.fill(next(batches))
            yield board.rendering(detail="" if sampler["state"] == "ready" else sampler["detail"])
            last, left_s = time.monotonic(), None
            for batch in ticking(batches):
                if batch is not None:
                    board.fill(batch)
                    pace_s, last = (time.monotonic() - last) / len(batch), time.monotonic()
                    left_s = pace_s * (board.total - board.done)
                    yield board.rendering(left_s)
                elif detail := self._studio.comparison_progress():
                    yield board.rendering(left_s, detail)
        except PalateError as error:
            yield board.interrupted(str(error))


def add_strength(columns: list[str] | None, version: str | None, strength: float) -> list[str]:
    """Add a version at a strength to the columns; raises InvalidRequest beyond MAX_COLUMNS."""
    if not version:
        raise InvalidRequest("There is no version yet to render at a strength. Fine-tune first.")
    name = parse_mix(f"{version}@{strength:g}").name
    columns = columns or [BASE]
    if name in columns:
        return columns
    if len(columns) >= MAX_COLUMNS:
        raise InvalidRequest(f"{MAX_COLUMNS} columns are the most. Take one away first.")
    return [*columns, name]


def _columns(versions: list[ListedVersion], chosen: list[str]) -> gr.Dropdown:
    # A chosen mix is a choice too, or it would be shown without the names of its versions.
    texts = dict.fromkeys([*(version["version"] for version in versions), *chosen])
    choices = VersionTitles(versions).choices(texts)
    return gr.Dropdown(choices=choices, value=chosen, multiselect=True, allow_custom_value=True)


def _newest(choices: list[tuple[str, str]]) -> gr.Dropdown:
    return gr.Dropdown(choices=choices, value=choices[-1][1] if choices else None)
