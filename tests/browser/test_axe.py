"""axe-core finds nothing to mend on any tab, dialog or account page, in either scheme.

One app is looked at from its first page on, so that what is there to look at grows on the way.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from annotate_sign_in import PASSWORD, House, lived_in
from journeys import SLOW_MS, Stage
from sampled_runs import HELPED, PROMPTS, run_to_its_end

from storage.tables.people import Role

pytestmark = pytest.mark.browser
EXCEPTIONS: dict[str, str] = {}
"""Rules of axe-core that cannot hold because of Gradio, each with the one selector it is for."""
STILL = "*, *::before, *::after { transition: none !important; animation: none !important; }"
"""What fades in has the colors between until it is there."""
SETTLE_MS = 60
OF_A_SCHEME = ["color-contrast", "link-in-text-block"]
"""Rules that look at colors; the others find in the dark what they have found in the light."""
PHONE, DESKTOP = {"width": 390, "height": 664}, {"width": 1280, "height": 800}
FOLDED = ".label-wrap:not(.open) >> visible=true"


class Checked:
    """A page that axe-core looks at, and what it found by place."""

    def __init__(self, page: Any) -> None:
        axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-core")
        self._page, self._axe = page, axe.Axe()
        self.found: dict[str, list[str]] = {}

    def look(self, place: str) -> None:
        """Note what breaks a rule on the page as it is, in both schemes."""
        self._page.add_style_tag(content=STILL)
        for scheme in ("light", "dark"):
            self._page.emulate_media(color_scheme=scheme)
            # Gradio reads the scheme once; account pages follow the browser.
            dark = f"document.body.classList.toggle('dark', {str(scheme == 'dark').lower()})"
            self._page.evaluate(dark)
            self._page.wait_for_timeout(SETTLE_MS)
            rules = {"runOnly": {"type": "rule", "values": OF_A_SCHEME}}
            options = rules if scheme == "dark" else None
            for broken in self._axe.run(self._page, options=options).response["violations"]:
                for node in broken["nodes"]:
                    selector = " ".join(map(str, node["target"]))
                    if EXCEPTIONS.get(broken["id"]) != selector:
                        told = f"{broken['id']}: {selector}: {node['html'][:200]}"
                        self.found.setdefault(f"{place}, {scheme}", []).append(told)

    def look_on_a_phone(self, place: str) -> None:
        """Look at the page as a phone shows it."""
        self._page.set_viewport_size(PHONE)
        self.look(f"{place} on a phone")
        self._page.set_viewport_size(DESKTOP)


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
    checked = Checked(page)
    with lived_in(tmp_path) as house:
        house.let_in("ada", Role.ADMIN)
        house.let_in("bob", Role.LABELER)
        house.place.studio.annotations.set_options(["hands"], [], 1, "me", "Portraits for a game.")

        check_account_pages(page, checked, house)
        sign_in(page, house, "ada")
        page.click("button")
        check_label(page, checked)
        run_to_its_end(house.place, HELPED)
        check_change(page, checked)
        check_train(page, checked)
        for tab in ("judge", "insights"):
            page.locator(f"#{tab}-tab-button").click()
            unfold(page, f"#{tab}-tab")
            checked.look(tab)
        check_settings(page, checked)

        page.goto(f"{page.url.split('?')[0]}account")
        checked.look("password")
    assert checked.found == {}


def check_account_pages(page: Any, checked: Checked, house: House) -> None:
    """Look at the pages before anybody is signed in, and at the page of a labeler."""
    token = house.authenticator.accounts.add("eve", Role.LABELER, "test")
    page.goto(f"{house.url.rstrip('/')}/welcome?token={token}")
    checked.look("welcome")

    sign_in(page, house, "bob")
    checked.look("sign-in")
    page.click("button")
    Stage(page).wait_for_pair()
    page.locator("#stage .purpose").wait_for(timeout=SLOW_MS)
    checked.look("labeler's page")
    page.get_by_role("button", name="Sign out").click()


def check_label(page: Any, checked: Checked) -> None:
    """Look at the stage after a vote, its dialogs, its tools and one's own votes."""
    Stage(page).press("ArrowLeft")
    checked.look("label, after a vote")
    checked.look_on_a_phone("label")
    with dialog(page, "help", ".help-card"):
        checked.look("help")
    with dialog(page, "session", ".session-card"):
        checked.look("session")

    page.locator('#stage [data-action="tools"]').click()
    checked.look("tools")
    page.locator('#stage-tools [data-action="votes"]').click()
    page.locator(".vote-card .vote-edit").first.click(timeout=SLOW_MS)
    checked.look("one's own votes")
    page.locator(".vote-gallery > summary").click()


def check_change(page: Any, checked: Checked) -> None:
    """Look at the card of what a run changed, and at the board that it leads to."""
    page.locator("#change-on-label .before-after").first.wait_for(timeout=SLOW_MS)
    checked.look("what a run changed")
    page.locator("#change-on-label [data-link]").first.click()
    images = "[...document.querySelectorAll('#board img')].filter(i => i.naturalWidth).length"
    page.wait_for_function(f"{images} >= {2 * len(PROMPTS)}", timeout=SLOW_MS)
    unfold(page, "#compare-tab")
    checked.look("compare, with images")


def check_train(page: Any, checked: Checked) -> None:
    """Look at the form of a run, at one that is open, and at its version."""
    page.locator("#train-tab-button").click()
    page.locator("#open-run").click(timeout=SLOW_MS)
    page.locator("#run-panel").wait_for(timeout=SLOW_MS)
    page.locator('#versions [data-version="v1"]').click(timeout=SLOW_MS)
    page.locator("#version", has_text="v1").wait_for(timeout=SLOW_MS)
    unfold(page, "#train-tab")
    checked.look("train")
    checked.look_on_a_phone("train")


def check_settings(page: Any, checked: Checked) -> None:
    """Look at the sections of Settings, unfolded, with a message in the corner."""
    page.locator("#settings-tab-button").click()
    unfold(page, "#settings-tab")
    page.locator(".prompt-rows [data-prompt]").first.wait_for(timeout=SLOW_MS)
    page.locator("#usage button[data-kind]").first.click()
    page.locator("#clean-up-preview .card").wait_for(timeout=SLOW_MS)
    page.locator("#save-project").click()
    page.locator(".toast-body").wait_for(timeout=SLOW_MS)
    checked.look("settings, and a message")
    checked.look_on_a_phone("settings")


def unfold(page: Any, tab: str) -> None:
    """Unfold every section of a tab, those within others too."""
    folded = page.locator(f"{tab} {FOLDED}")
    for _ in range(30):
        if not folded.count():
            return
        folded.first.click()
    raise AssertionError(f"{tab} has sections without end")
