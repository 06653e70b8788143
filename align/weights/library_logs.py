"""Collect log messages of the libraries while a model is loaded: some errors only refer to them.

Collected messages are not shown; `logged_reason` adds them to an error that refers to them.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

LIBRARIES = ("transformers", "diffusers")
LOG_REFERENCE = re.compile(r"\babove\b|\bbelow\b|\bsee the (?:log|report)", re.IGNORECASE)
ANSI_COLORS = re.compile(r"\x1b\[[0-9;]*m")
MAX_LINES = 6
"""Of a table with a row for each tensor, the first ones tell what is wrong."""


class MessageCollector(logging.Handler):
    """A logging handler that stores the messages."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Store a message without its colors."""
        self.messages.append(ANSI_COLORS.sub("", record.getMessage()))


@contextmanager
def collect_logs() -> Iterator[list[str]]:
    """Collect warnings of the libraries for the length of this block, without showing more."""
    collector = MessageCollector()
    loggers = [logging.getLogger(name) for name in LIBRARIES]
    before = [(logger, logger.level, list(logger.handlers)) for logger in loggers]
    levels = [(shown, shown.level) for logger in loggers for shown in logger.handlers]

    # Handlers keep to the level that their logger had: a lower one is for the collector alone.
    for logger, level, shown in before:
        for handler in shown:
            handler.setLevel(max(handler.level, level))
        logger.setLevel(min(logging.WARNING, level or logging.WARNING))
        logger.addHandler(collector)

    try:
        yield collector.messages
    finally:
        for logger, level, _ in before:
            logger.removeHandler(collector)
            logger.setLevel(level)
        for handler, level in levels:
            handler.setLevel(level)


def logged_reason(error: BaseException, messages: list[str]) -> str:
    """Return the last message in one line where an error refers to the log, else ""."""
    if not messages or not LOG_REFERENCE.search(str(error)):
        return ""
    cells = (re.sub(r"[\s|]+", " ", line).strip() for line in messages[-1].splitlines())
    rows = [row for row in cells if row.strip("-+ ")]
    return "; ".join(rows[:MAX_LINES])
