"""The page: a header, the tabs and the API; the page of labelers; and the web app of both."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from html import escape
from typing import Any, cast

import gradio as gr
from fastapi import FastAPI
from gradio.routes import App
from starlette.applications import Starlette
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from annotate.auth.account_routes import AccountRoutes
from annotate.auth.identity import Authenticator
from annotate.auth.middleware import SignInMiddleware
from annotate.auth.request_guard import RequestGuard, Site
from annotate.service.labeler_view import LabelerView
from annotate.service.studio import Studio
from annotate.web.api import add_api
from annotate.web.call_checks import CallChecks, CallTable, Parameter
from annotate.web.errors_to_ui import Errors
from annotate.web.request_limits import BodyLimits
from annotate.web.routes import EXCEPTION_HANDLERS, admin_routes, labeler_routes
from annotate.web.stage import build_stage, read_static
from annotate.web.tabs.blind_test_tab import BlindTestTab
from annotate.web.tabs.compare_tab import CompareTab
from annotate.web.tabs.fine_tune_tab import FineTuneTab
from annotate.web.tabs.insights_tab import InsightsTab
from annotate.web.tabs.label_tab import label_tab
from annotate.web.tabs.layout import start_timer_here, stop_timer_elsewhere
from annotate.web.tabs.own_votes_section import own_votes
from annotate.web.tabs.people_tab import PeopleTab
from annotate.web.tabs.versions_tab import VersionsTab
from storage.tables.people import Role

Lifespan = Callable[[], AbstractAsyncContextManager[Any]]

HEADER = (
    '<header class="masthead"><h1>Palate</h1><p data-palate-status role="status">Starting</p>'
    '<div class="account" data-palate-account hidden><b></b><span class="account-actions">'
    '<a href="account">Password</a><form method="post" action="sign-out">'
    "<button>Sign out</button></form></span></div></header>"
)
QUEUE_POLL_S = 0.01
STYLESHEETS = (
    "styles/page.css",
    "styles/account.css",
    "styles/cards.css",
    "styles/versions.css",
    "styles/compare_board.css",
    "styles/blind_test.css",
    "styles/people.css",
    "styles/project.css",
    "styles/image_import.css",
    "styles/insights.css",
)


def build_page(studio: Studio, expected: Errors, way: Authenticator | None = None) -> gr.Blocks:
    """Build the page and the API; of an `expected` error a person is told the sentence."""
    page: gr.Blocks
    with gr.Blocks(title="Palate", analytics_enabled=False) as page:
        # First, because Gradio numbers endpoint names that an event of the page took before.
        add_api(studio, expected)
        gr.HTML(HEADER, elem_id="masthead", apply_default_css=False)
        # There whether or not it has something to say: Gradio counts what a page is made of, and a
        # page that was open before the start calls the stage by its number.
        gr.HTML(
            _told(studio.recovered),
            elem_id="recovered",
            visible=bool(studio.recovered),
            apply_default_css=False,
        )
        with gr.Tabs(elem_id="tabs", overflow_behavior="wrap") as tabs:
            label = label_tab(studio, expected)
            tune = FineTuneTab(studio, expected)
            library = VersionsTab(studio, expected)
            compare = CompareTab(studio, expected)
            verdict = BlindTestTab(studio, expected)
            insights = InsightsTab(studio, expected)
            if way is not None:
                PeopleTab(way, expected)
        everything = (label, tune.tab, library.tab, compare.tab, verdict.tab, insights.tab)
        for one in (tune, library, verdict, insights):
            stop_timer_elsewhere(one.timer, (tab for tab in everything if tab is not one.tab))
        for watching in (tune, library, verdict):
            start_timer_here(watching.timer, watching.tab)
        library.compare_in(tabs, compare)
        compare.open_links(page)
    return _calm(page)


def build_labeling_page(studio: LabelerView, expected: Errors) -> gr.Blocks:
    """Build the page of labelers: the stage, and the API as far as it is for them."""
    page: gr.Blocks
    with gr.Blocks(title="Palate", analytics_enabled=False) as page:
        add_api(studio, expected, Role.LABELER)
        gr.HTML(HEADER, elem_id="masthead", apply_default_css=False)
        build_stage(studio, expected)
        own_votes(studio, expected)
    return _calm(page)


def _told(sentences: Sequence[str]) -> str:
    return "".join(f'<p role="alert">{escape(sentence)}</p>' for sentence in sentences)


def _calm(page: gr.Blocks) -> gr.Blocks:
    # Gradio looks for new events every millisecond: a twelfth of a core while nobody is there, and
    # a thousand interruptions a second of the threads that draw.
    page._queue.sleep_when_free = max(QUEUE_POLL_S, page._queue.sleep_when_free)
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
    studio: Studio, expected: Errors, way: Authenticator | None = None, site: Site | None = None
) -> WebApp:
    """Build the web app: the guard, with a way to sign in the gate, and the pages behind it."""
    site = site or Site()
    options = _gradio_options(signs_in=way is not None)
    page = build_page(studio, expected, way)
    whole, starting = _mounted(page, admin_routes(studio), options, site)
    if way is None:
        calls = CallChecks(_living(whole, starting), call_table(page))
        return WebApp(RequestGuard(BodyLimits(calls), site), (whole,))

    blind = LabelerView(studio, way.accounts.people, expected)
    labeling_page = build_labeling_page(blind, expected)
    labeling, also_starting = _mounted(labeling_page, labeler_routes(blind), options, site)
    doors = AccountRoutes(way, read_static("styles/sign-in.css")).app()
    gate = SignInMiddleware(
        CallChecks(_living(whole, starting, also_starting), call_table(page)),
        way,
        doors,
        CallChecks(labeling, call_table(labeling_page)),
    )
    return WebApp(RequestGuard(BodyLimits(gate), site), (whole, labeling))


def _gradio_options(signs_in: bool) -> dict[str, Any]:
    """Return what Gradio needs for Palate's options and privacy."""
    told = '<meta name="palate-sign-in" content="on">' if signs_in else ""
    return {
        "theme": _theme(),
        "css": read_static(*STYLESHEETS),
        "head": f'<meta name="color-scheme" content="light dark">{told}{queue_script()}',
        "footer_links": [],
        "run_history": False,
        "ssr_mode": False,
        "pwa": False,
        "enable_monitoring": False,
        "mcp_server": False,
        # What is raised is a sentence already, see handlers.py.
        "show_error": True,
    }


def queue_script() -> str:
    """Return what keeps Gradio's client from losing events."""
    return f"<script>{read_static('gradio_queue_fix.js')}</script>"


def _mounted(
    page: gr.Blocks, routes: list[Route], options: dict[str, Any], site: Site
) -> tuple[App, Lifespan]:
    """Return a page as Gradio's app, with routes beside its own, and what starts it."""
    around = gr.mount_gradio_app(
        FastAPI(openapi_url=None),
        page,
        path="",
        app_kwargs={"routes": routes, "exception_handlers": EXCEPTION_HANDLERS},
        root_path=site.root_path,
        **options,
    )
    app = next(route.app for route in around.routes if isinstance(route, Mount))
    return cast(App, app), lambda: around.router.lifespan_context(around)


def call_table(page: gr.Blocks) -> CallTable:
    """Return what a page lets be called, in plain values."""
    endpoints = {
        path.removeprefix("/"): [
            Parameter(
                str(one["parameter_name"]),
                bool(one.get("parameter_has_default")),
                one.get("parameter_default"),
            )
            for one in told["parameters"]
        ]
        for path, told in page.get_api_info()["named_endpoints"].items()
    }
    events = {
        index: (name if (name := str(event.api_name)) in endpoints else "", len(event.inputs))
        for index, event in page.fns.items()
    }
    functions = {
        one["id"]: frozenset(one["props"].get("server_fns") or ())
        for one in page.config["components"]
    }
    return CallTable(endpoints, events, functions)


def _living(app: ASGIApp, *starting: Lifespan) -> ASGIApp:
    """Return an app that starts others before it is served and ends them afterwards."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for start in starting:
                await stack.enter_async_context(start())
            yield

    return Starlette(routes=[Mount("", app)], lifespan=lifespan)


def _theme() -> gr.themes.Base:
    """Return warm greys and one accent; page.css puts the system's own font in place."""
    return gr.themes.Base(
        primary_hue=gr.themes.colors.orange,
        neutral_hue=gr.themes.colors.stone,
        radius_size=gr.themes.sizes.radius_lg,
        font=("Segoe UI", "Helvetica Neue", "sans-serif"),
        font_mono=("Menlo", "Consolas", "monospace"),
    )
