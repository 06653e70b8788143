"""Tables of cells, however they are parted and quoted, with a head or without one."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any

from annotate.image_import.captions.columns import CaptionColumns, is_image
from annotate.safe_files import TOO_LARGE, SkippedFile

MAX_ROWS = 500_000
"""Of a table; an import may have 200,000 images."""
DELIMITERS = (",", "\t", ";", "|", ":")
SNIFFED = 20_000
"""Characters of the first line."""
SEEN_FIRST = 50
"""Rows by which the shape of a table without a head is told."""
EXCEL = "sep="
"""So begins the line in which Excel says what parts the cells."""
TableRow = Mapping[str, Any]


def rows_of_cells(text: str, only_images: bool) -> Iterator[TableRow]:
    """Return the rows of a table; without a head only with images where a text may be none."""
    text, delimiter = _parted(text)
    rows = _csv(text, delimiter, quoted=not _is_unquoted(text, delimiter))
    written = next(filter(any, rows), [])
    first = [cell.strip() for cell in written]
    if any(map(is_image, first)) or not any(map(CaptionColumns().is_known, first)):
        if any(map(is_image, first)) or not only_images:
            yield from _headless(chain([written], rows), delimiter)
        return

    place = _place_of_text(first)
    for cells in rows:
        yield dict(zip(first, _fitted(cells, len(first), place, delimiter), strict=False))


def _parted(text: str) -> tuple[str, str]:
    """Return a table without what says how its cells are parted, and that."""
    line, _, rest = text.partition("\n")
    if line.startswith(EXCEL) and line[len(EXCEL) : len(EXCEL) + 1] in DELIMITERS:
        return rest, line[len(EXCEL)]
    return text, delimiter_of(text.lstrip("\r\n"))


def delimiter_of(text: str) -> str:
    """Return what parts the cells of a table, told by its first line: what makes most columns of it
    that are known, or else most columns.
    """
    line, columns = text[:SNIFFED], CaptionColumns()

    def known(delimiter: str) -> tuple[int, int]:
        cells = [cell.strip() for cell in next(_csv(line, delimiter), [])]
        return sum(columns.is_known(cell) or is_image(cell) for cell in cells), len(cells)

    return max(DELIMITERS, key=known)


def _place_of_text(head: Sequence[str]) -> int | None:
    columns = CaptionColumns()
    ranks = [(columns.names_text(name), place) for place, name in enumerate(head)]
    told = [(rank, place) for rank, place in ranks if rank is not None]
    return min(told)[1] if told else None


def _fitted(cells: list[str], width: int, place: int | None, delimiter: str) -> list[str]:
    """Return a row as wide as its head: a prompt that was not quoted was taken for many cells."""
    more = len(cells) - width
    if more <= 0 or place is None:
        return cells
    prompt = delimiter.join(cells[place : place + more + 1])
    return [*cells[:place], prompt, *cells[place + more + 1 :]]


def _headless(rows: Iterator[list[str]], delimiter: str) -> Iterator[TableRow]:
    """Rows of an image and its prompt, among other columns if all have as many.

    Otherwise a prompt that was not quoted was taken for many cells.
    """
    start = list(islice(rows, SEEN_FIRST))
    widths = {len(cells) for cells in start if cells}
    prose = any(cell.startswith(" ") for cells in start for cell in cells[2:])
    whole = len(widths) > 1 or prose or delimiter == ":"
    for cells in chain(start, rows):
        place = next((place for place, cell in enumerate(cells) if is_image(cell)), 0)
        others = [*cells[:place], *cells[place + 1 :]]
        texts = [cell for cell in others if cell.strip() and not is_image(cell)]
        # Of a row about several images, one text is about all of them; several are something else.
        several = any(map(is_image, others)) and len(texts) > 1
        prompt = delimiter.join(others) if whole else "" if several else next(iter(texts), "")
        yield {"file": cells[place] if cells else "", "prompt": prompt}


def _is_unquoted(text: str, delimiter: str) -> bool:
    """Whether quotes in a table are letters like others: as marks, one would swallow whole rows."""
    if delimiter != "\t" and text.count('"') % 2 == 0:
        return False
    swallowed = (
        line.partition(delimiter)[0].strip()
        for cells in _csv(text, delimiter)
        for cell in cells
        if "\n" in cell
        for line in cell.split("\n")[1:]
    )
    return any(map(is_image, swallowed))


def _csv(text: str, delimiter: str, quoted: bool = True) -> Iterator[list[str]]:
    """Return the rows of a CSV file but for those that cannot be read, such as too long ones."""
    lines = io.StringIO(text, newline="")
    # 0 is QUOTE_MINIMAL, 3 QUOTE_NONE: quotes are letters.
    reader = csv.reader(lines, delimiter=delimiter, quoting=0 if quoted else 3)
    for _ in range(MAX_ROWS):
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error:
            continue
    raise SkippedFile(TOO_LARGE)
