"""Keep what the libraries log while a model is loaded: some errors say no more than to look there.

What is kept is not shown; `told_by` adds it to an error that refers to it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

LIBRARIES = ("transformers", "diffusers")
ELSEWHERE = re.compile(r"\babove\b|\bbelow\b|\bsee the (?:log|report)", re.IGNORECASE)
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
LINES = 6
"""Of a table with a row for each tensor, the first ones tell what is wrong."""


class Kept(logging.Handler):
    """Remembers messages."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Remember one."""
        self.messages.append(COLOURS.sub("", record.getMessage()))


@contextmanager
def kept_logs() -> Iterator[list[str]]:
    """Collect warnings of the libraries for the length of this block, without showing more."""
    kept = Kept()
    loggers = [logging.getLogger(name) for name in LIBRARIES]
    before = [(logger, logger.level, list(logger.handlers)) for logger in loggers]
    levels = [(shown, shown.level) for logger in loggers for shown in logger.handlers]
    for logger, level, shown in before:
        for handler in shown:
            handler.setLevel(max(handler.level, level))
        logger.setLevel(min(logging.WARNING, level or logging.WARNING))
        logger.addHandler(kept)
    try:
        yield kept.messages
    finally:
        for logger, level, _ in before:
            logger.removeHandler(kept)
            logger.setLevel(level)
        for handler, level in levels:
            handler.setLevel(level)


def told_by(error: BaseException, messages: list[str]) -> str:
    """Return what was logged last, in a line, where an error says to look there; else ""."""
    if not messages or not ELSEWHERE.search(str(error)):
        return ""
    cells = (re.sub(r"[\s|]+", " ", line).strip() for line in messages[-1].splitlines())
    rows = [row for row in cells if row.strip("-+ ")]
    return "; ".join(rows[:LINES])
