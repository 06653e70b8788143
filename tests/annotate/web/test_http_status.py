"""The category of an error decides the status of a plain HTTP answer."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from align.errors import InvalidSettings, ModelNotFound, TrainingDiverged
from annotate.errors import NotAllowed, SignInRefused, TooManyAttempts, WeakPassword, WrongMediaType
from annotate.http_status import status_of
from annotate.web.errors_to_ui import GENERIC_ERROR
from annotate.web.routes import NoSuchFile, no_such_file, refused
from storage.errors import AlreadyVoted, DamagedDatabase, DiskFull, UnknownRun


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (UnknownRun, 404),
        (ModelNotFound, 404),
        (InvalidSettings, 400),
        (WeakPassword, 400),
        (AlreadyVoted, 409),
        (DiskFull, 503),
        (DamagedDatabase, 503),
        (SignInRefused, 401),
        (NotAllowed, 403),
        (WrongMediaType, 415),
        (TooManyAttempts, 429),
        (TrainingDiverged, 500),
    ],
)
def test_an_error_has_the_status_of_its_category_unless_http_knows_more(kind, status):
    assert status_of(kind("What happened.")) == status


def test_a_missing_file_is_named_and_no_other_error_says_what_it_is_about():
    request = Request({"type": "http", "method": "GET", "path": "/img/x", "headers": []})
    missing = no_such_file(request, NoSuchFile("There is no such sheet."))
    assert (missing.status_code, missing.body) == (404, b"There is no such sheet.")
    damaged = refused(request, DamagedDatabase("/home/ada/studio is damaged."))
    assert damaged.status_code == 503
    assert GENERIC_ERROR.encode() in damaged.body and b"ada" not in damaged.body
