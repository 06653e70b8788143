"""axe-core finds nothing to mend on any tab, dialog or account page, in either scheme."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from annotate_sign_in import PASSWORD, House, lived_in
from journeys import SLOW_MS, Stage

from storage.tables.people import Role

pytestmark = pytest.mark.browser
EXCEPTIONS: dict[str, str] = {}
"""Rules of axe-core that cannot hold because of Gradio, each with the one selector it is for."""
SETTLE_MS = 400
"""What takes a moment to appear: its colors are mixed with those below it until then."""


class Checked:
    """A page that axe-core looks at, and what it found by place."""

    def __init__(self, page: Any) -> None:
        axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-core")
        self._page, self._axe = page, axe.Axe()
        self.found: dict[str, list[str]] = {}

    def look(self, place: str) -> None:
        """Note what breaks a rule on the page as it is, in both schemes."""
        for scheme in ("light", "dark"):
            self._page.emulate_media(color_scheme=scheme)
            # Gradio reads the scheme once; account pages follow the browser.
            dark = f"document.body.classList.toggle('dark', {str(scheme == 'dark').lower()})"
            self._page.evaluate(dark)
            self._page.wait_for_timeout(SETTLE_MS)
            for broken in self._axe.run(self._page).response["violations"]:
                for node in broken["nodes"]:
                    selector = " ".join(map(str, node["target"]))
                    if EXCEPTIONS.get(broken["id"]) != selector:
                        told = f"{broken['id']}: {selector}: {node['html'][:200]}"
                        self.found.setdefault(f"{place}, {scheme}", []).append(told)


@contextmanager
def dialog(page: Any, action: str, card: str) -> Iterator[None]:
    """Open a dialog of the stage, wherever its button lies, and close it."""
    page.locator(f'#stage [data-action="{action}"]').first.dispatch_event("click")
    page.locator(f"#stage {card}").wait_for(timeout=SLOW_MS)
    yield
    page.keyboard.press("Escape")
    page.locator(f"#stage {card}").wait_for(state="hidden", timeout=SLOW_MS)


def sign_in(page: Any, house: House, name: str) -> None:
    page.goto(f"{house.url}sign-in" if house.url.endswith("/") else f"{house.url}/sign-in")
    page.fill("input[name=name]", name)
    page.fill("input[name=password]", PASSWORD)


def test_axe_finds_nothing_on_any_tab_or_dialog_in_either_scheme(page: Any, tmp_path: Path) -> None:
    checked, stage = Checked(page), Stage(page)
    with lived_in(tmp_path) as house:
        house.let_in("ada", Role.ADMIN)
        house.let_in("bob", Role.LABELER)
        house.place.studio.annotations.set_options(["hands"], [], 1, "me", "Portraits for a game.")

        sign_in(page, house, "bob")
        checked.look("sign-in")
        page.click("button")
        stage.wait_for_pair()
        page.locator("#stage .purpose").wait_for(timeout=SLOW_MS)
        checked.look("labeler's page")
        page.get_by_role("button", name="Sign out").click()

        sign_in(page, house, "ada")
        page.click("button")
        stage.press("ArrowLeft")
        checked.look("label, after a vote")
        with dialog(page, "help", ".help-card"):
            checked.look("help")
        with dialog(page, "session", ".session-card"):
            checked.look("session")

        page.locator('#stage [data-action="tools"]').click()
        checked.look("tools")
        page.keyboard.press("Escape")
        for tab in ("train", "compare", "judge", "insights"):
            page.locator(f"#{tab}-tab-button").click()
            for folded in page.locator(f"#{tab}-tab > div > .gr-accordion > .label-wrap").all():
                folded.click()
            checked.look(tab)
        check_settings(page, checked)

        page.goto(f"{page.url.split('?')[0]}account")
        checked.look("password")
    assert checked.found == {}


def check_settings(page: Any, checked: Checked) -> None:
    """Look at the sections of Settings, unfolded, with a message in the corner."""
    page.locator("#settings-tab-button").click()
    for folded in page.locator(".setting > .label-wrap").all():
        folded.click()
    page.locator("#usage button[data-kind]").first.click()
    page.locator("#clean-up-preview .card").wait_for(timeout=SLOW_MS)
    page.locator("#save-project").click()
    page.locator(".toast-body").wait_for(timeout=SLOW_MS)
    checked.look("settings, and a message")
