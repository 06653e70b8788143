"""The page: a header, the tabs and the API; the page of labelers; and the web app of both."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

import gradio as gr
from fastapi import FastAPI
from gradio.routes import App
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from annotate.api import add_api
from annotate.blind import BlindStudio
from annotate.handlers import Errors
from annotate.people.asking import SignIn, asker
from annotate.people.doors import Doors
from annotate.people.gate import Gate
from annotate.people.guard import Guard, Site
from annotate.pictures import picture_response
from annotate.stage import build_stage, read_static
from annotate.studio import Studio
from annotate.tabs.compare import CompareTab
from annotate.tabs.insights import InsightsTab
from annotate.tabs.label import label_tab
from annotate.tabs.library import LibraryTab
from annotate.tabs.own import own_votes
from annotate.tabs.people import PeopleTab
from annotate.tabs.section import rest_elsewhere, run_here
from annotate.tabs.tune import TuneTab
from annotate.tabs.verdict import VerdictTab
from storage.errors import UnknownRun
from storage.people import Role

PICTURE_NAME = re.compile(r"([0-9a-f]{16})\.png")
SHEET_NAME = re.compile(r"(r[0-9]{4,9})\.png")
Lifespan = Callable[[], AbstractAsyncContextManager[Any]]

HEADER = (
    '<header class="masthead"><h1>Palate</h1><p data-palate-status role="status">Starting</p>'
    '<div class="person" data-palate-person hidden><b></b><span class="account">'
    '<a href="account">Password</a><form method="post" action="sign-out">'
    "<button>Sign out</button></form></span></div></header>"
)
EVENTS_EVERY_S = 0.01
LOOK = (
    "page.css",
    "person.css",
    "cards.css",
    "library.css",
    "board.css",
    "verdict.css",
    "people.css",
    "project.css",
    "insights.css",
)


def build_page(studio: Studio, expected: Errors, way: SignIn | None = None) -> gr.Blocks:
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
            insights = InsightsTab(studio, expected)
            if way is not None:
                PeopleTab(way, expected)
        everything = (label, tune.tab, library.tab, compare.tab, verdict.tab, insights.tab)
        for one in (tune, library, verdict, insights):
            rest_elsewhere(one.timer, (tab for tab in everything if tab is not one.tab))
        for watching in (tune, library, verdict):
            run_here(watching.timer, watching.tab)
        library.compare_in(tabs, compare)
        compare.open_links(page)
    return _calm(page)


def build_labeling_page(studio: BlindStudio, expected: Errors) -> gr.Blocks:
    """Build the page of labelers: the stage, and the API as far as it is for them."""
    page: gr.Blocks
    with gr.Blocks(title="Palate", analytics_enabled=False) as page:
        add_api(studio, expected, Role.LABELER)
        gr.HTML(HEADER, elem_id="masthead", apply_default_css=False)
        build_stage(studio, expected)
        own_votes(studio, expected)
    return _calm(page)


def _calm(page: gr.Blocks) -> gr.Blocks:
    # Gradio looks for new events every millisecond: a twelfth of a core while nobody is there, and
    # a thousand interruptions a second of the threads that draw.
    page._queue.sleep_when_free = max(EVENTS_EVERY_S, page._queue.sleep_when_free)
    return page


@dataclass(frozen=True)
class WebApp:
    """The app as a web server runs it."""

    app: ASGIApp
    pages: tuple[App, ...]
    """Gradio's apps behind it."""

    def end_streams(self) -> None:
        """Tell what browsers listen to that it is over; else a server would wait for them."""
        for page in self.pages:
            page.get_blocks()._queue.close()  # type: ignore[no-untyped-call]
            page.stop_event.set()


def build_app(
    studio: Studio, expected: Errors, way: SignIn | None = None, site: Site | None = None
) -> WebApp:
    """Build the web app: the guard, with a way to sign in the gate, and the pages behind it."""
    site = site or Site()
    look = _look(signs_in=way is not None)
    page = build_page(studio, expected, way)
    whole, starting = _mounted(page, _routes(studio), look, site)
    if way is None:
        return WebApp(Guard(_living(whole, starting), site), (whole,))

    blind = BlindStudio(studio, way.accounts.people, expected)
    routes = [Route("/img/{name}", _own_picture(blind))]
    page = build_labeling_page(blind, expected)
    labeling, also_starting = _mounted(page, routes, look, site)
    doors = Doors(way, read_static("sign-in.css")).app()
    gate = Gate(_living(whole, starting, also_starting), way, doors, labeling)
    return WebApp(Guard(gate, site), (whole, labeling))


def _look(signs_in: bool) -> dict[str, Any]:
    """Return what Gradio needs for Palate's look and privacy."""
    told = '<meta name="palate-sign-in" content="on">' if signs_in else ""
    return {
        "theme": _theme(),
        "css": read_static(*LOOK),
        "head": f'<meta name="color-scheme" content="light dark">{told}{queue_script()}',
        "footer_links": [],
        "run_history": False,
        "ssr_mode": False,
        "pwa": False,
        "enable_monitoring": False,
        "mcp_server": False,
        "show_error": False,
    }


def queue_script() -> str:
    """Return what keeps Gradio's client from losing events."""
    return f"<script>{read_static('queue.js')}</script>"


def _mounted(
    page: gr.Blocks, routes: list[Route], look: dict[str, Any], site: Site
) -> tuple[App, Lifespan]:
    """Return a page as Gradio's app, with routes beside its own, and what starts it."""
    around = gr.mount_gradio_app(
        FastAPI(openapi_url=None),
        page,
        path="",
        app_kwargs={"routes": routes},
        root_path=site.root_path,
        **look,
    )
    app = next(route.app for route in around.routes if isinstance(route, Mount))
    return cast(App, app), lambda: around.router.lifespan_context(around)


def _living(app: ASGIApp, *starting: Lifespan) -> ASGIApp:
    """Return an app that starts others before it is served and ends them afterwards."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for start in starting:
                await stack.enter_async_context(start())
            yield

    return Starlette(routes=[Mount("", app)], lifespan=lifespan)


def _own_picture(blind: BlindStudio) -> Callable[[Request], Response]:
    def picture(request: Request) -> Response:
        match, person = PICTURE_NAME.fullmatch(request.path_params["name"]), asker(request)
        seen = blind.picture(person.name, match[1]) if match and person else None
        return picture_response(seen)

    return picture


def _routes(studio: Studio) -> list[Route]:
    def picture(request: Request) -> Response:
        match = PICTURE_NAME.fullmatch(request.path_params["name"])
        return picture_response(studio.image_file(match[1]) if match else None)

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
