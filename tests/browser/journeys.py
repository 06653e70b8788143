"""Steps that the browser tests share: they drive the stage."""

import re
from typing import Any

SLOW_MS = 60_000


class Stage:
    """The labeling stage on a page, as a person with a keyboard meets it."""

    def __init__(self, page: Any) -> None:
        self.page = page

    def open(self, url: str) -> None:
        self.page.goto(url)
        self.wait_for_pair()

    def read(self, name: str) -> str:
        script = "name => document.querySelector('#stage [data-acked]')?.dataset[name] || ''"
        return str(self.page.evaluate(script, name))

    def wait_until(self, name: str, test: str) -> None:
        """Wait until the data attribute `name` passes the JavaScript test over `value`."""
        script = (
            "() => { const value = document.querySelector('#stage [data-acked]')"
            f"?.dataset[{name!r}] || ''; return {test}; }}"
        )
        self.page.wait_for_function(script, timeout=SLOW_MS)

    def wait_for_pair(self) -> str:
        self.wait_until("pair", "value !== ''")
        return self.read("pair")

    def press(self, key: str) -> str:
        """Press a key that brings another pair; return the pair it was pressed on."""
        before = self.wait_for_pair()
        self.page.keyboard.press(key)
        self.wait_until("pair", f"value !== '' && value !== {before!r}")
        return before

    def saved(self) -> int:
        """The number of votes that the page says are saved."""
        line = self.page.locator("#stage .saved", has_text=re.compile(r"^\d+ votes? saved$"))
        return int(line.inner_text(timeout=SLOW_MS).split()[0])

    def wait_until_saved(self, votes: int) -> None:
        self.wait_until("unsent", "value === '0'")
        words = re.compile(rf"^{votes} votes? saved$")
        self.page.locator("#stage .saved", has_text=words).wait_for(timeout=SLOW_MS)
