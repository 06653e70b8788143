"""Forms of the account pages, read from the body of a request."""

from typing import TypeVar
from urllib.parse import parse_qs

from pydantic import BaseModel, ConfigDict
from starlette.requests import ClientDisconnect, Request

MAX_FORM_BYTES = 8192
MAX_FORM_FIELDS = 20


class Form(BaseModel):
    """Base of the forms: a field that was not sent is empty, and unknown fields are ignored."""

    model_config = ConfigDict(frozen=True)


class SignInForm(Form):
    """A name and its password."""

    name: str = ""
    password: str = ""


class WelcomeForm(Form):
    """The token of a link and the password chosen with it; the first admin sends a name too."""

    token: str = ""
    name: str = ""
    password: str = ""


class AccountForm(Form):
    """The present password and a new one."""

    old: str = ""
    password: str = ""


FormT = TypeVar("FormT", bound=Form)


async def read_form(request: Request, form: type[FormT]) -> FormT:
    """Read a form, each field with its first value; one too large or cut off is empty."""
    body = b""
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_FORM_BYTES:
                return form()
    except ClientDisconnect:
        return form()

    text = body.decode("utf-8", "replace")
    try:
        fields = parse_qs(text, keep_blank_values=True, max_num_fields=MAX_FORM_FIELDS)
    except ValueError:
        return form()
    return form.model_validate({name: values[0] for name, values in fields.items()})
