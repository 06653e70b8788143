"""What becomes of an exception on its way to a person: its sentence, and nothing else."""

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

# What every event of the page has in common: it is no part of the public API, it shows no overlay
# over what a person reads, and it waits for no other event.
PRIVATE: dict[str, Any] = {
    "api_visibility": "private",
    "show_progress": "hidden",
    "concurrency_limit": None,
}

ELSE = "Something went wrong in the app. Its log in the terminal says more."
"""What is told of an error that nobody expected."""

LONGEST = 2000

logger = logging.getLogger(__name__)


def refusals(expected: Errors) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator for events and API endpoints that tells every error as gr.Error.

    Of one that nobody expected the log has all there is to know, and who asked that it is there.
    """

    def decorate(handler: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(handler)
        def handled(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return handler(*args, **kwargs)
            except Exception as error:
                raise told(error) from error

        @functools.wraps(handler)
        def streamed(*args: P.args, **kwargs: P.kwargs) -> Iterator[Any]:
            try:
                yield from cast(Iterator[Any], handler(*args, **kwargs))
            except Exception as error:
                raise told(error) from error

        def told(error: Exception) -> gr.Error:
            if isinstance(error, gr.Error):
                return error
            if isinstance(error, expected):
                return _told(str(error))
            logger.exception("%s failed", handler.__name__)
            return _told(ELSE)

        if inspect.isgeneratorfunction(handler):
            return cast(Callable[P, R], streamed)
        return handled

    return decorate


def replies(
    expected: Errors, passing: Errors = ()
) -> Callable[[Callable[[Any], Reply]], Callable[[Any], Reply]]:
    """Return a decorator for server functions: they answer {"ok": ...} and never raise.

    An expected error is definite ("retry": False) unless it is a passing one; any other error is
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
                return {"ok": False, "retry": True, "error": ELSE}

        return answered

    return decorate


def _told(sentence: str) -> gr.Error:
    # It may repeat what was sent, and that may be megabytes.
    sentence = sentence if len(sentence) <= LONGEST else f"{sentence[:LONGEST]}…"
    return gr.Error(sentence, duration=8, print_exception=False)
