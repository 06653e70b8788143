"""Account routes: sign in, sign out, choose and change a password, and /me."""

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from align.contracts.errors import InvalidInput, NotFound
from annotate.auth.accounts import SESSION_LIFETIME, TOKEN
from annotate.auth.forms import AccountForm, SignInForm, WelcomeForm, read_form
from annotate.auth.identity import COOKIE, Authenticator, asker, token_of
from annotate.auth.passwords import hash_token
from annotate.auth.sign_in_pages import (
    CONTENT_SECURITY_POLICY,
    account_form,
    message,
    sign_in_form,
    welcome_form,
)
from annotate.errors import SignInRefused, TooManyAttempts
from annotate.http_status import status_of

PATHS = ("/sign-in", "/sign-out", "/welcome", "/account", "/me")
"""Paths that the sign-in middleware passes to these routes without a sign-in."""
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "same-origin",
}


class AccountRoutes:
    """Account pages, each a method. A password is hashed on a worker thread, for it takes long."""

    def __init__(self, authenticator: Authenticator, style: str) -> None:
        self._authenticator, self._accounts = authenticator, authenticator.accounts
        self._style = style

    def app(self) -> Starlette:
        """Return the routes as an ASGI app; with a proxy that names people, only /me."""
        routes = [Route("/me", self.me)]
        if self._authenticator.header is None:
            routes += [
                Route("/sign-in", self.sign_in, methods=["GET", "POST"]),
                Route("/sign-out", self.sign_out, methods=["POST"]),
                Route("/welcome", self.welcome, methods=["GET", "POST"]),
                Route("/account", self.account, methods=["GET", "POST"]),
            ]
        return Starlette(routes=routes)

    async def me(self, request: Request) -> Response:
        """Return name and role of the person signed in as JSON, with status 401 if nobody is."""
        person = asker(request)
        if person is None:
            return JSONResponse({"name": None}, 401, headers=HEADERS)
        has_account = self._authenticator.header is None
        me = {"name": person.name, "role": person.role, "account": has_account}
        return JSONResponse(me, headers=HEADERS)

    async def sign_in(self, request: Request) -> Response:
        """Show the sign-in form, or check what it sent."""
        if request.method == "GET":
            if asker(request) is not None:
                return redirect_to_app(request)
            return self._page(sign_in_form(self._style))

        form = await read_form(request, SignInForm)
        address = self._authenticator.address(request)
        try:
            token = await run_in_threadpool(
                self._accounts.sign_in, form.name, form.password, address
            )
        except (SignInRefused, TooManyAttempts) as error:
            page = sign_in_form(self._style, form.name, str(error))
            return self._page(page, status_of(error))
        return self._signed_in(request, token)

    async def sign_out(self, request: Request) -> Response:
        """Revoke the session and delete its cookie."""
        await run_in_threadpool(self._accounts.sign_out, token_of(request))
        response = RedirectResponse("sign-in", 303, headers=HEADERS)
        response.delete_cookie(COOKIE, path=cookie_path(request))
        return response

    async def welcome(self, request: Request) -> Response:
        """Let the owner of a link, or the first admin, choose a password."""
        sent = request.method == "POST"
        form = await read_form(request, WelcomeForm) if sent else WelcomeForm()
        token = form.token or request.query_params.get("token", "")
        name = await run_in_threadpool(self._owner, token)
        if name is None and not self._accounts.is_setup_token(token):
            return self._stale_link()
        if not sent:
            return self._page(welcome_form(self._style, token, name))

        try:
            session = await run_in_threadpool(
                self._accounts.choose_password, token, form.password, form.name
            )
        except InvalidInput as error:
            page = welcome_form(self._style, token, name, str(error))
            return self._page(page, status_of(error))
        except NotFound:
            return self._stale_link()
        return self._signed_in(request, session)

    async def account(self, request: Request) -> Response:
        """Let the person signed in change their password."""
        person = asker(request)
        if person is None:
            return RedirectResponse("sign-in", 303, headers=HEADERS)
        if request.method == "GET":
            return self._page(account_form(self._style, person.name))

        form = await read_form(request, AccountForm)
        address = self._authenticator.address(request)
        try:
            session = await run_in_threadpool(
                self._accounts.change_password, person.name, form.old, form.password, address
            )
        except (SignInRefused, TooManyAttempts, InvalidInput) as error:
            # Not 401 even where the present password is wrong: the person stays signed in.
            return self._page(account_form(self._style, person.name, str(error)), 400)
        return self._signed_in(request, session)

    def _owner(self, token: str) -> str | None:
        """Return the name of the person that a link is for, or None."""
        well_formed = TOKEN.fullmatch(token) is not None
        return self._accounts.people.link_owner(hash_token(token)) if well_formed else None

    def _stale_link(self) -> Response:
        advice = "It was used or has expired. Ask an admin for a new one."
        return self._page(message(self._style, "This link no longer works", advice, "sign-in"), 404)

    def _page(self, html: str, status: int = 200) -> Response:
        return HTMLResponse(html, status, headers=HEADERS)

    def _signed_in(self, request: Request, token: str) -> Response:
        """Redirect to the app, with the session token in a cookie that scripts cannot read."""
        response = redirect_to_app(request)
        response.set_cookie(
            COOKIE,
            token,
            max_age=int(SESSION_LIFETIME.total_seconds()),
            path=cookie_path(request),
            httponly=True,
            samesite="lax",
            secure=self._authenticator.secure(request),
        )
        return response


def cookie_path(request: Request) -> str:
    """Return the path of the cookie: other apps on the same host do not get it."""
    return f"{request.scope.get('root_path', '')}/"


def redirect_to_app(request: Request) -> Response:
    """Redirect to the app by a relative URL, so that a proxy may serve Palate at any path."""
    return RedirectResponse("./", 303, headers=HEADERS)
