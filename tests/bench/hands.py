"""Somebody's hand in a browser: a mouse alone, or a keyboard alone; it counts what it does."""

from __future__ import annotations

import time
from typing import Any

PATIENCE_MS = 60_000
MOST_TABS = 250
"""Presses of Tab after which something counts as out of reach."""
FOCUSED = "wanted => wanted === document.activeElement || wanted.contains(document.activeElement)"
BEHIND = """wanted => document.activeElement !== document.body && Boolean(
  document.activeElement.compareDocumentPosition(wanted) & Node.DOCUMENT_POSITION_PRECEDING)"""


SKIPS = """wanted => {
  const link = document.activeElement?.closest('.skip-links a');
  const section = link && document.getElementById(link.getAttribute('href').slice(1));
  return Boolean(section && section.contains(wanted));
}"""


class Hand:
    """What both hands share; `acts` counts clicks, or presses of keys."""

    name = ""
    typed = 0

    def __init__(self, page: Any) -> None:
        self.page, self.acts = page, 0

    def find(self, selector: str) -> Any:
        """Wait for what can be seen and used."""
        found = self.page.locator(f"{selector} >> visible=true").first
        found.wait_for(timeout=PATIENCE_MS)
        return found

    def press(self, selector: str) -> None:
        """Use a button, a tab, a radio button or the head of a section."""
        raise NotImplementedError

    def write(self, selector: str, text: str) -> None:
        """Put the text of a field in place of what it holds."""
        self.press(selector)
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)
        self.typed += len(text)

    def until_usable(self, selector: str) -> Any:
        """Wait until a button can be pressed."""
        found = self.find(selector)
        deadline = time.monotonic() + PATIENCE_MS / 1000
        while not found.is_enabled() and time.monotonic() < deadline:
            time.sleep(0.1)
        return found


class Mouse(Hand):
    """Clicks in the middle of what it sees; turns the wheel where that lies outside."""

    name = "mouse"

    def press(self, selector: str) -> None:
        self.until_usable(selector).click(timeout=PATIENCE_MS)
        self.acts += 1


class Keyboard(Hand):
    """Goes by Tab, and presses Enter, or Space where something is chosen."""

    name = "keyboard"

    def key(self, name: str) -> None:
        """Press a key."""
        self.page.keyboard.press(name)
        self.acts += 1

    def reach(self, selector: str) -> None:
        """Press Tab, or Shift and Tab, until the focus is there."""
        wanted = self.until_usable(selector)
        key = "Shift+Tab" if wanted.evaluate(BEHIND) else "Tab"
        for _ in range(MOST_TABS):
            if wanted.evaluate(FOCUSED):
                return
            self.key(key)
            if wanted.evaluate(SKIPS):
                self.key("Enter")
        raise AssertionError(f"{selector} cannot be reached by {key}")

    def press(self, selector: str) -> None:
        self.reach(selector)
        kind = self.page.evaluate("document.activeElement.type || ''")
        if kind not in ("text", "number", "textarea", "search"):
            self.key("Space" if kind in ("radio", "checkbox") else "Enter")
