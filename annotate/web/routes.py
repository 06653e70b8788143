"""Addresses beside Gradio's, for a browser to read; and what becomes of errors in both."""

import re
from typing import cast

from fastapi.exceptions import RequestValidationError
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from annotate.auth.identity import asker
from annotate.service.labeler_view import LabelerView
from annotate.service.studio import Studio
from annotate.web.errors_to_ui import GENERIC_ERROR
from annotate.web.image_response import image_response
from storage.errors import UnknownRun

IMAGE_NAME = re.compile(r"([0-9a-f]{16})\.png")
SHEET_NAME = re.compile(r"(r[0-9]{4,9})\.png")


def admin_routes(studio: Studio) -> list[Route]:
    """Return what the page of admins reads beside what Gradio serves."""

    def image(request: Request) -> Response:
        match = IMAGE_NAME.fullmatch(request.path_params["name"])
        return image_response(studio.image_file(match[1]) if match else None)

    def sheet(request: Request) -> Response:
        match = SHEET_NAME.fullmatch(request.path_params["name"])
        try:
            file = studio.sheet_file(match[1]) if match else None
        except UnknownRun:
            file = None
        if file is None:
            return PlainTextResponse("There is no such sheet.", status_code=404)
        return FileResponse(file, media_type="image/png")

    def exported(request: Request) -> Response:
        file = studio.registry.export_file(request.path_params["name"])
        if file is None:
            return PlainTextResponse("There is no such export.", status_code=404)
        return FileResponse(file, filename=file.name)

    def report(request: Request) -> Response:
        file = studio.blind_tests.reports.file(request.path_params["name"].removesuffix(".html"))
        if file is None:
            return PlainTextResponse("There is no such report.", status_code=404)
        return FileResponse(file, media_type="text/html", headers={"Cache-Control": "no-cache"})

    def health(request: Request) -> Response:
        return JSONResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})

    return [
        Route("/img/{name}", image),
        Route("/sheet/{name}", sheet),
        Route("/export/{name}", exported),
        Route("/report/{name}", report),
        Route("/health", health),
    ]


def labeler_routes(studio: LabelerView) -> list[Route]:
    """Return what the page of labelers reads: the images that were handed to who asks."""

    def image(request: Request) -> Response:
        match, person = IMAGE_NAME.fullmatch(request.path_params["name"]), asker(request)
        seen = studio.image(person.name, match[1]) if match and person else None
        return image_response(seen)

    return [Route("/img/{name}", image)]


def invalid(_: Request, error: Exception) -> Response:
    """Say what of a request makes no sense."""
    told = cast(RequestValidationError, error).errors()[0]
    where = " ".join(str(part) for part in told["loc"])
    return JSONResponse({"error": f"{told['msg']}: {where}."}, 400)


def failed(_: Request, error: Exception) -> Response:
    """Say that something went wrong; what it was is in the log."""
    return JSONResponse({"error": GENERIC_ERROR}, 500)


EXCEPTION_HANDLERS = {RequestValidationError: invalid, Exception: failed}
"""What becomes of errors that Gradio does not handle."""
