"""The page: a header, four tabs and the API; and how it is launched."""

import re
from typing import Any

import gradio as gr
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from annotate.api import add_api
from annotate.handlers import Errors
from annotate.stage import read_static
from annotate.studio import Studio
from annotate.tabs.compare import CompareTab
from annotate.tabs.label import label_tab
from annotate.tabs.library import LibraryTab
from annotate.tabs.section import rest_elsewhere
from annotate.tabs.tune import TuneTab
from annotate.tabs.verdict import VerdictTab
from storage.errors import UnknownRun

PICTURE_NAME = re.compile(r"([0-9a-f]{16})\.png")
SHEET_NAME = re.compile(r"(r[0-9]{4,9})\.png")
FOREVER = {"Cache-Control": "private, max-age=31536000, immutable"}
HEADER = (
    '<header class="masthead"><h1>Palate</h1>'
    '<p data-palate-status role="status">Starting</p></header>'
)


def build_page(studio: Studio, expected: Errors) -> gr.Blocks:
    """Build the page and the API; of an `expected` error a person is told the sentence."""
    page: gr.Blocks
    with gr.Blocks(title="Palate", analytics_enabled=False) as page:
        # First, because Gradio numbers endpoint names that an event of the page took before.
        add_api(studio, expected)
        gr.HTML(HEADER, elem_id="masthead", apply_default_css=False)
        with gr.Tabs(elem_id="tabs", overflow_behavior="wrap") as tabs:
            label = label_tab(studio, expected)
            tune = TuneTab(studio, expected)
            library = LibraryTab(studio, expected)
            compare = CompareTab(studio, expected)
            verdict = VerdictTab(studio, expected)
        everything = (label, tune.tab, library.tab, compare.tab, verdict.tab)
        for one in (tune, library, verdict):
            rest_elsewhere(one.timer, (tab for tab in everything if tab is not one.tab))
        library.compare_in(tabs, compare)
        compare.open_links(page)
    return page


def launch_options(studio: Studio) -> dict[str, Any]:
    """Return what Blocks.launch needs for Palate's look, routes and privacy."""
    return {
        "theme": _theme(),
        "css": read_static("page.css", "cards.css", "library.css", "board.css", "verdict.css"),
        "head": '<meta name="color-scheme" content="light dark">',
        "app_kwargs": {"routes": _routes(studio)},
        "footer_links": [],
        "run_history": False,
        "ssr_mode": False,
        "pwa": False,
        "share": False,
        "enable_monitoring": False,
    }


def _routes(studio: Studio) -> list[Route]:
    def picture(request: Request) -> Response:
        match = PICTURE_NAME.fullmatch(request.path_params["name"])
        file = studio.image_file(match[1]) if match else None
        if file is None or not file.is_file():
            return PlainTextResponse("There is no such picture.", status_code=404)
        return FileResponse(file, media_type="image/png", headers=FOREVER)

    def sheet(request: Request) -> Response:
        match = SHEET_NAME.fullmatch(request.path_params["name"])
        try:
            file = studio.sheet_file(match[1]) if match else None
        except UnknownRun:
            file = None
        if file is None:
            return PlainTextResponse("There is no such sheet.", status_code=404)
        return FileResponse(file, media_type="image/png")

    def exported(request: Request) -> Response:
        file = studio.library.export_file(request.path_params["name"])
        if file is None:
            return PlainTextResponse("There is no such export.", status_code=404)
        return FileResponse(file, filename=file.name)

    def report(request: Request) -> Response:
        file = studio.trials.saved.file(request.path_params["name"].removesuffix(".html"))
        if file is None:
            return PlainTextResponse("There is no such report.", status_code=404)
        return FileResponse(file, media_type="text/html", headers={"Cache-Control": "no-cache"})

    def health(request: Request) -> Response:
        return JSONResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})

    return [
        Route("/img/{name}", picture),
        Route("/sheet/{name}", sheet),
        Route("/export/{name}", exported),
        Route("/report/{name}", report),
        Route("/health", health),
    ]


def _theme() -> gr.themes.Base:
    """Return warm greys and one accent; page.css puts the system's own font in place."""
    return gr.themes.Base(
        primary_hue=gr.themes.colors.orange,
        neutral_hue=gr.themes.colors.stone,
        radius_size=gr.themes.sizes.radius_lg,
        font=("Segoe UI", "Helvetica Neue", "sans-serif"),
        font_mono=("Menlo", "Consolas", "monospace"),
    )
