"""Sign-in middleware: finds out who sent a request, and passes on only what they may use.

Everybody ── AccountRoutes    sign in, sign out, choose a password
Labelers  ── labeling app     an app of its own, with nothing that a labeler may not use
Admins    ── app              everything
"""

import json
import re
import threading
from collections import OrderedDict
from collections.abc import Mapping
from functools import partial

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from annotate.auth.account_routes import PATHS
from annotate.auth.identity import SAFE_METHODS, SCOPE_KEY, Authenticator
from annotate.auth.proxies import path_within
from annotate.auth.streams import STREAMS, while_allowed
from storage.tables.people import Person, Role

OPEN_PATHS = ("/health", "/robots.txt", "/favicon.ico", "/gradio_api/startup-events")
"""Paths that anybody may read: they reveal nothing."""
BRAND = "/brand/"
"""Start of the paths of icons, which the sign-in page and previews of links show to anybody."""
SESSION = r"(?P<session>[\w-]{1,64})"
LABELER_READS = re.compile(
    r"/|/config/?|/theme\.css|/gradio_api/theme\.css|/(assets|static|svelte|scripts)/.+|"
    r"/gradio_api/info/?|/gradio_api/app_id/?|/gradio_api/queue/data|"
    rf"/gradio_api/heartbeat/{SESSION}|/gradio_api/call/\w+/\w+|/img/[^/]+"
)
LABELER_WRITES = re.compile(
    r"/gradio_api/(component_server/?|queue/join|run/\w+/?|api/\w+/?|call/\w+/?)"
)
STREAM = "/gradio_api/queue/data"
MAX_BODY_BYTES = 256 * 1024
MAX_SESSIONS = 20_000
PRIVATE_PAGES = ("/", "/config", "/config/", "/gradio_api/info", "/gradio_api/info/")


class SessionOwners:
    """Owners of Gradio sessions: the first person who uses a session, and nobody else.

    Gradio itself lets whoever knows a session's id read its results.
    """

    def __init__(self) -> None:
        self._owners: OrderedDict[str, str] = OrderedDict()
        self._guard = threading.Lock()

    def belongs(self, session: str, name: str, known: bool = False) -> bool:
        """Return whether a person may use a session; with `known` it must exist already."""
        with self._guard:
            if session not in self._owners and known:
                return False
            owner = self._owners.setdefault(session, name)
            self._owners.move_to_end(session)
            if len(self._owners) > MAX_SESSIONS:
                self._owners.popitem(last=False)
            return owner == name


class SignInMiddleware:
    """ASGI middleware that refuses everything that is not allowed explicitly."""

    def __init__(
        self,
        app: ASGIApp,
        authenticator: Authenticator,
        account_app: ASGIApp,
        labeling_app: ASGIApp,
    ) -> None:
        self._app, self._authenticator = app, authenticator
        self._account_app, self._labeling_app = account_app, labeling_app
        self._sessions = SessionOwners()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on to the app it is for, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._route(scope, receive, without_caching(path_within(scope), send))
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Find out who sent a request, and answer strangers, account pages and streams."""
        request = Request(scope, receive)
        path = path_within(scope)
        is_open = path in OPEN_PATHS or path.startswith(BRAND)
        if is_open and request.method in SAFE_METHODS:
            return await self._app(scope, receive, send)

        person = await self._person(request)
        scope[SCOPE_KEY] = person
        if path in PATHS:
            return await self._account_app(scope, receive, send)
        if person is None:
            return await self._sign_in_first(request)(scope, receive, send)

        if self._authenticator.accounts.touch_seen(person.name):
            await run_in_threadpool(self._authenticator.accounts.people.record_seen, person.name)
        if STREAMS.fullmatch(path):
            # A stream outlives the check at its start, so the person is checked again meanwhile.
            still_allowed = partial(self._is_still, request, person)
            return await while_allowed(self._to_app, scope, receive, send, still_allowed)
        await self._to_app(scope, receive, send)

    async def _to_app(self, scope: Scope, receive: Receive, send: Send) -> None:
        person: Person = scope[SCOPE_KEY]
        if person.role is Role.ADMIN:
            await self._app(scope, receive, send)
        else:
            await self._labeler(person, Request(scope, receive), send)

    async def _person(self, request: Request) -> Person | None:
        if self._authenticator.is_cached(request):
            return self._authenticator.person(request)
        # The query may have to wait, and must not block the event loop.
        return await run_in_threadpool(self._authenticator.person, request)

    async def _is_still(self, request: Request, person: Person) -> bool:
        """Return whether a request's sign-in still holds, with the same role."""
        current = await self._person(request)
        return current is not None and (current.name, current.role) == (person.name, person.role)

    async def _labeler(self, person: Person, request: Request, send: Send) -> None:
        """Pass a labeler's request on, if its path is allowed and its session is their own."""
        scope, receive = request.scope, request.receive
        allowed = LABELER_READS if request.method in SAFE_METHODS else LABELER_WRITES
        path = path_within(scope)
        match = allowed.fullmatch(path)
        if match is None:
            return await only_admins()(scope, receive, send)

        session = match.groupdict().get("session")
        if request.method not in SAFE_METHODS:
            if not is_json(request.headers):
                refusal = PlainTextResponse("Send JSON.", 415)
                return await refusal(scope, receive, send)
            body = await read_body(request, MAX_BODY_BYTES)
            if body is None:
                refusal = PlainTextResponse(f"Send at most {MAX_BODY_BYTES:,} bytes.", 413)
                return await refusal(scope, receive, send)
            session, receive = session_of(body), replayed(body, receive)
        elif path == STREAM:
            session = request.query_params.get("session_hash", "")

        # A stream only reads, so the session has to exist: it must not be claimed by guessing.
        known = path == STREAM
        if session is not None and not self._sessions.belongs(session, person.name, known):
            refusal = PlainTextResponse("There is no such session.", 404)
            return await refusal(scope, receive, send)
        await self._labeling_app(scope, receive, send)

    def _sign_in_first(self, request: Request) -> Response:
        """Send a stranger's browser to the sign-in page; refuse their other requests."""
        header = self._authenticator.header
        if header is not None:
            refusal = f"Come by the proxy that signs you in: it sends {header}."
            return PlainTextResponse(refusal, 401)
        if path_within(request.scope) == "/" and request.method in SAFE_METHODS:
            return RedirectResponse("sign-in", 303, headers={"Cache-Control": "no-store"})
        return JSONResponse({"detail": "Sign in first."}, 401)


def only_admins() -> Response:
    """Refuse a labeler's request in the same words whether or not its path exists."""
    return PlainTextResponse("Only an admin may do that.", 403)


def is_json(headers: Mapping[str, str]) -> bool:
    """Return whether the content type is JSON.

    A form of another site can send only other types without a preflight.
    """
    return headers.get("content-type", "").split(";", 1)[0].strip().lower() == "application/json"


async def read_body(request: Request, max_bytes: int) -> bytes | None:
    """Return the whole body; None for one that is too large or was cut off."""
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > max_bytes:
                return None
    except ClientDisconnect:
        return None
    return bytes(body)


def replayed(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives a body which was read already, then what comes after it."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

    return again


def session_of(body: bytes) -> str | None:
    """Return the session that a call's JSON names; None if it names none."""
    try:
        call = json.loads(body)
    except (ValueError, RecursionError):
        return None
    session = call.get("session_hash") if isinstance(call, dict) else None
    return None if session is None else str(session)


def without_caching(path: str, send: Send) -> Send:
    """Return a `send` that forbids caches to store pages which name a person."""
    if path not in PRIVATE_PAGES:
        return send

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", []))
            if all(name.lower() != b"cache-control" for name, _ in headers):
                headers.append((b"cache-control", b"no-store"))
            message = {**message, "headers": headers}
        await send(message)

    return sending
