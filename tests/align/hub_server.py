"""A web server that answers as the hub does, on this machine."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SDXL = "StableDiffusionXLPipeline"
GB = 1_000_000_000


@dataclass
class Repository:
    """One model: its small files, and the sizes of the large ones."""

    files: dict[str, bytes]
    sizes: dict[str, int] = field(default_factory=dict)
    commit: str = "0123456789abcdef0123456789abcdef01234567"
    refusal: tuple[int, str] | None = None
    """Status and error code that every file is refused with."""
    breaks_after: int | None = None
    """Bytes of large files after which the hub breaks off, and is busy from then on."""
    ranges: list[str] = field(default_factory=list)
    """The ranges of large files that were asked for; empty for a whole one."""


def sdxl(
    scheduler: dict[str, Any], *, kind: str = SDXL, sample_size: int = 128, **unet: Any
) -> Repository:
    """A model with the layout of SDXL's: all parts plain and as fp16."""
    configs = {
        "model_index.json": {"_class_name": kind},
        "unet/config.json": {"sample_size": sample_size, "in_channels": 4, **unet},
        "vae/config.json": {"block_out_channels": [128, 256, 512, 512], "latent_channels": 4},
        "scheduler/scheduler_config.json": scheduler,
        "text_encoder/config.json": {"num_hidden_layers": 12},
        "text_encoder_2/config.json": {"num_hidden_layers": 32},
    }
    sizes = {}
    for part, stem in (("unet", "diffusion_pytorch_model"), ("vae", "diffusion_pytorch_model"),
                       ("text_encoder", "model"), ("text_encoder_2", "model")):  # fmt: skip
        for variant, size in (("", 10 * GB), (".fp16", 5 * GB)):
            sizes[f"{part}/{stem}{variant}.safetensors"] = size
    return Repository({name: json.dumps(each).encode() for name, each in configs.items()}, sizes)


@contextmanager
def hub_server(repositories: dict[str, Repository]) -> Iterator[str]:
    """Serve repositories by name; gives the address."""

    class Answers(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer()

        def do_GET(self) -> None:
            self._answer()

        def log_message(self, *_: object) -> None:
            pass

        def _answer(self) -> None:
            path = self.path.split("?")[0].strip("/")
            if path.startswith("api/models/"):
                self._facts(path.removeprefix("api/models/").split("/revision/")[0])
                return
            name, _, rest = path.partition("/resolve/")
            self._file(name, rest.partition("/")[2])

        def _facts(self, name: str) -> None:
            known = repositories.get(name)
            if known is None:
                self._refuse(404, "RepoNotFound")
                return
            sizes = {at: len(content) for at, content in known.files.items()} | known.sizes
            siblings = [{"rfilename": at, "size": size} for at, size in sizes.items()]
            facts = {"id": name, "modelId": name, "sha": known.commit, "siblings": siblings}
            self._say(json.dumps(facts).encode(), "application/json", {})

        def _file(self, name: str, file: str) -> None:
            known = repositories.get(name)
            if known is None:
                self._refuse(404, "RepoNotFound")
            elif known.refusal:
                self._refuse(*known.refusal)
            elif file not in known.files:
                self._refuse(404, "EntryNotFound")
            else:
                content = known.files[file]
                large = file.endswith(".safetensors")
                kind = hashlib.sha256 if large else hashlib.sha1
                etag = {"ETag": f'"{kind(content).hexdigest()}"'}
                headers = etag | {"X-Repo-Commit": known.commit}
                if large and self.command == "GET":
                    self._part(known, content, headers)
                else:
                    self._say(content, "text/plain", headers)

        def _part(self, known: Repository, content: bytes, headers: dict[str, str]) -> None:
            if known.ranges and known.breaks_after is not None:
                self._refuse(503, "Busy")
                return
            asked = self.headers.get("Range", "")
            known.ranges.append(asked)
            start = int(asked.removeprefix("bytes=").split("-")[0]) if asked else 0
            span = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
            self.send_response(206 if asked else 200)
            self.send_header("Content-Length", str(len(content) - start))
            for header, value in (headers | span if asked else headers).items():
                self.send_header(header, value)
            self.end_headers()
            self.wfile.write(content[start:][: known.breaks_after])
            self.close_connection = True

        def _say(self, content: bytes, kind: str, headers: dict[str, str]) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            for header, value in headers.items():
                self.send_header(header, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        def _refuse(self, status: int, code: str) -> None:
            self.send_response(status)
            self.send_header("X-Error-Code", code)
            self.send_header("Content-Length", "0")
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
