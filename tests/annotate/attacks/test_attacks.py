"""A page of another site drives nobody's studio: each attempt and what it gets, in every mode."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from annotate_web import AWAY, HERE, Headers, Web, open_web

from annotate.auth.hosts import allowed_hosts
from annotate.errors import InvalidRequest

pytestmark = pytest.mark.slow

MODES = ("off", "accounts", "proxy")
OWN = ("Host", "127.0.0.1:7860")
PALATE = ("Host", "palate.example")
ROUTES = [
    ("GET", "/"),
    ("GET", "/config"),
    ("GET", "/me"),
    ("GET", "/health"),
    ("GET", "/theme.css"),
    ("GET", "/assets/index.js"),
    ("GET", "/img/0123456789abcdef.png"),
    ("GET", "/export/v1.safetensors"),
    ("GET", "/no-such-page"),
    ("GET", "/gradio_api/info"),
    ("GET", "/gradio_api/queue/data?session_hash=abc"),
    ("GET", "/gradio_api/heartbeat/abc"),
    ("GET", "/gradio_api/file=/etc/hosts"),
    ("GET", "/gradio_api/startup-events"),
    ("POST", "/gradio_api/queue/join"),
    ("POST", "/gradio_api/call/stats"),
    ("POST", "/gradio_api/run/stats"),
    ("POST", "/gradio_api/component_server"),
    ("POST", "/gradio_api/upload"),
    ("POST", "/sign-in"),
    ("POST", "/login"),
    ("HEAD", "/"),
    ("OPTIONS", "/gradio_api/call/stats"),
]


@pytest.fixture(scope="module", params=MODES)
def web(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    hosts = allowed_hosts(["palate.example,*.tunnel.example"], ["127.0.0.1"])
    folder = tmp_path_factory.mktemp(request.param)
    with open_web(folder, request.param, hosts=hosts) as web:
        yield web


def from_page(origin: str, *more: tuple[str, str]) -> Headers:
    return [("Origin", origin), ("Content-Type", "application/json"), *more]


# By which name


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_name_that_points_here_by_rebinding_reaches_no_route(web, method, path):
    rebound = [("Host", "evil.example:7860"), ("Sec-Fetch-Site", "same-origin")]
    answer = web.ask(path, rebound, method=method)
    assert answer.status == 403 and not answer.readable_elsewhere
    assert "--allow-host evil.example" in answer.text


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.nip.example",
        "evil-localhost",
        "palate.example.evil.example",
        "notpalate.example",
        "tunnel.example",
        "xtunnel.example",
        "localhost.",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "0.0.0.0",
        "192.168.1.20:7860",
        "[fd00::1]:7860",
    ],
)
def test_a_host_that_nobody_named_is_refused(web, host):
    assert web.ask("/health", [("Host", host)]).status == 403


@pytest.mark.parametrize(
    "hosts",
    [
        [],
        [""],
        ["127.0.0.1:7860", "evil.example"],
        ["127.0.0.1:7860", "127.0.0.1:7860"],
        ["ada:secret@127.0.0.1"],
        ["127.0.0.1:7860@evil.example"],
        ["127.0.0.1:"],
        ["127.0.0.1:0"],
        ["127.0.0.1:99999"],
        ["127.0.0.1:78６0".encode().decode("latin-1")],
        ["127.0.0.1:+80"],
        ["[::1"],
        ["::1"],
        ["[fe80::1%eth0]"],
        ["[127.0.0.1]x"],
        ["[localhost]"],
        ["local host"],
        ["localhost/evil"],
        ["localhost\t"[:-1] + "\x0b"],
        ["http://localhost"],
        ["lo\u00adcalhost"],
    ],
)
def test_a_host_header_that_no_browser_sends_is_refused(web, hosts):
    answer = web.ask("/health", [("Host", host) for host in hosts])
    assert answer.status == 400 and "Host" in answer.text


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1:7860",
        "127.0.0.1:8888",
        "127.8.8.8",
        "localhost:7860",
        "LOCALHOST",
        "[::1]:7860",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "palate.example:8443",
        "Palate.Example",
        "a.b.tunnel.example",
    ],
)
def test_its_own_names_and_addresses_are_answered(web, host):
    assert web.ask("/health", [("Host", host)]).status == 200


@pytest.mark.parametrize("target", ["http://127.0.0.1:7860/health", "*", "health", ""])
def test_a_target_that_is_no_path_is_refused(web, target):
    assert web.ask(target, [OWN]).status == 400


# Whose page


FOREIGN = [
    "http://evil.example",
    "https://evil.example",
    "http://127.0.0.1:9999",
    "http://127.0.0.1",
    "https://127.0.0.1:7860",
    "http://localhost:7860",
    "http://127.0.0.1:7860.evil.example",
    "http://127.0.0.1:7860@evil.example",
    "http://palate.example:7860",
    "null",
    "",
    "file://",
    "chrome-extension://abcdefghijklmnop",
    "http://127.0.0.1:7860 http://evil.example",
]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/config"),
        ("GET", "/me"),
        ("POST", "/gradio_api/queue/join"),
        ("POST", "/gradio_api/component_server"),
        ("OPTIONS", "/gradio_api/call/vote"),
    ],
)
def test_another_origin_reads_and_sends_nothing(web, method, path):
    asked = ("Access-Control-Request-Method", "POST")
    for origin in FOREIGN:
        answer = web.ask(path, [OWN, *from_page(origin, asked)], method=method)
        assert answer.status == 403 and not answer.readable_elsewhere, origin
        assert "Another site sent this" in answer.text


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_what_a_browser_calls_another_site_is_refused_without_an_origin_too(web, method, path):
    for near in ("cross-site", "same-site", "other"):
        told = [OWN, ("Sec-Fetch-Site", near), ("Sec-Fetch-Mode", "no-cors")]
        assert web.ask(path, told, method=method).status == 403


def test_a_link_on_another_site_opens_the_page_and_nothing_else(web):
    link = [
        OWN,
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Mode", "navigate"),
        ("Sec-Fetch-Dest", "document"),
    ]
    user = ("X-Forwarded-User", "ada")
    assert web.ask("/", [*link, user]).status in (200, 303)
    assert web.ask("/?__theme=dark", [*link, user]).status in (200, 303)
    assert web.ask("/welcome?token=abc", link).status in (401, 404)
    for method, path in [*ROUTES[1:5], *ROUTES[7:-2]]:
        assert web.ask(path, [*link, user], method=method).status == 403, path
    assert web.ask("/", link, method="POST").status == 403
    assert web.ask("/", [*link[:-1], ("Sec-Fetch-Dest", "object")]).status == 403


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="files"'),
        ("application/x-www-form-urlencoded", b"name=ada&password=guess"),
        ("text/plain", b'{"data": []}'),
    ],
)
@pytest.mark.parametrize("path", ["/gradio_api/upload", "/gradio_api/call/stats", "/sign-in"])
def test_a_form_of_another_site_is_not_taken(web, kind, body, path):
    sent = [OWN, ("Origin", "http://evil.example"), ("Content-Type", kind)]
    answer = web.ask(path, sent, method="POST", body=body)
    assert answer.status == 403 and not answer.readable_elsewhere


@pytest.mark.parametrize("path", ["/", "/gradio_api/queue/join", "/ws"])
@pytest.mark.parametrize(
    "headers",
    [
        [("Host", "evil.example")],
        [OWN, ("Origin", "http://evil.example")],
        [OWN, ("Origin", "null")],
        [OWN, OWN],
        [OWN, ("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate")],
    ],
)
def test_a_web_socket_of_another_site_is_closed(web, path, headers):
    assert web.ask(path, headers, kind="websocket", scheme="ws").status == 403


def test_two_origins_are_none(web):
    both = [OWN, ("Origin", "http://127.0.0.1:7860"), ("Origin", "http://evil.example")]
    assert web.ask("/health", both).status == 403


def test_the_page_itself_and_programs_are_answered(web):
    page = [OWN, ("Origin", "http://127.0.0.1:7860"), ("Sec-Fetch-Site", "same-origin")]
    for headers in ([OWN], page, [OWN, ("Sec-Fetch-Site", "none")]):
        answer = web.ask("/health", headers)
        assert answer.status == 200 and not answer.readable_elsewhere
        assert json.loads(answer.body) == {"status": "ok"}


# Through a proxy


def test_a_proxy_tells_the_address_that_the_browser_sees(web):
    shown = [("Origin", "https://palate.example"), ("X-Forwarded-Proto", "https")]
    kept = [PALATE, ("X-Forwarded-Host", "palate.example")]
    for host in (kept, [OWN, ("X-Forwarded-Host", "palate.example")], [PALATE]):
        assert web.ask("/health", [*host, *shown], client=HERE).status == 200
        plain = [*host, ("Origin", "http://palate.example"), ("X-Forwarded-Proto", "https")]
        assert web.ask("/health", plain, client=HERE).status == 403


@pytest.mark.parametrize(
    "headers",
    [
        [OWN, ("X-Forwarded-Host", "evil.example")],
        [OWN, ("X-Forwarded-Host", "palate.example, evil.example")],
        [OWN, ("X-Forwarded-Host", "palate.example"), ("X-Forwarded-Host", "evil.example")],
        [("Host", "evil.example"), ("X-Forwarded-Host", "localhost")],
    ],
)
def test_every_name_that_a_proxy_passes_on_has_to_be_allowed(web, headers):
    assert web.ask("/health", headers, client=HERE).status == 403


def test_nobody_but_a_proxy_says_what_the_browser_sees(web):
    claimed = [
        OWN,
        ("Origin", "https://palate.example"),
        ("X-Forwarded-Host", "palate.example"),
        ("X-Forwarded-Proto", "https"),
    ]
    assert web.ask("/health", claimed, client=AWAY).status == 403
    sworn = [OWN, ("Origin", "http://palate.example"), ("Sec-Fetch-Site", "same-origin")]
    assert web.ask("/health", sworn, client=AWAY).status == 403


@pytest.mark.parametrize("origin", ["http://palate.example:8080", "https://palate.example"])
@pytest.mark.parametrize("client", [HERE, AWAY], ids=["trusted", "not"])
def test_a_proxy_that_loses_port_or_scheme_is_forgiven_where_the_browser_vouches(
    web, origin, client
):
    lost = [PALATE, ("Origin", origin)]
    assert web.ask("/health", lost, client=client).status == 403
    vouched = [*lost, ("Sec-Fetch-Site", "same-origin")]
    assert web.ask("/health", vouched, client=client).status == 200
    for near in ("same-site", "cross-site"):
        assert web.ask("/health", [*lost, ("Sec-Fetch-Site", near)], client=client).status == 403


BY_CADDY = [
    PALATE,
    ("X-Forwarded-For", "203.0.113.9"),
    ("X-Forwarded-Host", "palate.example"),
    ("X-Forwarded-Proto", "https"),
    ("Via", "1.1 Caddy"),
]
BY_OAUTH2_PROXY = [
    PALATE,
    ("X-Forwarded-For", "203.0.113.9"),
    ("X-Forwarded-User", "ada"),
    ("X-Forwarded-Email", "ada@palate.example"),
    ("X-Forwarded-Preferred-Username", "ada"),
    ("X-Auth-Request-User", "ada"),
    ("X-Auth-Request-Email", "ada@palate.example"),
    ("Sec-Fetch-Site", "same-origin"),
]


@pytest.mark.parametrize("headers", [BY_CADDY, BY_OAUTH2_PROXY], ids=["caddy", "oauth2-proxy"])
def test_what_proxies_send_is_taken_and_what_they_pass_on_of_others_is_not(web, headers):
    page = ("Origin", "https://palate.example")
    assert web.ask("/health", [*headers, page]).status == 200
    for origin in ("https://evil.example", "https://other.palate.example", "null"):
        answer = web.ask("/me", [*headers, ("Origin", origin)])
        assert answer.status == 403 and not answer.readable_elsewhere
    other = [("Host", "evil.example") if one == PALATE else one for one in headers]
    assert web.ask("/health", other).status == 403


@pytest.mark.parametrize("claim", ["//evil.example", "/../x", "/a b", "/x?y", "/a" * 300, "/é"])
def test_a_path_that_no_proxy_serves_is_refused_and_from_others_not_read(web, claim):
    told = [OWN, ("X-Forwarded-Prefix", claim)]
    assert web.ask("/health", told, client=HERE).status == 400
    assert web.ask("/health", told, client=AWAY).status == 200


def test_the_page_of_a_path_ends_in_a_slash(web):
    told = [OWN, ("X-Forwarded-Prefix", "/palate")]
    answer = web.ask("/palate", told, client=HERE)
    assert (answer.status, answer.headers["location"]) == (307, "/palate/")
    for path in ("/health", "/palate/health"):
        assert web.ask(path, told, client=HERE).status == 200
    assert web.ask("/palate/health", told, client=AWAY).status != 200


@pytest.mark.parametrize(
    "named",
    [
        [("X-Forwarded-User", "ada, root")],
        [("X-Forwarded-User", "ada,root")],
        [("X-Forwarded-User", "ada,")],
        [("X-Forwarded-User", "ada"), ("X-Forwarded-User", "root")],
        [("X-Forwarded-User", " ")],
        [("X-Forwarded-User", "ada\x00root")],
        [],
    ],
)
def test_a_proxy_that_names_two_people_or_none_lets_nobody_in(web, named):
    if web.authenticator is None or web.authenticator.header is None:
        return
    assert web.ask("/me", [OWN, *named], client=HERE).status == 401
    assert web.ask("/me", [OWN, ("X-Forwarded-User", "ada")], client=HERE).status == 200
    assert web.ask("/me", [OWN, ("X-Forwarded-User", "ada")], client=AWAY).status == 401


# What is said with every answer


@pytest.mark.parametrize(("method", "path"), ROUTES[:-1])
def test_every_answer_says_that_it_is_for_this_page_alone(web, method, path):
    for headers in ([OWN], [("Host", "evil.example")]):
        if "heartbeat" in path or "queue/data" in path:
            headers = [("Host", "evil.example")]
        answer = web.ask(path, headers, method=method)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors" in answer.headers["content-security-policy"]
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"


# The option


@pytest.mark.parametrize(
    "named",
    [
        "*",
        "*.",
        "http://palate.example",
        "palate.example:80",
        "a b",
        "pal/ate",
        "",
        ".example",
        "a..b",
    ],
)
def test_a_name_to_allow_is_a_name_or_is_refused_in_a_sentence(named):
    if not named:
        assert allowed_hosts([named]) == allowed_hosts([])
        return
    with pytest.raises(InvalidRequest, match="no name of a host"):
        allowed_hosts([named])


def test_names_to_allow_are_taken_as_browsers_send_them():
    hosts = allowed_hosts(["Bücher.example", "palate.example., 10.0.0.7"], ["::1"], "studio-pc")
    for host in ("xn--bcher-kva.example", "palate.example", "10.0.0.7", "studio-pc", "::1"):
        assert hosts.allows(host)
    assert not hosts.allows("10.0.0.8")


@pytest.mark.parametrize("bound", ["0.0.0.0", "::"])
def test_with_every_address_listened_on_any_address_is_allowed_and_no_name(bound):
    hosts = allowed_hosts((), [bound], bound)
    for host in ("192.168.1.20", "fd00::1", "203.0.113.7", "0.0.0.0"):
        assert hosts.allows(host)
    assert not hosts.allows("evil.example") and not hosts.allows("192.168.1.20.nip.example")
