"""The addresses before the app: sign in, sign out, choose and change a password, who am I."""

from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from annotate.auth.accounts import LASTS, TOKEN
from annotate.auth.identity import COOKIE, Authenticator, asker, token_of
from annotate.auth.passwords import hash_token
from annotate.auth.sign_in_pages import POLICY, account_form, message, sign_in_form, welcome_form
from annotate.errors import SignInRefused, TooManyAttempts, WeakPassword
from storage.errors import InvalidPerson, StaleLink

LARGEST_FORM = 8192
PATHS = ("/sign-in", "/sign-out", "/welcome", "/account", "/me")
"""What the gate hands here, whoever asks."""
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "same-origin",
}
REFUSED = (SignInRefused, TooManyAttempts, WeakPassword, InvalidPerson)

Form = dict[str, str]


class AccountRoutes:
    """The pages as methods; a password is hashed on a worker thread."""

    def __init__(self, way: Authenticator, style: str) -> None:
        self._way, self._accounts, self._style = way, way.accounts, style

    def app(self) -> Starlette:
        """Return the pages as an app of their own; a proxy that names people needs but one."""
        routes = [Route("/me", self.me)]
        if self._way.header is None:
            routes += [
                Route("/sign-in", self.sign_in, methods=["GET", "POST"]),
                Route("/sign-out", self.sign_out, methods=["POST"]),
                Route("/welcome", self.welcome, methods=["GET", "POST"]),
                Route("/account", self.account, methods=["GET", "POST"]),
            ]
        return Starlette(routes=routes)

    async def me(self, request: Request) -> Response:
        """Say who is signed in."""
        person = asker(request)
        if person is None:
            return JSONResponse({"name": None}, 401, headers=HEADERS)
        told = {"name": person.name, "role": person.role, "account": self._way.header is None}
        return JSONResponse(told, headers=HEADERS)

    async def sign_in(self, request: Request) -> Response:
        """Show the form, or take it."""
        if request.method == "GET":
            if asker(request) is not None:
                return inside(request)
            return self._page(sign_in_form(self._style))
        sent = await read_form(request)
        name, password = sent.get("name", ""), sent.get("password", "")
        try:
            token = await run_in_threadpool(
                self._accounts.sign_in, name, password, self._way.address(request)
            )
        except REFUSED as error:
            status = 429 if isinstance(error, TooManyAttempts) else 401
            return self._page(sign_in_form(self._style, name, str(error)), status)
        return self._inside(request, token)

    async def sign_out(self, request: Request) -> Response:
        """End this sign-in."""
        await run_in_threadpool(self._accounts.sign_out, token_of(request))
        gone = RedirectResponse("sign-in", 303, headers=HEADERS)
        gone.delete_cookie(COOKIE, path=cookie_path(request))
        return gone

    async def welcome(self, request: Request) -> Response:
        """Let the person whom a link was made for choose a password."""
        sent = await read_form(request) if request.method == "POST" else {}
        token = sent.get("token") or request.query_params.get("token", "")
        name = await run_in_threadpool(self._owner, token)
        if name is None and not self._accounts.is_setup_token(token):
            return self._stale()
        if request.method == "GET":
            return self._page(welcome_form(self._style, token, name))
        try:
            entered = await run_in_threadpool(
                self._accounts.choose_password,
                token,
                sent.get("password", ""),
                sent.get("name", ""),
            )
        except REFUSED as error:
            return self._page(welcome_form(self._style, token, name, str(error)), 400)
        except StaleLink:
            return self._stale()
        return self._inside(request, entered)

    async def account(self, request: Request) -> Response:
        """Let a person change their password."""
        person = asker(request)
        if person is None:
            return RedirectResponse("sign-in", 303, headers=HEADERS)
        if request.method == "GET":
            return self._page(account_form(self._style, person.name))
        sent = await read_form(request)
        passwords = sent.get("old", ""), sent.get("password", "")
        try:
            entered = await run_in_threadpool(
                self._accounts.change_password, person.name, *passwords, self._way.address(request)
            )
        except REFUSED as error:
            return self._page(account_form(self._style, person.name, str(error)), 400)
        return self._inside(request, entered)

    def _owner(self, token: str) -> str | None:
        known = TOKEN.fullmatch(token) is not None
        return self._accounts.people.link_owner(hash_token(token)) if known else None

    def _stale(self) -> Response:
        told = "It was used or has expired. Ask an admin for a new one."
        return self._page(message(self._style, "This link no longer works", told, "sign-in"), 404)

    def _page(self, html: str, status: int = 200) -> Response:
        return HTMLResponse(html, status, headers=HEADERS)

    def _inside(self, request: Request, token: str) -> Response:
        answer = inside(request)
        answer.set_cookie(
            COOKIE,
            token,
            max_age=int(LASTS.total_seconds()),
            path=cookie_path(request),
            httponly=True,
            samesite="lax",
            secure=self._way.secure(request),
        )
        return answer


def cookie_path(request: Request) -> str:
    """Return the path to which a browser sends the cookie: that of Palate alone."""
    return f"{request.scope.get('root_path', '')}/"


def inside(request: Request) -> Response:
    """Send a browser to the app; relative, so that a proxy may serve Palate anywhere."""
    return RedirectResponse("./", 303, headers=HEADERS)


async def read_form(request: Request) -> Form:
    """Return the fields of a small form; nothing of a larger one."""
    body = b""
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > LARGEST_FORM:
                return {}
    except ClientDisconnect:
        return {}
    fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=20)
    return {name: values[0] for name, values in fields.items()}
