"""Steps that the browser tests share: most of them drive the stage."""

import re
from pathlib import Path
from typing import Any

SLOW_MS = 60_000
WORK_MS = 180_000


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


def open_setting(page: Any, section: str) -> None:
    """Open a section of the Settings tab, by its id."""
    page.locator("#settings-tab-button").click(timeout=SLOW_MS)
    page.locator(f"#{section} button").first.click(timeout=SLOW_MS)


def send(page: Any, folder: Path) -> str:
    """Set the folder of another program, wrong ones refused in place, and send a version there.

    The version is the one that is selected on the Train tab; the note beside it is returned.
    """
    (folder / "ComfyUI/models/loras").mkdir(parents=True)
    page.locator("#send-version:not([disabled])").click(timeout=SLOW_MS)
    page.get_by_text("Nobody has said yet where versions go").wait_for(timeout=SLOW_MS)
    named = page.locator("#lora-folder input, #lora-folder textarea")
    for name, told in (("nowhere", "is not there"), ("ComfyUI", "Versions go there")):
        named.fill(str(folder / name))
        page.locator("#save-lora-folder").click()
        page.locator("#lora-folder-told").get_by_text(told).wait_for(timeout=SLOW_MS)
    page.locator("#send-version:not([disabled])").click(timeout=SLOW_MS)
    page.locator("#sent .exported").wait_for(timeout=WORK_MS)
    sent = {file.suffix: file for file in (folder / "ComfyUI/models/loras").iterdir()}
    assert sent.keys() == {".json", ".safetensors", ".txt"}
    return sent[".txt"].read_text("utf-8")
