"""Forms of the account pages are read whole or not at all."""

from __future__ import annotations

import asyncio

import pytest
from starlette.requests import Request

from annotate.auth.forms import (
    MAX_FORM_BYTES,
    MAX_FORM_FIELDS,
    AccountForm,
    SignInForm,
    WelcomeForm,
    read_form,
)


def sent(form, *messages):
    waiting = list(messages)

    async def receive():
        return waiting.pop(0)

    scope = {"type": "http", "method": "POST", "path": "/sign-in", "headers": []}
    return asyncio.run(read_form(Request(scope, receive), form))


def part(body, more=False):
    return {"type": "http.request", "body": body, "more_body": more}


def test_each_field_has_its_first_value_and_what_is_unknown_is_ignored():
    read = sent(SignInForm, part(b"name=Ada+L%C3%B6&name=eve&pass", more=True), part(b"word=a&x=1"))
    assert read == SignInForm(name="Ada Lö", password="a")
    assert sent(WelcomeForm, part(b"token=t")) == WelcomeForm(token="t", name="", password="")
    assert sent(AccountForm, part(b"old=%ff&password=")) == AccountForm(old="\ufffd")


@pytest.mark.parametrize(
    "messages",
    [
        [part(b"name=" + b"x" * MAX_FORM_BYTES)],
        [part(b"name=ada&" + b"a=b&" * MAX_FORM_FIELDS)],
        [part(b"name=ada", more=True), {"type": "http.disconnect"}],
    ],
    ids=["bytes", "fields", "cut off"],
)
def test_a_form_that_is_too_large_or_cut_off_is_empty(messages):
    assert sent(SignInForm, *messages) == SignInForm()
