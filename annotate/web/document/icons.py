"""The icons of the page and the image of a link's preview, which anybody may load."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from annotate.web.static_files import STATIC

BRAND = STATIC / "brand"
MEDIA_TYPES = {".svg": "image/svg+xml", ".png": "image/png"}
HEADERS = {"Cache-Control": "public, max-age=86400"}
NAMES = ("icon.svg", "icon.png", "icon-180.png", "link-preview.png")


def brand_routes() -> list[Route]:
    """Return the routes of the icons and of the preview."""

    def favicon(_: Request) -> Response:
        # Browsers ask for this address by themselves; all of today's read a PNG there.
        return _image("icon.png")

    def brand(request: Request) -> Response:
        return _image(request.path_params["name"])

    return [Route("/favicon.ico", favicon), Route("/brand/{name}", brand)]


def _image(name: str) -> Response:
    if name not in NAMES:
        return PlainTextResponse("There is no such image.", status_code=404)
    kind = MEDIA_TYPES[Path(name).suffix]
    return Response((BRAND / name).read_bytes(), media_type=kind, headers=HEADERS)
