"""Static files of the page: scripts as ES modules, style sheets and HTML.

Browsers load scripts from `scripts/VERSION/...` below the page. The version is a hash of all of
them, so that they are cached for good, and a page never mixes modules of two versions of Palate.
"""

import hashlib
import json
import posixpath
import re
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from annotate.web.image_response import IMMUTABLE

STATIC = Path(__file__).parent / "static"
MEDIA_TYPES = {".js": "text/javascript", ".css": "text/css"}
"""Files that browsers load. Given here, since the registry of Windows may name another type."""
NOT_LOADED = "This part of the page could not be loaded. Reload the page."
IMPORT = re.compile(r"""\bfrom "(\.{1,2}/[^"]+)";""")


def read_static(*names: str) -> str:
    """Return the named files of annotate/web/static, one after the other."""
    return "\n".join((STATIC / name).read_text(encoding="utf-8") for name in names)


def start_script(name: str, function: str = "start") -> str:
    """Return the script of a gr.HTML component that passes the component to a module's function."""
    given = "{ element, trigger, props, server, watch }"
    failed = f"console.error(error); element.textContent = {json.dumps(NOT_LOADED)};"
    return (
        f"{_import(name)}.then((module) => module.{function}({given}), (error) => {{ {failed} }});"
    )


def event_script(name: str, function: str) -> str:
    """Return the `js` of an event that calls a module's function without arguments."""
    return f"async () => (await {_import(name)}).{function}()"


def preload_links(*names: str) -> str:
    """Return links that load scripts and all their imports at once, not one after the other."""
    addresses = map(_address, _modules(*names))
    return "".join(f'<link rel="modulepreload" href="{address}">' for address in addresses)


def module_script(name: str, function: str = "start") -> str:
    """Return the element that calls a module's function without arguments as a page loads."""
    return f'<script type="module">{_import(name)}.then((module) => module.{function}());</script>'


def script_route() -> Route:
    """Return the route of scripts, and of the style sheets that a saved comparison contains."""

    async def script(request: Request) -> Response:
        name = request.path_params["name"]
        content = _served().get(name)
        if request.path_params["version"] != _version() or content is None:
            return PlainTextResponse("There is no such script. Reload the page.", status_code=404)
        return Response(content, media_type=MEDIA_TYPES[Path(name).suffix], headers=IMMUTABLE)

    return Route("/scripts/{version}/{name:path}", script)


def _import(name: str) -> str:
    # A whole URL: browsers disagree on what a path in such a script is relative to.
    return f'import(new URL("{_address(name)}", document.baseURI).href)'


def _address(name: str) -> str:
    """Return a script's URL below the page; KeyError for a file that is not there."""
    _served()[name]
    return f"scripts/{_version()}/{name}"


def _modules(*names: str) -> list[str]:
    """Return scripts and all that they import, by name."""
    found, waiting = dict.fromkeys(names), list(names)
    while waiting:
        importer = waiting.pop()
        for path in IMPORT.findall(_served()[importer].decode()):
            imported = posixpath.normpath(posixpath.join(posixpath.dirname(importer), path))
            if imported not in found:
                found[imported] = None
                waiting.append(imported)
    return list(found)


@cache
def _served() -> dict[str, bytes]:
    """Return the files that browsers load by name, read once: their URLs are cached for good."""
    return {
        file.relative_to(STATIC).as_posix(): file.read_bytes()
        for file in sorted(STATIC.rglob("*"))
        if file.suffix in MEDIA_TYPES
    }


@cache
def _version() -> str:
    """Return a hash of the names and contents of all scripts."""
    digest = hashlib.sha256()
    for name, content in _served().items():
        digest.update(f"{name} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:16]
