"""Calls that make no sense get a sentence: no traceback, no null, and no work that has no end."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from annotate_web import Answer, Web, answering, open_web

OWN = ("Host", "127.0.0.1")
JSON = ("Content-Type", "application/json")
API = "/gradio_api"


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    with open_web(tmp_path_factory.mktemp("calls")) as web:
        yield web


@pytest.fixture(scope="module")
def client(web: Web) -> Iterator[httpx.Client]:
    with answering(web) as url, httpx.Client(base_url=url, timeout=30) as client:
        yield client


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing that somebody sends may fill the log with tracebacks."""
    yield
    traced = [one for one in caplog.records if one.exc_info and one.levelno >= logging.ERROR]
    assert not traced, traced


def post(web: Web, path: str, body: Any, *more: tuple[str, str]) -> Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return web.ask(path, [OWN, *(more or [JSON])], method="POST", body=raw)


def sentence(answer: Answer | httpx.Response) -> str:
    """Return the error of an answer; it has to be a sentence that a person can read."""
    told = json.loads(answer.text)
    said = told.get("error") or told.get("detail")
    assert isinstance(said, str) and len(said) > 10, answer.text
    assert "Traceback" not in said and "Error(" not in said
    return said


# Names and numbers that nothing has


@pytest.mark.parametrize("kind", ["call", "run", "api", "call/v2"])
@pytest.mark.parametrize("name", ["no_such_endpoint", "vote2", "_private", "lambda", "select"])
def test_an_endpoint_that_does_not_exist_is_not_found(web, kind, name):
    answer = post(web, f"{API}/{kind}/{name}", {"data": []})
    assert answer.status == 404 and name in sentence(answer)
    got = web.ask(f"{API}/call/{name}/0123456789abcdef", [OWN])
    assert got.status == 404 and name in sentence(got)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/no-such-page"),
        ("GET", "/monitoring"),
        ("GET", "/monitoring/summary"),
        ("GET", "/gradio_api/deep_link?session_hash=abc"),
        ("GET", "/gradio_api/proxy=http://127.0.0.1:1/"),
        ("GET", "/gradio_api/file=/etc/hosts"),
        ("GET", "/gradio_api/file=http://127.0.0.1:1/"),
        ("GET", "/gradio_api/stream/abc/1/2/playlist.m3u8"),
        ("GET", "/gradio_api/custom_component/x/client/component/../../../../etc/hosts"),
        ("GET", "/gradio_api/dev/reload"),
        ("GET", "/gradio_api/vibe-code"),
        ("GET", "/static/../../../../etc/hosts"),
        ("GET", "/assets/%2e%2e/%2e%2e/%2e%2e/etc/hosts"),
        ("GET", "/export/..%2f..%2fpalate.duckdb"),
        ("GET", "/report/..%2f..%2fpalate.duckdb"),
        ("GET", "/img/..%2f..%2fpalate.duckdb"),
        ("POST", "/gradio_api/stream/abc"),
        ("POST", "/gradio_api/process_recording"),
        ("POST", "/gradio_api/vibe-edit"),
        ("POST", "/gradio_api/undo-vibe-edit"),
        ("POST", "/gradio_api/run-history/connect"),
        ("POST", "/login"),
        ("DELETE", "/gradio_api/call/stats/x/y"),
        ("PATCH", "/nothing"),
    ],
)
def test_an_address_that_does_not_exist_is_not_found(web, method, path):
    assert web.ask(path, [OWN, JSON], method=method, body=b"{}").status in (403, 404)


@pytest.mark.parametrize("index", [99999, -1, None, "0", 1.5, True, [], 10**30])
def test_an_event_that_does_not_exist_is_not_found(web, index):
    answer = post(web, f"{API}/queue/join", {"data": [], "fn_index": index, "session_hash": "a"})
    assert answer.status == 404 and "event" in sentence(answer)


@pytest.mark.parametrize(
    "function",
    [
        {"component_id": 99999, "fn_name": "stage_pairs"},
        {"component_id": "1", "fn_name": "stage_pairs"},
        {"component_id": 1, "fn_name": "__class__"},
        {"component_id": 1, "fn_name": "postprocess"},
        {"component_id": None, "fn_name": None},
        {},
    ],
)
def test_a_function_that_does_not_exist_is_not_found(web, function):
    answer = post(web, f"{API}/component_server", {**function, "data": 1, "session_hash": "a"})
    assert answer.status == 404 and "function" in sentence(answer)


# Bodies that are no call


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"\xff\xfe",
        b'{"data": }',
        b'{"data": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"data": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}",
        b'{"data": [' + b"[" * 500 + b"]" * 500 + b"]}",
        b'{"data": "' + b"\\" * 99_999 + b'"}',
        b'{"data": null}',
        b'{"data": {"annotator": "ada"}}',
        b'{"data": []}',
        b'{"data": ["ada"], "session_hash": 7}',
        b'{"data": ["ada"], "session_hash": "' + b"x" * 65 + b'"}',
    ],
)
@pytest.mark.parametrize("path", ["call/vote", "run/vote", "api/vote"])
def test_a_body_that_is_no_call_is_refused_in_a_sentence(web, path, body):
    answer = post(web, f"{API}/{path}", body)
    assert answer.status == 400
    sentence(answer)


@pytest.mark.parametrize("path", ["queue/join", "component_server", "cancel", "reset"])
@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"[" * 100_000, b'{"a":' * 100_000])
def test_so_is_one_that_is_sent_where_pages_send(web, path, body):
    answer = post(web, f"{API}/{path}", body)
    assert answer.status == 400
    sentence(answer)


@pytest.mark.parametrize("path", ["cancel", "reset"])
def test_what_lacks_a_field_is_refused_in_a_sentence(web, path):
    answer = post(web, f"{API}/{path}", {})
    assert answer.status == 400
    sentence(answer)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("call/stats", "text/plain"),
        ("call/stats", "application/x-www-form-urlencoded"),
        ("component_server", "multipart/form-data; boundary=x"),
        ("queue/join", ""),
        ("upload", "application/json"),
        ("upload", "multipart/form-data"),
        ("upload", "text/plain; boundary=multipart/form-data"),
    ],
)
def test_a_kind_of_body_that_is_not_taken_is_named(web, path, kind):
    answer = post(web, f"{API}/{path}", b'{"data": []}', ("Content-Type", kind))
    assert answer.status == 415
    sentence(answer)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--x",
        b"no boundary at all",
        b"--x\r\n\r\n--x--",
        b'--x\r\nContent-Disposition: form-data; name="files"\r\n\r\nabc',
        b'--x\r\nContent-Disposition: form-data; name="files"; filename="a\x00b"\r\n\r\nx\r\n--x--',
        b"--x\r\n" + b"A: b\r\n" * 2000 + b"\r\n--x--",
        b"--x\r\n" + b"A" * 200_000 + b"\r\n\r\n--x--",
    ],
)
def test_an_upload_that_is_none_is_answered(web, body):
    kind = ("Content-Type", "multipart/form-data; boundary=x")
    assert post(web, f"{API}/upload", body, kind).status in (200, 400, 413)


# What plain HTTP leaves out, and what goes wrong behind


def call(client: httpx.Client, name: str, *data: Any) -> str:
    sent = client.post(f"gradio_api/call/{name}", json={"data": list(data)})
    assert sent.status_code == 200, sent.text
    return client.get(f"gradio_api/call/{name}/{sent.json()['event_id']}").text


def test_defaults_are_filled_in_by_plain_http(client):
    for path in ("run", "api"):
        sent = {"data": ["base", "base"]}
        assert "prompts" in sentence(client.post(f"gradio_api/{path}/start_blind_test", json=sent))
    streamed = call(client, "start_blind_test", "base", "base")
    assert "event: error" in streamed and "null" not in streamed.split("title")[0]
    short = client.post("gradio_api/call/start_blind_test", json={"data": ["base"]})
    assert short.status_code == 400 and "after is missing" in sentence(short)
    named = client.post(
        "gradio_api/call/v2/start_blind_test", json={"before": "base", "mixt": True}
    )
    assert named.status_code == 400 and "mixt" in sentence(named)


def test_every_endpoint_that_has_defaults_may_be_called_without_them(web, client):
    told = client.get("gradio_api/info").json()["named_endpoints"]
    short = {
        path: [one for one in endpoint["parameters"] if not one["parameter_has_default"]]
        for path, endpoint in told.items()
        if any(one["parameter_has_default"] for one in endpoint["parameters"])
    }
    assert short
    for path, needed in short.items():
        reply = client.post(f"gradio_api/run{path}", json={"data": ["x" for _ in needed]})
        assert reply.status_code == 200 or sentence(reply)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("vote", ["nothing", "left", "ada", "key"]),
        ("vote", [{}, [], None, 7]),
        ("next_pair", [None]),
        ("next_pair", [{"a": 1}]),
        ("next_pair", ["\ud800"]),
        ("next_pair", ["a\x00b"]),
        ("add_prompts", [{"a": "b"}]),
        ("add_prompts", [["\ud800"]]),
        ("add_prompts", [7]),
        ("decide_flag", ["x", "y"]),
        ("rank", ["x", "a", {}, "ada", "k"]),
        ("compare", ["a cat", "seed", "base", "base"]),
        ("compare", ["a cat", 10**30, "base", "base"]),
        ("compare_many", ["a", "b", "c", "d"]),
        ("change_project", ["a", "b", "c"]),
        ("fine_tune", [[1]]),
        ("fine_tune", ["[" * 100_000]),
        ("run_status", [["r1"]]),
        ("import_images", [["/"]]),
        ("export_version", ["../..", "kohya"]),
        ("lift_exclusion", ["x"]),
        ("insights", [7]),
    ],
)
def test_an_argument_of_another_kind_is_refused_in_a_sentence(client, name, data):
    sent = json.dumps({"data": data}).encode()
    reply = client.post(f"gradio_api/run/{name}", content=sent, headers=dict([JSON]))
    assert reply.status_code in (400, 500)
    assert "Something went wrong" not in sentence(reply)


def test_a_stream_of_nobody_ends(client):
    for path in ("queue/data?session_hash=nobody", "call/stats/0123456789abcdef"):
        assert "404" in client.get(f"gradio_api/{path}").text
