"""Screenshots of one page in several sizes, light and dark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SIZES = {"desktop": (1440, 789), "laptop": (1366, 650), "phone": (390, 664)}
SETTLE_MS = 500


class Camera:
    """Takes a page as it is at the moment; without a folder it takes nothing."""

    def __init__(self, page: Any, folder: Path | None, thorough: bool) -> None:
        self._page, self._folder = page, folder
        self._sizes = list(SIZES) if thorough else ["desktop"]
        self._schemes = ("light", "dark") if thorough else ("light",)
        self._taken = 0

    def take(self, name: str) -> None:
        """Take the page in every size and scheme, and leave it as it was."""
        if self._folder is None:
            return
        self._taken += 1
        self._folder.mkdir(parents=True, exist_ok=True)
        title = f"{self._taken:02}-{name.replace(' ', '-')}"

        for scheme in self._schemes:
            self._color(scheme)
            for size in self._sizes:
                self._page.set_viewport_size(viewport(size))
                self._page.wait_for_timeout(SETTLE_MS)
                self._page.screenshot(path=self._folder / f"{title}-{size}-{scheme}.png")
        self._color("light")
        self._page.set_viewport_size(viewport("desktop"))

    def _color(self, scheme: str) -> None:
        self._page.emulate_media(color_scheme=scheme)
        # Gradio reads the scheme once, when the page opens.
        self._page.evaluate(
            "dark => document.body.classList.toggle('dark', dark)", scheme == "dark"
        )


def viewport(size: str) -> dict[str, int]:
    """Return a size as Playwright takes it."""
    width, height = SIZES[size]
    return {"width": width, "height": height}
