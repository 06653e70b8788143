"""Check calls of endpoints, events and server functions before Gradio sees them.

Gradio answers an unexpected name, number or value with status 500 and a traceback, and fills in no
defaults for plain HTTP. Here each gets a sentence, and defaults are filled in.
"""

import json
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from align.contracts.errors import InvalidInput, NotFound
from annotate.auth.proxies import path_within
from annotate.errors import AnnotateError, WrongMediaType
from annotate.http_status import status_of
from annotate.web.request_limits import MAX_JSON_DEPTH, read_body, too_deeply_nested

SESSION_HASH = re.compile(r"[\w-]{1,64}", re.ASCII)
READABLE = re.compile(
    r"/|/config/?|/health|/theme\.css|/favicon\.ico|/robots\.txt|/manifest\.json|/me|"
    r"/(assets|static|svelte|scripts)/.+|/(img|sample|sheet|export|report|brand)/[^/]+|"
    r"/gradio_api/(info/?|openapi\.json|app_id/?|startup-events|theme\.css|login_check/?|user/?|"
    r"queue/data|queue/status|upload_progress|heartbeat/[\w-]{1,64})"
)
ENDPOINT_CALL = re.compile(r"/gradio_api/(?P<kind>call/v2|call|run|api)/(?P<name>\w{1,64})/?")
ENDPOINT_RESULT = re.compile(r"/gradio_api/call/(v2/)?(?P<name>\w{1,64})/[\w-]{1,64}")
QUEUE_JOIN = "/gradio_api/queue/join"
COMPONENT_FUNCTION = re.compile(r"/gradio_api/component_server/?")
UPLOAD = re.compile(r"/gradio_api/upload/?")
QUEUE_CONTROL = re.compile(r"/gradio_api/(cancel|reset)/?")
MULTIPART = "multipart/form-data"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of an endpoint."""

    name: str
    optional: bool
    default: Any = None


@dataclass(frozen=True, slots=True)
class CallTable:
    """Everything on a page that may be called."""

    endpoints: Mapping[str, Sequence[Parameter]]
    events: Mapping[int, tuple[str, int]]
    """By event number: the endpoint's name (empty for none) and the number of values it takes."""
    functions: Mapping[int, frozenset[str]]
    """By component number: the server functions that a script may call."""


class UnknownCall(AnnotateError, NotFound):
    """No endpoint, event, function or address has this name or number."""


class InvalidCall(AnnotateError, InvalidInput):
    """A call is no JSON, or its arguments do not fit."""


class CallChecks:
    """An ASGI app around Gradio's that checks calls and fills in defaults."""

    def __init__(self, app: ASGIApp, table: CallTable) -> None:
        self._app, self._table = app, table

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a valid request on to Gradio, and answer any other with a sentence."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        try:
            if scope["method"] == "POST":
                scope, receive = await self._checked_post(Request(scope, receive))
            else:
                self._check_read(path_within(scope))
        except AnnotateError as refusal:
            answer = JSONResponse({"error": str(refusal)}, status_of(refusal))
            return await answer(scope, receive, send)
        await self._pass(scope, receive, send)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        started, finished = False, False

        async def watched_send(message: Message) -> None:
            nonlocal started, finished
            started = True
            finished = message["type"] == "http.response.body" and not message.get(
                "more_body", False
            )
            await send(message)

        try:
            await self._app(scope, receive, watched_send)
        except Exception as error:
            if not started:
                raise
            # The answer is out already: a sentence with status 500, or a part of a stream.
            if not isinstance(error.__cause__, HTTPException):
                logger.exception("%s failed", path_within(scope))
            if not finished:
                await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _check_read(self, path: str) -> None:
        result = ENDPOINT_RESULT.fullmatch(path)
        if result is not None:
            self._parameters(result["name"])
        elif READABLE.fullmatch(path) is None and not is_call(path):
            raise UnknownCall("There is no such address.")

    async def _checked_post(self, request: Request) -> tuple[Scope, Receive]:
        path = path_within(request.scope)
        kind = request.headers.get("content-type", "")
        if not is_call(path):
            if READABLE.fullmatch(path) is None:
                raise UnknownCall("There is no such address.")
            return request.scope, request.receive
        # Files may be gigabytes, and are never read into memory here.
        if UPLOAD.fullmatch(path):
            if media_type(kind) != MULTIPART or "boundary=" not in kind.lower():
                raise WrongMediaType("Send files as multipart/form-data.")
            return request.scope, request.receive
        if media_type(kind) != "application/json":
            raise WrongMediaType("Send JSON, and say so: Content-Type: application/json.")

        body = await read_body(request)
        called = parsed(body)
        changed = self._check_call(path, called)
        return replayed(request, json.dumps(called).encode() if changed else body)

    def _check_call(self, path: str, called: dict[str, Any]) -> bool:
        """Check a call and fill in its defaults; return whether any were missing."""
        if (call := ENDPOINT_CALL.fullmatch(path)) is not None:
            parameters = self._parameters(call["name"])
            check_session(called)
            if call["kind"] == "call/v2":
                return check_named(call["name"], parameters, called)
            return fill(call["name"], parameters, called)

        check_session(called)
        if path == QUEUE_JOIN:
            return self._check_event(called)
        if COMPONENT_FUNCTION.fullmatch(path):
            self._check_function(called)
        return False

    def _parameters(self, name: str) -> Sequence[Parameter]:
        parameters = self._table.endpoints.get(name)
        if parameters is None:
            sentence = f"There is no endpoint /{name}. /gradio_api/info lists those that there are."
            raise UnknownCall(sentence)
        return parameters

    def _check_event(self, called: dict[str, Any]) -> bool:
        index = called.get("fn_index")
        # Not isinstance: True and False are ints too, and would be events 1 and 0.
        event = self._table.events.get(index) if type(index) is int else None
        if event is None:
            raise UnknownCall(f"There is no event {index!r} on this page. Reload it.")
        # An event of the page that has a name is an endpoint as well, with defaults to fill in.
        name, values = event
        if name:
            return fill(name, self._table.endpoints[name], called)
        data = called.get("data")
        if not isinstance(data, list) or len(data) < values:
            raise InvalidCall(f"This event takes a list of {values} values as 'data'.")
        return False

    def _check_function(self, called: dict[str, Any]) -> None:
        component, name = called.get("component_id"), called.get("fn_name")
        known = self._table.functions.get(component) if type(component) is int else None
        if not known or name not in known:
            raise UnknownCall(f"There is no function {name!r} on this page. Reload it.")
        if "data" not in called or "session_hash" not in called:
            raise InvalidCall("A function takes 'data' and a 'session_hash'.")


def is_call(path: str) -> bool:
    """Return whether a path takes POST requests of Gradio's."""
    patterns = (ENDPOINT_CALL, COMPONENT_FUNCTION, UPLOAD, QUEUE_CONTROL)
    return path == QUEUE_JOIN or any(pattern.fullmatch(path) for pattern in patterns)


def media_type(kind: str) -> str:
    """Return the media type of a Content-Type, without its parameters."""
    return kind.split(";", 1)[0].strip().lower()


def parsed(body: bytes) -> dict[str, Any]:
    """Return the JSON object of a call; raises InvalidCall."""
    # Before parsing, since json recurses once per level and would exhaust the stack.
    if too_deeply_nested(body):
        raise InvalidCall(f"This JSON is nested deeper than {MAX_JSON_DEPTH} levels.")
    try:
        called = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidCall(f"This is no JSON: {str(error)[:200]}.") from None
    if not isinstance(called, dict):
        raise InvalidCall('Send an object, such as {"data": []}.')
    return called


def check_session(called: Mapping[str, Any]) -> None:
    """Raise InvalidCall for a session hash of another form than Gradio's."""
    session = called.get("session_hash")
    named = isinstance(session, str) and SESSION_HASH.fullmatch(session) is not None
    if session is not None and not named:
        raise InvalidCall("A session_hash is a text of up to 64 letters and digits.")


def fill(name: str, parameters: Sequence[Parameter], called: dict[str, Any]) -> bool:
    """Add defaults to the arguments of a call, and return whether any were missing."""
    data = called.get("data")
    if not isinstance(data, list):
        raise InvalidCall(f"'data' is the list of what {shape(name, parameters)}.")

    missing = parameters[len(data) :]
    for parameter in missing:
        if not parameter.optional:
            raise InvalidCall(f"{shape(name, parameters)}: {parameter.name} is missing.")
    data.extend(parameter.default for parameter in missing)
    return bool(missing)


def check_named(name: str, parameters: Sequence[Parameter], called: dict[str, Any]) -> bool:
    """Check arguments that are given by name, to which Gradio itself adds defaults."""
    for given in called:
        if given not in {parameter.name for parameter in parameters}:
            raise InvalidCall(f"{shape(name, parameters)}, and no {given[:64]!r}.")
    for parameter in parameters:
        if not parameter.optional and parameter.name not in called:
            raise InvalidCall(f"{shape(name, parameters)}: {parameter.name} is missing.")
    return False


def shape(name: str, parameters: Sequence[Parameter]) -> str:
    """Return the parameters of an endpoint in words."""
    named = [
        f"{parameter.name} (may be left out)" if parameter.optional else parameter.name
        for parameter in parameters
    ]
    return f"/{name} takes {', '.join(named) or 'nothing'}"


def replayed(request: Request, body: bytes) -> tuple[Scope, Receive]:
    """Return a request whose body was read as one that sends `body`, then what comes after it."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
    # Defaults may have made the body longer than its header says.
    length = str(len(body)).encode()
    headers = [
        (name, length if name == b"content-length" else value)
        for name, value in request.scope["headers"]
    ]

    async def receive() -> Message:
        return waiting.pop() if waiting else await request.receive()

    return {**request.scope, "headers": headers}, receive
