"""Render the icons and the preview of a link from the SVGs in annotate/web/static/brand.

    python docs/brand.py

Needs resvg-py, which is part of the extra `test`.
"""

from pathlib import Path

import resvg_py

BRAND = Path(__file__).resolve().parents[1] / "annotate" / "web" / "static" / "brand"
TOUCH_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="-12 -12 88 88">'
    '<rect x="-12" y="-12" width="88" height="88" fill="#faf8f5"/>{icon}</svg>'
)
"""Phones cut the corners of an icon and put black where it is transparent."""


def main() -> None:
    icon = (BRAND / "icon.svg").read_text("utf-8")
    save("icon.png", icon, 64)
    save("icon-180.png", TOUCH_ICON.format(icon=icon), 180)
    save("link-preview.png", (BRAND / "link-preview.svg").read_text("utf-8"), 1200)


def save(name: str, svg: str, width: int) -> None:
    """Write an SVG as a PNG of a width in pixels."""
    (BRAND / name).write_bytes(resvg_py.svg_to_bytes(svg_string=svg, width=width))


if __name__ == "__main__":
    main()
