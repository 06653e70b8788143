"""Routes beside Gradio's for images, samples, sheets, exports, reports; exception handlers."""

import logging
import re
from pathlib import Path
from typing import cast

from fastapi.exceptions import RequestValidationError
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from align.contracts.errors import NotFound, PalateError
from annotate.auth.identity import asker
from annotate.data_jobs.export_archive import zipped
from annotate.errors import AnnotateError
from annotate.http_status import INTERNAL_ERROR, status_of
from annotate.service.labeler_view import LabelerView
from annotate.service.studio import Studio
from annotate.web.document.icons import brand_routes
from annotate.web.errors_to_ui import GENERIC_ERROR
from annotate.web.image_response import ImageResponses
from annotate.web.static_files import script_route

# Names are matched in full, so that no path leaves its folder.
IMAGE_NAME = re.compile(r"([0-9a-f]{16})\.png")
SAMPLE_NAME = re.compile(r"(r[0-9]{4,9})-([0-9a-z-]+\.png)")
SHEET_NAME = re.compile(r"(r[0-9]{4,9})\.png")

logger = logging.getLogger(__name__)


class NoSuchFile(AnnotateError, NotFound):
    """No file is served under this name."""


def admin_routes(studio: Studio) -> list[Route]:
    """Return the routes of the page of admins."""

    images = ImageResponses()

    def image(request: Request) -> Response:
        match = IMAGE_NAME.fullmatch(request.path_params["name"])
        file = studio.image_file(match[1]) if match else None
        return images.response(file, request.query_params.get("side", ""))

    def sheet(request: Request) -> Response:
        match = SHEET_NAME.fullmatch(request.path_params["name"])
        try:
            file = studio.sheet_file(match[1]) if match else None
        except NotFound:
            file = None
        return FileResponse(existing(file, "sheet"), media_type="image/png")

    def sample(request: Request) -> Response:
        match = SAMPLE_NAME.fullmatch(request.path_params["name"])
        try:
            file = studio.sample_file(match[1], match[2]) if match else None
        except NotFound:
            file = None
        return images.response(file, request.query_params.get("side", ""))

    def exported(request: Request) -> Response:
        file = existing(studio.registry.export_file(request.path_params["name"]), "export")
        return FileResponse(file, filename=file.name)

    def votes(request: Request) -> Response:
        name = request.path_params["name"]
        archive = zipped(existing(studio.data.outgoing.download(name), "export"))
        gone = BackgroundTask(archive.unlink, missing_ok=True)
        return FileResponse(archive, filename=name, background=gone)

    def report(request: Request) -> Response:
        file = studio.blind_tests.reports.file(request.path_params["name"].removesuffix(".html"))
        # A report that is saved again has the same URL.
        headers = {"Cache-Control": "no-cache"}
        return FileResponse(existing(file, "report"), media_type="text/html", headers=headers)

    def health(request: Request) -> Response:
        return JSONResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})

    return [
        Route("/img/{name}", image),
        Route("/sheet/{name}", sheet),
        Route("/sample/{name}", sample),
        Route("/export/{name}", exported),
        Route("/votes/{name}", votes),
        Route("/report/{name}", report),
        Route("/health", health),
        script_route(),
        *brand_routes(),
    ]


def labeler_routes(studio: LabelerView) -> list[Route]:
    """Return the routes of labelers: scripts, and images that were shown to the person who asks."""
    images = ImageResponses()

    def image(request: Request) -> Response:
        match, person = IMAGE_NAME.fullmatch(request.path_params["name"]), asker(request)
        file = studio.image(person.name, match[1]) if match and person else None
        return images.response(file, request.query_params.get("side", ""))

    return [Route("/img/{name}", image), script_route(), *brand_routes()]


def existing(file: Path | None, kind: str) -> Path:
    """Return a file that is served; raises NoSuchFile."""
    if file is None:
        raise NoSuchFile(f"There is no such {kind}.")
    return file


def no_such_file(_: Request, error: Exception) -> Response:
    """Answer a name under which nothing is served."""
    return PlainTextResponse(str(error), status_of(cast(NoSuchFile, error)))


def refused(request: Request, error: Exception) -> Response:
    """Answer an error that is raised on purpose by its category, without its sentence.

    Labelers ask for images too, and the sentence may name what they should not know.
    """
    logger.error("%s failed", request.url.path, exc_info=error)
    return JSONResponse({"error": GENERIC_ERROR}, status_of(cast(PalateError, error)))


def invalid_request(_: Request, error: Exception) -> Response:
    """Answer an invalid request with status 400 and the first thing that is wrong with it."""
    first = cast(RequestValidationError, error).errors()[0]
    location = " ".join(str(part) for part in first["loc"])
    return JSONResponse({"error": f"{first['msg']}: {location}."}, 400)


def unexpected_error(_: Request, error: Exception) -> Response:
    """Answer an unexpected error with status 500 and no details, which are in the log."""
    return JSONResponse({"error": GENERIC_ERROR}, INTERNAL_ERROR)


EXCEPTION_HANDLERS = {
    NoSuchFile: no_such_file,
    PalateError: refused,
    RequestValidationError: invalid_request,
    Exception: unexpected_error,
}
"""Handlers of errors that Gradio does not handle itself."""
