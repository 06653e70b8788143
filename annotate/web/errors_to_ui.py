"""Turn the errors that are raised on purpose into user-facing messages."""

import functools
import inspect
import logging
from collections.abc import Callable, Iterator, Mapping
from html import escape
from typing import Any, ParamSpec, TypeVar, cast

import gradio as gr

from align.contracts.errors import PalateError, Unavailable

P = ParamSpec("P")
R = TypeVar("R")

# Every event of the page: not in the public API, no overlay over what a person reads, and no
# waiting for other events.
PRIVATE: dict[str, Any] = {
    "api_visibility": "private",
    "show_progress": "hidden",
    "concurrency_limit": None,
}

GENERIC_ERROR = "Something went wrong in the app. Its log in the terminal says more."
"""The sentence for an error that nobody expected; details are in the log alone."""

MAX_SENTENCE_LENGTH = 2000

logger = logging.getLogger(__name__)


def errors_as_gr_error(handler: Callable[P, R], for_programs: bool = False) -> Callable[P, R]:
    """Return an event or endpoint that raises every error as gr.Error.

    An error that is raised on purpose keeps its sentence; any other is logged and becomes
    GENERIC_ERROR. The page shows a sentence as HTML, so that its text is escaped, unless it is
    `for_programs`.
    """

    @functools.wraps(handler)
    def handled(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return handler(*args, **kwargs)
        except Exception as error:
            raise _as_gr_error(error, handler.__name__, for_programs) from error

    @functools.wraps(handler)
    def streamed(*args: P.args, **kwargs: P.kwargs) -> Iterator[Any]:
        try:
            yield from cast(Iterator[Any], handler(*args, **kwargs))
        except Exception as error:
            raise _as_gr_error(error, handler.__name__, for_programs) from error

    # Gradio streams only from functions that are generators themselves.
    return cast(Callable[P, R], streamed) if inspect.isgeneratorfunction(handler) else handled


def errors_as_reply(
    function: Callable[[Any], Mapping[str, object]],
) -> Callable[[Any], dict[str, Any]]:
    """Return a server function that answers {"ok": ...} and never raises.

    An error that is raised on purpose is final ("retry": False) unless it is Unavailable: a full
    disk is no fault of the vote. Any other error is logged. With "retry": True the browser keeps
    what it wanted to send, and sends it again.
    """

    @functools.wraps(function)
    def answered(argument: Any) -> dict[str, Any]:
        try:
            return {"ok": True, **function(argument)}
        except PalateError as error:
            return {"ok": False, "retry": isinstance(error, Unavailable), "error": str(error)}
        except Exception:
            logger.exception("%s failed", function.__name__)
            return {"ok": False, "retry": True, "error": GENERIC_ERROR}

    return answered


def _as_gr_error(error: Exception, name: str, for_programs: bool) -> gr.Error:
    if isinstance(error, gr.Error):
        return error
    if isinstance(error, PalateError):
        return _gr_error(str(error), for_programs)
    logger.exception("%s failed", name)
    return _gr_error(GENERIC_ERROR, for_programs)


def _gr_error(sentence: str, for_programs: bool) -> gr.Error:
    # A sentence may repeat what was sent, and that may be megabytes.
    if len(sentence) > MAX_SENTENCE_LENGTH:
        sentence = f"{sentence[:MAX_SENTENCE_LENGTH]}…"
    shown = sentence if for_programs else escape(sentence, quote=False)
    return gr.Error(shown, duration=8, print_exception=False)
