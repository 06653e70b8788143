"""A real nginx before the real page, as docs/people.md has it: any port, any path."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from annotate_sign_in import PASSWORD
from annotate_web import answering, open_web
from journeys import SLOW_MS, Stage, open_setting
from running import free_port, wait_for

from annotate.auth.hosts import allowed_hosts, as_root_path
from storage.tables.people import Role

pytestmark = pytest.mark.browser

REQUIRED = "PALATE_REQUIRE_BROWSER"
"""Set where a skipped test would hide a page that no proxy can serve."""
DOCS = (Path(__file__).parents[2] / "docs/people.md").read_text(encoding="utf-8")
WHOLE = """
daemon off; pid nginx.pid; error_log error.log;
events {{}}
http {{
    access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fast;
    uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    server {{ listen 127.0.0.1:{port}; {location} }}
}}
"""


def find_nginx() -> str:
    path = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if path is None:
        missing = "nginx is not installed"
        pytest.fail(missing) if os.environ.get(REQUIRED) else pytest.skip(missing)
    return path


def documented(path: str) -> str:
    """The block of docs/people.md that begins with this location."""
    found = re.search(rf"^location {re.escape(path)} {{.*?^}}", DOCS, re.DOTALL | re.MULTILINE)
    assert found, f"docs/people.md has no block for {path}"
    return found[0]


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[Callable[[str, str], str]]:
    """Start nginx with a location block, before an app at an address."""
    started: list[subprocess.Popen[bytes]] = []

    def start(location: str, url: str) -> str:
        port, folder = free_port(), tmp_path / f"nginx-{len(started)}"
        folder.mkdir()
        location = location.replace("127.0.0.1:7860", urlsplit(url).netloc)
        (folder / "nginx.conf").write_text(WHOLE.format(port=port, location=location))
        command = [find_nginx(), "-p", str(folder), "-e", "error.log", "-c", "nginx.conf"]
        started.append(subprocess.Popen(command, stderr=subprocess.DEVNULL))
        base = f"http://127.0.0.1:{port}"
        wait_for(lambda: listens(base), "nginx to answer", seconds=30)
        return base

    yield start
    for process in started:
        process.terminate()
        process.wait(30)


def listens(url: str) -> bool:
    try:
        return httpx.get(url).status_code > 0
    except httpx.TransportError:
        return False


@contextmanager
def housed(folder: Path, sign_in: str, **site: Any) -> Iterator[str]:
    site.setdefault("hosts", allowed_hosts(["palate.example"], ["127.0.0.1"]))
    with open_web(folder, sign_in, **site) as web, answering(web) as url:
        if web.authenticator is not None:
            accounts = web.authenticator.accounts
            accounts.choose_password(accounts.add("Ada", Role.ADMIN, "test"), PASSWORD)
        yield url


def sign_in(page: Any, url: str) -> None:
    page.goto(url)
    page.fill("input[name=name]", "Ada")
    page.fill("input[name=password]", PASSWORD)
    page.click("button")
    page.locator("[data-palate-account]").wait_for(timeout=SLOW_MS)


def labels(stage: Stage, url: str, problems: list[str]) -> None:
    """Vote through a proxy; all of the page comes from it and nothing else is asked."""
    stage.wait_for_pair()
    stage.press("ArrowLeft")
    stage.wait_until_saved(1)
    shown = stage.page.locator("#stage img").evaluate_all("all => all.map(one => one.currentSrc)")
    assert shown and all(src.startswith(f"{url}img/") for src in shown)
    assert stage.page.evaluate("window.gradio_config.root").rstrip("/") == url.rstrip("/")
    # The queue, and scripts that are fetched once their tab is opened.
    for tab in stage.page.locator("button[role=tab]").all():
        tab.click()
        stage.page.locator("[role=tabpanel]:visible").first.wait_for(timeout=SLOW_MS)
    stage.page.locator("#train-tab-button").click()
    stage.page.locator("#versions .card").first.wait_for(timeout=SLOW_MS)
    assert not problems


def watched(page: Any, url: str) -> list[str]:
    """Collect requests of a page that went elsewhere or were refused, from now on."""
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    # What the policy of the page's own answers forbids is told there.
    page.on("console", lambda said: is_problem(said) and problems.append(said.text))
    page.on(
        "response", lambda got: got.status >= 400 and problems.append(f"{got.status} {got.url}")
    )
    page.on("request", lambda sent: sent.url.startswith(url) or problems.append(sent.url))
    return problems


def is_problem(said: Any) -> bool:
    """Return True if a page complains; the icon of a host's root is none of its business."""
    return said.type == "error" and not said.location.get("url", "").endswith("/favicon.ico")


def test_the_documented_block_works_on_any_port(nginx, page, stage, tmp_path):
    with housed(tmp_path, "accounts") as app:
        url = f"{nginx(documented('/'), app)}/"
        problems = watched(page, url)
        sign_in(page, url)
        labels(stage, url, problems)
        open_setting(page, "people-section")
        page.locator("#person-name input, #person-name textarea").fill("Bob")
        page.locator("#add-person").click()
        link = page.locator("#person-link input").input_value(timeout=SLOW_MS)
        assert link.startswith(f"{url}welcome?token=")


@pytest.mark.parametrize(("kept", "told"), [(False, False), (True, True)])
def test_a_path_of_a_host_works_whether_or_not_the_proxy_takes_it_away(
    nginx, page, stage, tmp_path, kept, told
):
    root_path = "" if told else as_root_path("palate/")
    with housed(tmp_path, "accounts", root_path=root_path) as app:
        block = documented("/palate/")
        block = block.replace("7860/;", "7860;") if kept else block
        if told:
            block = block.replace("{", "{ proxy_set_header X-Forwarded-Prefix /palate;", 1)
        url = f"{nginx(block, app)}/palate/"
        problems = watched(page, url)
        sign_in(page, url)
        labels(stage, url, problems)
        [cookie] = page.context.cookies()
        assert (cookie["name"], cookie["path"]) == ("palate_session", "/palate/")
        page.get_by_role("button", name="Sign out").click()
        page.locator("input[name=password]").wait_for()
        assert page.url == f"{url}sign-in"


def test_a_proxy_that_loses_the_port_still_shows_images_and_takes_votes(
    nginx, page, stage, tmp_path
):
    lost = "location / { proxy_pass http://127.0.0.1:7860; proxy_set_header Host $host; }"
    with housed(tmp_path, "off") as app:
        url = f"{nginx(lost, app)}/"
        page.goto(url)
        stage.wait_for_pair()
        stage.press("ArrowLeft")
        stage.wait_until_saved(1)
        shown = page.locator("#stage img").first.evaluate("one => one.currentSrc")
        assert shown.startswith(f"{url}img/")


def test_through_nginx_a_name_is_allowed_or_refused(nginx, tmp_path):
    with housed(tmp_path, "off") as app:
        url = f"{nginx(documented('/'), app)}/health"
        told = lambda name, **more: httpx.get(url, headers={"Host": name, **more}).status_code  # noqa: E731
        assert told("palate.example:8443") == 200
        assert told("evil.example") == 403
        assert told("palate.example:8443", Origin="http://palate.example:8443") == 200
        assert told("palate.example:8443", Origin="http://palate.example") == 403
        assert told("palate.example:8443", Origin="https://palate.example:8443") == 403
