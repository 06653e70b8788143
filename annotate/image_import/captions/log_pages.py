"""Log pages: HTML in which a program lists its images with their settings in table cells."""

import re
from collections.abc import Iterator
from html import unescape

from annotate.image_import.captions.columns import CaptionColumns, is_image

TOKEN = re.compile(r"<(/?)(td|th|img)\b([^<>]*)>|<br\b[^<>]*>|([^<]+)", re.IGNORECASE)
MAX_DEPTH = 20
"""Nested cells that are kept, so that cells which never end cost no memory."""
SOURCE = re.compile(r"\bsrc\s*=\s*[\"']?([^\"'<>]{1,1000})", re.IGNORECASE)


def rows_of_page(page: str) -> Iterator[dict[str, str]]:
    """Yield each image of a page as a row, with the labels and texts of the cells after it."""
    columns, row, label = CaptionColumns(), dict[str, str](), ""

    for kind, text in _parts(page):
        if kind == "image" and text != row.get("file"):
            if row:
                yield row
            row, label = {"file": text}, ""
        elif kind == "cell":
            if label and row:
                row.setdefault(label, text)
            label = text if not label and columns.names_text(text) is not None else ""

    if row:
        yield row


def _parts(page: str) -> Iterator[tuple[str, str]]:
    """Yield the images and the cells of a page in order; nested cells come one by one."""
    cells: list[list[str]] = []

    for token in TOKEN.finditer(page):
        closing, tag, attributes, text = token.groups()
        if tag is None:
            if cells:
                cells[-1].append(text or "\n")
        elif tag.lower() == "img":
            source = SOURCE.search(attributes)
            if source and is_image(unescape(source[1])):
                yield "image", unescape(source[1])
        elif not closing:
            cells = [*cells[-MAX_DEPTH:], []]
        elif cells and (content := unescape("".join(cells.pop())).strip()):
            yield "cell", content
