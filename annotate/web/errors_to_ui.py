"""Turn expected exceptions into user-facing error messages."""

import functools
import inspect
import logging
from collections.abc import Callable, Iterator
from typing import Any, ParamSpec, TypeVar, cast

import gradio as gr

P = ParamSpec("P")
R = TypeVar("R")
Errors = tuple[type[Exception], ...]
Reply = dict[str, Any]

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


def errors_as_gr_error(expected: Errors) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator for events and API endpoints that raises every error as gr.Error.

    An expected error keeps its sentence; any other is logged and becomes GENERIC_ERROR.
    """

    def decorate(handler: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(handler)
        def handled(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return handler(*args, **kwargs)
            except Exception as error:
                raise as_gr_error(error) from error

        @functools.wraps(handler)
        def streamed(*args: P.args, **kwargs: P.kwargs) -> Iterator[Any]:
            try:
                yield from cast(Iterator[Any], handler(*args, **kwargs))
            except Exception as error:
                raise as_gr_error(error) from error

        def as_gr_error(error: Exception) -> gr.Error:
            if isinstance(error, gr.Error):
                return error
            if isinstance(error, expected):
                return _gr_error(str(error))
            logger.exception("%s failed", handler.__name__)
            return _gr_error(GENERIC_ERROR)

        # Gradio streams only from functions that are generators themselves.
        if inspect.isgeneratorfunction(handler):
            return cast(Callable[P, R], streamed)
        return handled

    return decorate


def errors_as_reply(
    expected: Errors, passing: Errors = ()
) -> Callable[[Callable[[Any], Reply]], Callable[[Any], Reply]]:
    """Return a decorator for server functions: they answer {"ok": ...} and never raise.

    An expected error is final ("retry": False) unless it is a passing one. Any other error is
    logged and answered with "retry": True, so that the browser keeps what it wanted to send.
    """

    def decorate(function: Callable[[Any], Reply]) -> Callable[[Any], Reply]:
        @functools.wraps(function)
        def answered(argument: Any) -> Reply:
            try:
                return {"ok": True, **function(argument)}
            except passing as error:
                return {"ok": False, "retry": True, "error": str(error)}
            except expected as error:
                return {"ok": False, "retry": False, "error": str(error)}
            except Exception:
                logger.exception("%s failed", function.__name__)
                return {"ok": False, "retry": True, "error": GENERIC_ERROR}

        return answered

    return decorate


def _gr_error(sentence: str) -> gr.Error:
    # A sentence may repeat what was sent, and that may be megabytes.
    if len(sentence) > MAX_SENTENCE_LENGTH:
        sentence = f"{sentence[:MAX_SENTENCE_LENGTH]}…"
    return gr.Error(sentence, duration=8, print_exception=False)
