"""HTML of the account pages: sign in, choose a password, change it."""

from html import escape

from annotate.auth.passwords import MIN_LENGTH

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)


def sign_in_form(style: str, name: str = "", problem: str = "") -> str:
    """Return the sign-in page; `problem` is shown above the form."""
    fields = (
        field("name", "Name", "text", "username", name, focus=not name)
        + field("password", "Password", "password", "current-password", focus=bool(name))
        + "<button>Sign in</button>"
    )
    return page(style, "Sign in", "", form("sign-in", fields), problem)


def welcome_form(style: str, token: str, name: str | None, problem: str = "") -> str:
    """Return the page on which the owner of a link chooses a password.

    Without a `name` it is the first admin's, who chooses a name as well.
    """
    hidden = f'<input type="hidden" name="token" value="{escape(token, quote=True)}">'
    if name is None:
        title, explanation = "Set Palate up", "You will be its admin: you let others in."
        named = field("name", "Your name", "text", "username", focus=True)
    else:
        title, explanation = f"Welcome, {name}", "Choose a password. This link works once."
        named = (
            '<input type="hidden" autocomplete="username" name="name" '
            f'value="{escape(name, quote=True)}">'
        )

    fields = hidden + named + new_password(focus=name is not None) + "<button>Go on</button>"
    return page(style, title, explanation, form("welcome", fields), problem)


def account_form(style: str, name: str, problem: str = "") -> str:
    """Return the page on which a person changes their password."""
    explanation = "Everywhere else you will be signed out."
    fields = (
        field("old", "Present password", "password", "current-password", focus=True)
        + new_password()
        + "<button>Change password</button>"
    )
    back = '<p class="back"><a href="./">Back to Palate</a></p>'
    return page(style, f"Password of {name}", explanation, form("account", fields) + back, problem)


def message(style: str, title: str, explanation: str, link: str = "") -> str:
    """Return a page with a message and no form."""
    after = f'<p class="back"><a href="{link}">Sign in</a></p>' if link else ""
    return page(style, title, explanation, after, "")


def page(style: str, title: str, explanation: str, body: str, problem: str) -> str:
    """Return a whole page with its style inline, which loads nothing but its icon."""
    alert = f'<p class="problem" role="alert">{escape(problem)}</p>' if problem else ""
    sentence = f"<p>{escape(explanation)}</p>" if explanation else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{escape(title)} · Palate</title><style>{style}</style></head><body><main>"
        f'<p class="brand">Palate</p><h1>{escape(title)}</h1>{sentence}{alert}{body}'
        "</main></body></html>"
    )


def form(action: str, fields: str) -> str:
    """Return a form; its URL is relative, so that a proxy may serve Palate at any path."""
    return f'<form method="post" action="{action}">{fields}</form>'


def new_password(focus: bool = False) -> str:
    """Return the field of a new password, with a hint on its length."""
    return (
        field("password", "New password", "password", "new-password", focus=focus)
        + f'<p class="hint" id="hint">At least {MIN_LENGTH} characters. Several words do well.</p>'
    )


def field(
    name: str, label: str, kind: str, complete: str, value: str = "", focus: bool = False
) -> str:
    """Return an input with its label; `complete` is its autocomplete attribute."""
    plain = ' autocapitalize="none" spellcheck="false"' if kind == "text" else ""
    hint = ' aria-describedby="hint"' if complete == "new-password" else ""
    return (
        f'<label>{label}<input name="{name}" type="{kind}" autocomplete="{complete}" required '
        f'maxlength="200" value="{escape(value, quote=True)}"{plain}{hint}'
        f"{' autofocus' if focus else ''}></label>"
    )
