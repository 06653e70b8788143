"""The first admin of a studio: how somebody becomes it, said where only the owner reads it."""

from annotate.auth.identity import Authenticator

FIRST_ADMIN = "python -m annotate people add NAME --role admin"


def first_admin_hint(authenticator: Authenticator, url: str) -> str | None:
    """Return how somebody becomes the first admin; None once there is one."""
    if authenticator.header is not None:
        known = authenticator.accounts.has_admin(passwords=False)
        return None if known else f"Nobody is an admin yet. Stop the app, then: {FIRST_ADMIN}"
    token = authenticator.accounts.create_setup_token()
    return token and f"Nobody is an admin yet. Become one, once, at {url}welcome?token={token}"
