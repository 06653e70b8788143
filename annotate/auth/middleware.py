"""The gate before the app: nothing passes that does not say whose it is and that it may.

Everybody ── AccountRoutes      sign in, sign out, choose a password
Labelers  ── labeling   an app of its own, which has no more than a labeler may use
Admins    ── app        everything
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
from annotate.auth.identity import READING, SCOPE_KEY, Authenticator
from annotate.auth.proxies import path_within
from annotate.auth.streams import STREAMS, while_allowed
from storage.tables.people import Person, Role

OPEN = ("/health", "/robots.txt", "/favicon.ico", "/gradio_api/startup-events")
"""What anybody may read: it says nothing."""
SESSION = r"(?P<session>[\w-]{1,64})"
LABELERS_READ = re.compile(
    r"/|/config/?|/theme\.css|/gradio_api/theme\.css|/(assets|static|svelte)/.+|"
    r"/gradio_api/info/?|/gradio_api/app_id/?|/gradio_api/queue/data|"
    rf"/gradio_api/heartbeat/{SESSION}|/gradio_api/call/\w+/\w+|/img/[^/]+"
)
LABELERS_SEND = re.compile(
    r"/gradio_api/(component_server/?|queue/join|run/\w+/?|api/\w+/?|call/\w+/?)"
)
STREAM = "/gradio_api/queue/data"
MOST_BYTES = 256 * 1024
MOST_SESSIONS = 20_000
PRIVATE_PAGES = ("/", "/config", "/config/", "/gradio_api/info", "/gradio_api/info/")


class SessionOwners:
    """Whose a page's session is: the first who names it, and nobody else."""

    def __init__(self) -> None:
        self._owners: OrderedDict[str, str] = OrderedDict()
        self._guard = threading.Lock()

    def belongs(self, session: str, name: str, known: bool = False) -> bool:
        """Whether a person may use a session; with `known` it has to exist already."""
        with self._guard:
            if session not in self._owners and known:
                return False
            owner = self._owners.setdefault(session, name)
            self._owners.move_to_end(session)
            if len(self._owners) > MOST_SESSIONS:
                self._owners.popitem(last=False)
            return owner == name


class SignInMiddleware:
    """An ASGI app around the app; refuses what nobody allowed."""

    def __init__(self, app: ASGIApp, way: Authenticator, doors: ASGIApp, labeling: ASGIApp) -> None:
        self._app, self._way, self._doors, self._labeling = app, way, doors, labeling
        self._sessions = SessionOwners()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on to whom it is for, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._pass(scope, receive, private(path_within(scope), send))
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        path = path_within(scope)
        if path in OPEN and request.method in READING:
            return await self._app(scope, receive, send)
        person = await self._person(request)
        scope[SCOPE_KEY] = person
        if path in PATHS:
            return await self._doors(scope, receive, send)
        if person is None:
            return await self._stranger(request)(scope, receive, send)
        if self._way.accounts.touch_seen(person.name):
            await run_in_threadpool(self._way.accounts.people.record_seen, person.name)
        if STREAMS.fullmatch(path):
            may_go_on = partial(self._is_still, request, person)
            return await while_allowed(self._let_through, scope, receive, send, may_go_on)
        await self._let_through(scope, receive, send)

    async def _let_through(self, scope: Scope, receive: Receive, send: Send) -> None:
        person: Person = scope[SCOPE_KEY]
        if person.role is Role.ADMIN:
            await self._app(scope, receive, send)
        else:
            await self._labeler(person, Request(scope, receive), send)

    async def _person(self, request: Request) -> Person | None:
        if self._way.is_cached(request):
            return self._way.person(request)
        # The database may be busy, and the loop has others to serve.
        return await run_in_threadpool(self._way.person, request)

    async def _is_still(self, request: Request, person: Person) -> bool:
        now = await self._person(request)
        return now is not None and (now.name, now.role) == (person.name, person.role)

    async def _labeler(self, person: Person, request: Request, send: Send) -> None:
        scope, receive = request.scope, request.receive
        allowed = LABELERS_READ if request.method in READING else LABELERS_SEND
        path = path_within(scope)
        match = allowed.fullmatch(path)
        if match is None:
            return await only_admins()(scope, receive, send)
        session = match.groupdict().get("session")
        if request.method not in READING:
            if not is_json(request.headers):
                refusal = PlainTextResponse("Send JSON.", 415)
                return await refusal(scope, receive, send)
            body = await read_body(request, MOST_BYTES)
            if body is None:
                refusal = PlainTextResponse(f"Send at most {MOST_BYTES:,} bytes.", 413)
                return await refusal(scope, receive, send)
            session, receive = session_of(body), replayed(body, receive)
        elif path == STREAM:
            session = request.query_params.get("session_hash", "")
        known = path == STREAM
        if session is not None and not self._sessions.belongs(session, person.name, known):
            refusal = PlainTextResponse("There is no such session.", 404)
            return await refusal(scope, receive, send)
        await self._labeling(scope, receive, send)

    def _stranger(self, request: Request) -> Response:
        if self._way.header is not None:
            told = f"Come by the proxy that signs you in: it sends {self._way.header}."
            return PlainTextResponse(told, 401)
        if path_within(request.scope) == "/" and request.method in READING:
            return RedirectResponse("sign-in", 303, headers={"Cache-Control": "no-store"})
        return JSONResponse({"detail": "Sign in first."}, 401)


def only_admins() -> Response:
    """Refuse what a labeler may not do, whether or not it exists."""
    return PlainTextResponse("Only an admin may do that.", 403)


def is_json(headers: Mapping[str, str]) -> bool:
    """Whether a body says that it is JSON."""
    return headers.get("content-type", "").split(";", 1)[0].strip().lower() == "application/json"


async def read_body(request: Request, most: int) -> bytes | None:
    """Return the whole body, or None for one that is too large."""
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > most:
                return None
    except ClientDisconnect:
        return None
    return bytes(body)


def replayed(body: bytes, receive: Receive) -> Receive:
    """Return what gives a body that was read already, and then what comes after it."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

    return again


def session_of(body: bytes) -> str | None:
    """Return the session that a call names; None where it names none."""
    try:
        called = json.loads(body)
    except (ValueError, RecursionError):
        return None
    session = called.get("session_hash") if isinstance(called, dict) else None
    return None if session is None else str(session)


def private(path: str, send: Send) -> Send:
    """Return what sends the same, and has pages that name a person kept nowhere."""
    if path not in PRIVATE_PAGES:
        return send

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            told = list(message.get("headers", []))
            if all(name.lower() != b"cache-control" for name, _ in told):
                told.append((b"cache-control", b"no-store"))
            message = {**message, "headers": told}
        await send(message)

    return sending
