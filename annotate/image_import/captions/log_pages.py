"""Pages in which a program logs its images: each with its settings in the cells of a table."""

import re
from collections.abc import Iterator
from html import unescape

from annotate.image_import.captions.columns import CaptionColumns, is_image

TOKEN = re.compile(r"<(/?)(td|th|img)\b([^<>]*)>|<br\b[^<>]*>|([^<]+)", re.IGNORECASE)
DEEPEST = 20
"""Cells within cells that are told apart; what never ends costs no memory."""
SOURCE = re.compile(r"\bsrc\s*=\s*[\"']?([^\"'<>]{1,1000})", re.IGNORECASE)


def rows_of_page(page: str) -> Iterator[dict[str, str]]:
    """Return each image of a page with what the cells behind it say its prompt is."""
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
    """The images and the cells of a page in their order; of cells within cells each its own."""
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
            cells = [*cells[-DEEPEST:], []]
        elif cells and (told := unescape("".join(cells.pop())).strip()):
            yield "cell", told
