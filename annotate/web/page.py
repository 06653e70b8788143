"""Build the page of admins, the page of labelers, and the web app that serves both."""

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
from annotate.web.document.head import OwnDocument
from annotate.web.request_limits import BodyLimits
from annotate.web.routes import EXCEPTION_HANDLERS, admin_routes, labeler_routes
from annotate.web.stage import STAGE_SCRIPT, build_stage
from annotate.web.static_files import preload_links, read_static
from annotate.web.tabs.compare_tab import LINK_SCRIPT, CompareTab
from annotate.web.tabs.insights_tab import InsightsTab
from annotate.web.tabs.judge_tab import JudgeTab
from annotate.web.tabs.label_tab import LabelTab
from annotate.web.tabs.layout import start_timer_here, stop_timer_elsewhere
from annotate.web.tabs.own_votes_section import own_votes, vote_gallery
from annotate.web.tabs.prompts_section import dropped_files
from annotate.web.tabs.settings_tab import SettingsTab
from annotate.web.tabs.train_tab import TrainTab
from storage.tables.people import Role

Lifespan = Callable[[], AbstractAsyncContextManager[Any]]

HEADER = (
    '<header class="masthead"><h1>Palate</h1><p data-palate-status role="status">Starting</p>'
    '<button type="button" class="machine" data-palate-machine hidden>'
    '<span class="machine-model"></span><span class="machine-device"></span></button>'
    '<div class="account" data-palate-account hidden><b></b><span class="account-actions">'
    '<a href="account">Password</a><form method="post" action="sign-out">'
    "<button>Sign out</button></form></span></div></header>"
)
QUEUE_POLL_S = 0.01
BACKGROUND, BACKGROUND_DARK = "#faf8f5", "#161310"
TEXT, TEXT_DARK = "#26211c", "#f2ece4"
STYLESHEETS = (
    "styles/page.css",
    "styles/masthead.css",
    "styles/skip_links.css",
    "styles/fields.css",
    "styles/toasts.css",
    "styles/account.css",
    "styles/cards.css",
    "styles/next_run.css",
    "styles/runs.css",
    "styles/versions.css",
    "styles/compare_board.css",
    "styles/blind_test.css",
    "styles/people.css",
    "styles/project.css",
    "styles/prompts.css",
    "styles/settings.css",
    "styles/drops.css",
    "styles/image_import.css",
    "styles/data.css",
    "styles/data_preview.css",
    "styles/models.css",
    "styles/insights.css",
    "styles/vote_gallery.css",
    "styles/change.css",
)


def build_page(studio: Studio, sign_in: Authenticator | None = None) -> gr.Blocks:
    """Build the page of admins and the API."""
    page: gr.Blocks
    with gr.Blocks(title="Palate", analytics_enabled=False) as page:
        # First, since Gradio adds a number to endpoint names that an event of the page already has.
        add_api(studio)
        gr.HTML(HEADER, elem_id="masthead", apply_default_css=False)
        # Always there, if hidden: Gradio numbers components, and a page that was open before a
        # restart calls the stage by its number.
        gr.HTML(
            _alerts(studio.found_at_start),
            elem_id="recovered",
            visible=bool(studio.found_at_start),
            apply_default_css=False,
        )
        with gr.Tabs(elem_id="tabs", overflow_behavior="wrap") as tabs:
            label = LabelTab(studio)
            train = TrainTab(studio)
            compare = CompareTab(studio)
            judge = JudgeTab(studio)
            insights = InsightsTab(studio)
            settings = SettingsTab(studio, sign_in)
        dropped_files(studio)
        _connect_timers(label, train, compare, judge, insights, settings)
        label.readings.follow(settings.openings)
        train.versions.compare_in(tabs, compare)
        for section in (label.change, train.change):
            section.open_in(tabs, compare, judge)
        compare.open_links(page)
    return _with_slow_queue(page)


def build_labeling_page(studio: LabelerView) -> gr.Blocks:
    """Build the page of labelers: the stage, their own votes, and their part of the API."""
    page: gr.Blocks
    with gr.Blocks(title="Palate", analytics_enabled=False) as page:
        add_api(studio, Role.LABELER)
        gr.HTML(HEADER, elem_id="masthead", apply_default_css=False)
        build_stage(studio)
        vote_gallery(studio)
        own_votes(studio)
        dropped_files()
    return _with_slow_queue(page)


def _connect_timers(
    label: LabelTab,
    train: TrainTab,
    compare: CompareTab,
    judge: JudgeTab,
    insights: InsightsTab,
    settings: SettingsTab,
) -> None:
    """Let timers tick only while their tab is in view; that of Insights starts by itself."""
    tabs = [label.tab, train.tab, compare.tab, judge.tab, insights.tab, settings.tab]
    while_open = [(train.tab, train.timers), (judge.tab, (judge.timer,))]
    for owner, timers in while_open:
        for timer in timers:
            start_timer_here(timer, owner)

    for owner, timers in [*while_open, (insights.tab, (insights.timer,))]:
        elsewhere = [tab for tab in tabs if tab is not owner]
        for timer in timers:
            stop_timer_elsewhere(timer, elsewhere)


def _alerts(sentences: Sequence[str]) -> str:
    return "".join(f'<p role="alert">{escape(sentence)}</p>' for sentence in sentences)


def _with_slow_queue(page: gr.Blocks) -> gr.Blocks:
    # Gradio polls for events every millisecond: a twelfth of a core while idle, and a thousand
    # interruptions per second of the threads that render.
    page._queue.sleep_when_free = max(QUEUE_POLL_S, page._queue.sleep_when_free)
    return page


@dataclass(frozen=True)
class WebApp:
    """The web app as an ASGI server runs it."""

    app: ASGIApp
    pages: tuple[App, ...]
    """The apps of Gradio behind it."""

    def end_streams(self) -> None:
        """End the event streams of open pages, which a stopping server would wait for."""
        for page in self.pages:
            page.get_blocks()._queue.close()  # type: ignore[no-untyped-call]
            page.stop_event.set()


def build_app(
    studio: Studio, sign_in: Authenticator | None = None, site: Site | None = None
) -> WebApp:
    """Build the web app: the guard, with `sign_in` the gate, and the pages behind them."""
    site = site or Site()
    options = _gradio_options(signs_in=sign_in is not None)
    page = build_page(studio, sign_in)
    admin_app, admin_lifespan = _mounted(page, admin_routes(studio), options, site)
    if sign_in is None:
        shown = OwnDocument(_with_lifespans(admin_app, admin_lifespan), loading=True)
        calls = CallChecks(shown, call_table(page))
        return WebApp(RequestGuard(BodyLimits(calls), site), (admin_app,))

    labeler_view = LabelerView(studio, sign_in.accounts.people)
    labeling_page = build_labeling_page(labeler_view)
    labeler_app, labeler_lifespan = _mounted(
        labeling_page, labeler_routes(labeler_view), options, site
    )
    account_routes = AccountRoutes(sign_in, read_static("styles/sign-in.css")).app()
    both = _with_lifespans(admin_app, admin_lifespan, labeler_lifespan)
    gate = SignInMiddleware(
        CallChecks(OwnDocument(both, loading=True), call_table(page)),
        sign_in,
        OwnDocument(account_routes),
        CallChecks(OwnDocument(labeler_app, loading=True), call_table(labeling_page)),
    )
    return WebApp(RequestGuard(BodyLimits(gate), site), (admin_app, labeler_app))


def _gradio_options(signs_in: bool) -> dict[str, Any]:
    """Return Gradio's options for Palate's style and privacy."""
    sign_in_meta = '<meta name="palate-sign-in" content="on">' if signs_in else ""
    return {
        "theme": _theme(),
        "css": read_static(*STYLESHEETS),
        "head": '<meta name="color-scheme" content="light dark">'
        f"{sign_in_meta}{queue_script()}{preload_links(STAGE_SCRIPT, LINK_SCRIPT)}",
        "footer_links": [],
        "run_history": False,
        # Server-side rendering would need Node.js.
        "ssr_mode": False,
        "pwa": False,
        "enable_monitoring": False,
        "mcp_server": False,
        # Errors are sentences already, see errors_to_ui.py.
        "show_error": True,
    }


def queue_script() -> str:
    """Return the script that keeps Gradio's client from losing events."""
    # In the page itself and no module, since a module would run in a task of its own, perhaps after
    # Gradio's client asked for something. A block keeps its names from other scripts.
    plain = read_static("gradio_queue_fix.js").replace("export function", "function")
    start = "window.fetch = confirmingFetch(window.fetch.bind(window));"
    return f"<script>{{{plain}{start}}}</script>"


def _mounted(
    page: gr.Blocks, routes: list[Route], options: dict[str, Any], site: Site
) -> tuple[App, Lifespan]:
    """Return a page as an app of Gradio with more routes, and its lifespan."""
    outer = gr.mount_gradio_app(
        FastAPI(openapi_url=None),
        page,
        path="",
        app_kwargs={"routes": routes, "exception_handlers": EXCEPTION_HANDLERS},
        root_path=site.root_path,
        **options,
    )
    app = next(route.app for route in outer.routes if isinstance(route, Mount))
    return cast(App, app), lambda: outer.router.lifespan_context(outer)


def call_table(page: gr.Blocks) -> CallTable:
    """Return the endpoints, events and server functions of a page in plain values."""
    endpoints = {
        path.removeprefix("/"): [
            Parameter(
                str(parameter["parameter_name"]),
                bool(parameter.get("parameter_has_default")),
                parameter.get("parameter_default"),
            )
            for parameter in description["parameters"]
        ]
        for path, description in page.get_api_info()["named_endpoints"].items()
    }

    events = {
        index: (name if (name := str(event.api_name)) in endpoints else "", len(event.inputs))
        for index, event in page.fns.items()
    }

    functions = {
        component["id"]: frozenset(component["props"].get("server_fns") or ())
        for component in page.config["components"]
    }
    return CallTable(endpoints, events, functions)


def _with_lifespans(app: ASGIApp, *lifespans: Lifespan) -> ASGIApp:
    """Return an app that enters lifespans before it serves, and leaves them afterwards."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for start in lifespans:
                await stack.enter_async_context(start())
            yield

    return Starlette(routes=[Mount("", app)], lifespan=lifespan)


def _theme() -> gr.themes.Base:
    """Return a theme of warm grays and one accent; page.css sets the system's font."""
    return gr.themes.Base(
        primary_hue=gr.themes.colors.orange,
        neutral_hue=gr.themes.colors.stone,
        radius_size=gr.themes.sizes.radius_lg,
        font=("Segoe UI", "Helvetica Neue", "sans-serif"),
        font_mono=("Menlo", "Consolas", "monospace"),
    ).set(
        # Gradio's template paints these before any style sheet is there; page.css has the rest.
        body_background_fill=BACKGROUND,
        body_background_fill_dark=BACKGROUND_DARK,
        body_text_color=TEXT,
        body_text_color_dark=TEXT_DARK,
    )
