"""Keys of every layout, and a browser that keeps nothing; the keys need no app."""

from pathlib import Path
from typing import Any

import pytest
from journeys import Stage
from running import App

pytestmark = pytest.mark.browser

STATIC = Path(__file__).parents[2] / "annotate" / "web" / "static"
URL = "http://palate.test/"
"""Nobody serves it: the test answers its requests."""

ON_TWO = [
    ("QWERTY", {"key": "g", "code": "KeyG"}, "both_good"),
    ("QWERTY with caps lock", {"key": "G", "code": "KeyG"}, "both_good"),
    ("QWERTY, a capital", {"key": "G", "code": "KeyG", "shiftKey": True}, None),
    ("QWERTY, an exclamation mark", {"key": "!", "code": "Digit1", "shiftKey": True}, None),
    ("QWERTY, ?", {"key": "?", "code": "Slash", "shiftKey": True}, "help"),
    ("QWERTZ, Z", {"key": "z", "code": "KeyY"}, "undo"),
    ("QWERTZ, Y where Z is printed elsewhere", {"key": "y", "code": "KeyZ"}, None),
    ("Dvorak, X", {"key": "x", "code": "KeyB"}, "report"),
    ("Dvorak, I on the key of G", {"key": "i", "code": "KeyG"}, None),
    ("Dvorak, a semicolon on the key of Z", {"key": ";", "code": "KeyZ"}, None),
    ("AZERTY, a comma on the key of M", {"key": ",", "code": "KeyM"}, None),
    ("AZERTY, 1", {"key": "&", "code": "Digit1"}, "pixels"),
    ("AZERTY, Shift + 1", {"key": "1", "code": "Digit1", "shiftKey": True}, "pixels"),
    ("Lithuanian, 1", {"key": "ą", "code": "Digit1"}, "pixels"),
    ("Bengali, 4", {"key": "৪", "code": "Digit4"}, "four"),
    ("Devanagari, 1 on the numbers", {"key": "१", "code": "Numpad1"}, "pixels"),
    ("numbers off", {"key": "End", "code": "Numpad1"}, None),
    ("full-width, as with an input method", {"key": "ｇ", "code": "KeyG"}, "both_good"),
    ("Russian, G", {"key": "п", "code": "KeyG"}, "both_good"),
    ("Greek, Z", {"key": "ζ", "code": "KeyZ"}, "undo"),
    ("Hebrew, X", {"key": "ס", "code": "KeyX"}, "report"),
    ("Arabic 101, two letters", {"key": "لا", "code": "KeyB"}, "both_bad"),
    ("Hindi, a sign", {"key": "्", "code": "KeyD"}, "difference"),
    ("a dead key", {"key": "Dead", "code": "KeyG"}, None),
    ("a dead key over 2", {"key": "Dead", "code": "Digit1"}, None),
    ("an input method", {"key": "Process", "code": "KeyG"}, None),
    ("a composition", {"key": "ㅎ", "code": "KeyG", "isComposing": True}, None),
    ("keyCode 229", {"key": "п", "code": "KeyG", "keyCode": 229}, None),
    ("AltGr", {"key": "б", "code": "KeyG", "modifierAltGraph": True}, None),
    ("AltGr on Windows", {"key": "g", "code": "KeyG", "ctrlKey": True, "altKey": True}, None),
    ("no code, as on a phone", {"key": "g", "code": ""}, "both_good"),
]  # fmt: skip
ON_FOUR = [
    ("QWERTY", {"key": "4", "code": "Digit4"}, "place-3"),
    ("AZERTY", {"key": "é", "code": "Digit2"}, "place-1"),
    ("Czech", {"key": "+", "code": "Digit1"}, "place-0"),
    ("Persian", {"key": "۳", "code": "Digit3"}, "place-2"),
    ("Arabic numbers", {"key": "٤", "code": "Numpad4"}, "place-3"),
    ("skip", {"key": "s", "code": "KeyS"}, "skip"),
]


@pytest.fixture
def keys(page: Any) -> Any:
    def serve(route: Any) -> None:
        name = route.request.url.removeprefix(URL)
        if name:
            route.fulfill(path=STATIC / name, content_type="text/javascript")
        else:
            route.fulfill(body="<!doctype html><p>", content_type="text/html")

    page.route(f"{URL}**", serve)
    page.goto(URL)
    page.evaluate("async () => { window.K = new (await import('/stage/keys.js')).Keys(); }")
    return page


def action_of(page: Any, event: dict[str, Any], layout: str = "two") -> str | None:
    script = '([event, layout]) => K.actionOf(new KeyboardEvent("keydown", event), layout)'
    return page.evaluate(script, [event, layout])


def test_keys_mean_the_same_on_every_layout(keys: Any) -> None:
    for cases, layout in ((ON_TWO, "two"), (ON_FOUR, "four")):
        found = {name: action_of(keys, event, layout) for name, event, _ in cases}
        assert found == {name: wanted for name, _, wanted in cases}


def test_what_a_character_is_bound_to_goes_before_what_is_printed(keys: Any) -> None:
    keys.evaluate('() => { K.set("report", "é"); K.assignReasonKeys(["ä"]); }')
    keys.evaluate('() => { K.reasons[0].key = "п"; }')
    assert action_of(keys, {"key": "é", "code": "Digit1"}) == "report"
    assert action_of(keys, {"key": "п", "code": "KeyG"}) == "reason-0"
    assert action_of(keys, {"key": "x", "code": "KeyX"}) is None


def test_places_of_four_get_keys_of_ones_own_and_take_none_that_is_needed(keys: Any) -> None:
    keys.evaluate('() => K.set("place-0", "g")')
    assert action_of(keys, {"key": "g", "code": "KeyG"}, "four") == "place-0"
    assert action_of(keys, {"key": "g", "code": "KeyG"}) == "both_good"
    assert action_of(keys, {"key": "1", "code": "Digit1"}, "four") == "pixels"
    keys.evaluate('() => K.set("place-1", "3")')
    assert action_of(keys, {"key": "2", "code": "Digit2"}, "four") == "place-2"
    free = "([key, action]) => K.isFree(key, action)"
    assert not keys.evaluate(free, ["s", "place-3"]), "skip would have to take 4, which is taken"
    assert keys.evaluate(free, ["q", "place-3"]) and not keys.evaluate(free, ["Tab", "place-3"])


def forbidden(name: str) -> str:
    return f"""Object.defineProperty(window, {name!r}, {{
        get() {{ throw new DOMException("denied", "SecurityError"); }} }});"""


THROWING = "".join(map(forbidden, ("localStorage", "sessionStorage", "indexedDB")))
REJECTING = """
for (const name of ["getItem", "setItem", "removeItem"])
  Storage.prototype[name] = () => { throw new DOMException("full", "QuotaExceededError"); };
IDBFactory.prototype.open = () => {
  const request = { error: new DOMException("denied", "InvalidStateError") };
  setTimeout(() => request.onerror(), 1);
  return request;
};"""
SILENT = """
for (const name of ["localStorage", "sessionStorage"])
  Object.defineProperty(window, name, { value: null });
IDBFactory.prototype.open = () => ({});"""


@pytest.mark.parametrize("script", [THROWING, REJECTING, SILENT], ids=["throws", "rejects", "mute"])
def test_a_browser_that_keeps_nothing_labels_and_says_so(
    shared_app: App, page: Any, stage: Stage, script: str
) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.add_init_script(script)
    stage.open(shared_app.url)
    saved = stage.saved()
    stage.press("ArrowLeft")
    stage.press("ArrowRight")
    stage.wait_until_saved(saved + 2)
    assert "would be lost by a reload" in page.locator("#stage .not-stored").inner_text()
    assert errors == []
