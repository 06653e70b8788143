"""Tables of cells (CSV and its kin) with any delimiter and quoting, with or without a header."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any

from annotate.image_import.captions.columns import CaptionColumns, is_image
from storage.safe_files import TOO_LARGE, SkippedFile

MAX_ROWS = 500_000
"""Rows of a table; an import may have 200,000 images."""
DELIMITERS = (",", "\t", ";", "|", ":")
SNIFFED_LENGTH = 20_000
"""Characters of the first line by which the delimiter is detected."""
SAMPLE_ROWS = 50
"""Rows by which the shape of a table without a header is detected."""
EXCEL_HINT = "sep="
"""Start of the line in which Excel names the delimiter."""
TableRow = Mapping[str, Any]


def rows_of_cells(text: str, only_images: bool) -> Iterator[TableRow]:
    """Yield the rows of a table.

    With `only_images`, a text without a header is a table only if its first row names an image.
    """
    text, delimiter = _split_hint(text)
    rows = _csv(text, delimiter, quoted=not _is_unquoted(text, delimiter))
    header_row = next(filter(any, rows), [])
    first = [cell.strip() for cell in header_row]
    if any(map(is_image, first)) or not any(map(CaptionColumns().is_known, first)):
        if any(map(is_image, first)) or not only_images:
            yield from _headless(chain([header_row], rows), delimiter)
        return

    text_column = _text_column(first)
    for cells in rows:
        yield dict(zip(first, _fitted(cells, len(first), text_column, delimiter), strict=False))


def _split_hint(text: str) -> tuple[str, str]:
    """Return a table without Excel's hint, and its delimiter."""
    line, _, body = text.partition("\n")
    if line.startswith(EXCEL_HINT) and line[len(EXCEL_HINT) : len(EXCEL_HINT) + 1] in DELIMITERS:
        return body, line[len(EXCEL_HINT)]
    return text, delimiter_of(text.lstrip("\r\n"))


def delimiter_of(text: str) -> str:
    """Detect the delimiter of a table by its first line: it makes the most known columns of it, or
    else the most columns.
    """
    line, columns = text[:SNIFFED_LENGTH], CaptionColumns()

    def known(delimiter: str) -> tuple[int, int]:
        cells = [cell.strip() for cell in next(_csv(line, delimiter), [])]
        return sum(columns.is_known(cell) or is_image(cell) for cell in cells), len(cells)

    return max(DELIMITERS, key=known)


def _text_column(header: Sequence[str]) -> int | None:
    """Return the index of the column that best names a prompt, or None."""
    columns = CaptionColumns()
    ranks = [(columns.names_text(name), index) for index, name in enumerate(header)]
    known = [(rank, index) for rank, index in ranks if rank is not None]
    return min(known)[1] if known else None


def _fitted(cells: list[str], width: int, text_column: int | None, delimiter: str) -> list[str]:
    """Return a row as wide as its header, with an unquoted prompt put together again."""
    excess = len(cells) - width
    if excess <= 0 or text_column is None:
        return cells
    end = text_column + excess + 1
    prompt = delimiter.join(cells[text_column:end])
    return [*cells[:text_column], prompt, *cells[end:]]


def _headless(rows: Iterator[list[str]], delimiter: str) -> Iterator[TableRow]:
    """Yield rows of an image and its prompt, among other columns if all rows are as wide.

    Otherwise an unquoted prompt was split into many cells, which are put together again.
    """
    start = list(islice(rows, SAMPLE_ROWS))
    widths = {len(cells) for cells in start if cells}
    prose = any(cell.startswith(" ") for cells in start for cell in cells[2:])
    whole = len(widths) > 1 or prose or delimiter == ":"
    for cells in chain(start, rows):
        index = next((index for index, cell in enumerate(cells) if is_image(cell)), 0)
        others = [*cells[:index], *cells[index + 1 :]]
        texts = [cell for cell in others if cell.strip() and not is_image(cell)]
        # In a row of several images a single text is about all of them; several texts are not.
        several = any(map(is_image, others)) and len(texts) > 1
        prompt = delimiter.join(others) if whole else "" if several else next(iter(texts), "")
        yield {"file": cells[index] if cells else "", "prompt": prompt}


def _is_unquoted(text: str, delimiter: str) -> bool:
    """Return whether quotes in a table are ordinary letters.

    Read as quoting, one of them would swallow whole rows, with the names of other images.
    """
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
    """Yield the rows of a CSV file, except those that cannot be read, such as too long ones."""
    lines = io.StringIO(text, newline="")
    # 0 is QUOTE_MINIMAL, 3 is QUOTE_NONE, where quotes are ordinary letters.
    reader = csv.reader(lines, delimiter=delimiter, quoting=0 if quoted else 3)
    for _ in range(MAX_ROWS):
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error:
            continue
    raise SkippedFile(TOO_LARGE)
