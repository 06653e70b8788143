"""The document of the page: Palate's own head and loading screen in Gradio's template.

Gradio's template names Gradio where a link to the page is previewed, and shows Gradio's spinner on
white while the page loads. Its client adds what `head=` gives only after that.
"""

import re
from collections.abc import Mapping
from html import escape

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from annotate.auth.proxies import path_within
from annotate.auth.request_guard import BASE_KEY
from annotate.web.static_files import module_script, read_static

TITLE = "Palate"
DESCRIPTION = (
    "Which image is better? Palate tunes an image model on your choices, and you see whether it "
    "changed."
)
PREVIEW_WIDTH, PREVIEW_HEIGHT = 1200, 630
"""Size of brand/link-preview.png in pixels, which programs that preview links ask for."""
GRADIO_PREVIEW = re.compile(
    rb'(?:<meta\s{1,9}(?:property="og:|name="twitter:)|<link rel="manifest")[^>]{0,400}>'
)
BODY = re.compile(rb"<body\b[^>]{0,400}>")


class OwnDocument:
    """An ASGI app that gives the HTML documents of another one Palate's head."""

    def __init__(self, app: ASGIApp, loading: bool = False) -> None:
        """Wrap an app; `loading` is whether its page shows nothing before its scripts have run."""
        self._app, self._loading = app, loading

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and change the answer if it is a document."""
        if scope["type"] != "http" or path_within(scope).count("/") > 1:
            return await self._app(scope, receive, send)
        document = _Document(send, scope.get(BASE_KEY, "./"), self._loading)
        await self._app(scope, receive, document.send)


class _Document:
    """One answer: kept back until it is whole if it is HTML, and else passed on as it comes."""

    def __init__(self, send: Send, base: str, loading: bool) -> None:
        self._send, self._base, self._loading = send, base, loading
        self._start: Message | None = None
        self._body = bytearray()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and is_html(dict(message["headers"])):
            self._start = message
        elif self._start is None:
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._finish(self._start)

    async def _finish(self, start: Message) -> None:
        body = own_document(bytes(self._body), self._base, self._loading)
        kept = [header for header in start["headers"] if header[0].lower() != b"content-length"]
        length = (b"content-length", str(len(body)).encode())
        await self._send({**start, "headers": [*kept, length]})
        await self._send({"type": "http.response.body", "body": body})


def is_html(headers: Mapping[bytes, bytes]) -> bool:
    """Return whether an answer is an HTML document that was not compressed."""
    named = {name.lower(): value for name, value in headers.items()}
    kind = named.get(b"content-type", b"")
    return kind.startswith(b"text/html") and b"content-encoding" not in named


def own_document(document: bytes, base: str, loading: bool) -> bytes:
    """Return a document with Palate's head in place of Gradio's, and a loading screen."""
    head, found, rest = document.partition(b"</head>")
    if not found:
        return document

    own = head_tags(base)
    if loading:
        own += f"<style>{read_static('styles/loading.css')}</style>"
        own += module_script("toasts.js") + module_script("radio_keys.js")
        screen = read_static("brand/loading.html").encode()
        rest = BODY.sub(lambda body: body[0] + screen, rest, count=1)
    return GRADIO_PREVIEW.sub(b"", head) + own.encode() + found + rest


def head_tags(base: str) -> str:
    """Return the tags of icons and of the preview of a link; `base` is the page's whole URL."""
    preview = {
        "og:type": "website",
        "og:site_name": TITLE,
        "og:title": TITLE,
        "og:description": DESCRIPTION,
        "og:url": base,
        "og:image": f"{base}brand/link-preview.png",
        "og:image:width": str(PREVIEW_WIDTH),
        "og:image:height": str(PREVIEW_HEIGHT),
        "og:image:alt": "Two images side by side, one of them chosen",
    }
    tags = "".join(
        f'<meta property="{name}" content="{escape(text, quote=True)}">'
        for name, text in preview.items()
    )
    return (
        f'<meta name="description" content="{DESCRIPTION}">{tags}'
        '<meta name="twitter:card" content="summary_large_image">'
        '<link rel="icon" href="favicon.ico" sizes="64x64">'
        '<link rel="icon" href="brand/icon.svg" type="image/svg+xml">'
        '<link rel="apple-touch-icon" href="brand/icon-180.png">'
    )
