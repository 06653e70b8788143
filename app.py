"""Palate: label pairs of images, fine-tune SDXL on them, see blind whether it got better.

$ python app.py                               the embedded emoji model
$ python app.py --models DIR --prompts FILE   your SDXL checkpoints, your prompts
$ python app.py --home cats --train-every 0   fine-tune by hand only
$ python app.py --images ~/images             label images you have already
"""

from __future__ import annotations

import signal
import socket
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from align.client.catalog.catalog import ModelCatalog, check_models_folder
from align.client.catalog.hub_cache import doubt_about, download_sentence
from align.client.converter import ConverterProcess
from align.client.devices.sampler_maker import SamplerMaker
from align.client.devices.setup import DeviceSetup, set_up_devices
from align.client.imports import without_collections
from align.client.trainer import TrainerProcess
from align.contracts.errors import PalateError
from align.contracts.models import ModelInfo
from annotate.auth.first_admin import first_admin_hint
from annotate.auth.hosts import allowed_hosts, as_root_path
from annotate.auth.identity import Authenticator, as_header
from annotate.auth.proxies import as_networks
from annotate.auth.request_guard import Site
from annotate.background import BackgroundJob
from annotate.image_import.folder import check_folder
from annotate.image_import.listing import preview_lines, skip_lines, writable
from annotate.rendering.model_readings import as_chosen
from annotate.rendering.prompts.prompt_sources import read_prompt_file
from annotate.rendering.prompts.prompt_variations import WILDCARDS, PromptVariations
from annotate.service.studio import Studio
from annotate.web.http_server import Server, listen, no_proxies
from storage import Store


@dataclass(frozen=True)
class Settings:
    """Settings of the command line."""

    home: Path = Path("studio")
    """Folder of votes, images, runs and versions; created if it is not there."""
    restore: bool = False
    """If the database is damaged or missing, put the newest copy of it in its place."""
    host: str = "127.0.0.1"
    """Address to listen on; 0.0.0.0 opens the page to your network."""
    port: int = 7860
    """Port of the page; 0 for any that is free."""
    allow_host: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """A name by which browsers reach the page, such as palate.example or *.palate.example; may be
    given several times. Addresses it listens on and localhost need no naming."""
    root_path: str = ""
    """Path below which a proxy serves the page, such as /palate."""
    model: str | None = None
    """An SDXL checkpoint: a .safetensors file, a pipeline folder, a hub name, or a name in the
    folder of --models. Without it the model that was opened last on the page, at first the embedded
    emoji. emoji-fast is that in four steps: half the time, less variety."""
    models: Path | None = None
    """Folder of checkpoints, such as ComfyUI/models/checkpoints: the page lists what is in it and
    opens another model without a restart."""
    vae: str | None = None
    """Autoencoder in place of the model's own: a .safetensors file or a folder."""
    prediction: Literal["epsilon", "v_prediction"] | None = None
    """What the model predicts, where its files do not tell: noise or velocities. The wrong one
    renders noise or gray."""
    devices: str | None = None
    """Cards by the numbers that nvidia-smi has for them, such as 0,1: the first renders and the
    others train, so that labeling never waits for a run. One alone does both; cpu takes none."""
    prompts: Path | None = None
    """Text file with a prompt a line, in place of the built-in prompts."""
    images: Path | None = None
    """Folder of images to label first; prompts are read from the files, see docs/importing.md."""
    train_every: int = 50
    """Choices (left, right or a ranking) after which a fine-tune starts by itself; 0 is never."""
    train_at: str | None = None
    """Also fine-tune daily at this time (HH:MM), if there are new votes."""
    sign_in: Literal["off", "accounts", "proxy"] = "off"
    """Who may sign in: anybody, people with a password, or whom a proxy names."""
    proxy_header: str = "X-Forwarded-User"
    """With --sign-in proxy, the header in which the proxy names the person."""
    proxy_address: str = "127.0.0.1,::1"
    """Addresses of proxies that are trusted, such as 127.0.0.1,10.0.0.0/8."""


def main(arguments: Sequence[str] | None = None, prog: str = "python app.py") -> int:
    """Run the app until it is interrupted; return the exit code."""
    description = (__doc__ or "").replace("python app.py", prog)
    settings = tyro.cli(Settings, prog=prog, description=description, args=arguments)
    try:
        run(settings)
    except PalateError as error:
        print(f"palate: {error}", file=sys.stderr)
        return 2
    return 0


def run(settings: Settings) -> None:
    """Open the studio, serve the page and wait for an interrupt."""
    # Everything that may be refused comes first, before the studio is opened and a model loaded.
    devices = set_up_devices(settings.devices)
    for notice in devices.notices:
        print(f"palate: {notice}", file=sys.stderr, flush=True)
    catalog = catalog_of(settings, devices)
    model = catalog.first(settings.model, settings.vae, settings.prediction)
    prompts = read_prompts(settings)
    proxies, header = as_networks(settings.proxy_address), as_header(settings.proxy_header)
    root_path = as_root_path(settings.root_path)
    allowed_hosts(settings.allow_host)
    if settings.images:
        check_folder(settings.images)
    sockets = listen(settings.host, settings.port)
    bound = [sock.getsockname()[0] for sock in sockets]
    site = Site(allowed_hosts(settings.allow_host, bound, settings.host), proxies, root_path)

    opening = open_studio(settings, catalog, model, prompts, devices)
    with closing_all(sockets), opening as studio:
        stop, authenticator = stop_signal(), None
        if settings.sign_in != "off":
            named_by = header if settings.sign_in == "proxy" else None
            authenticator = Authenticator(studio.accounts, proxies, named_by)
        with serve(settings, studio, authenticator, site, sockets) as url:
            print_start(settings, model, authenticator, url)
            if download := catalog.download(model):
                print(download_sentence(model, download), flush=True)
            importing = BackgroundJob(lambda: import_images(studio, settings.images, stop))
            stop.wait()
            studio.importer.stop()
            importing.result()
            training = studio.activity()["run"] is not None
    print("Stopped." + " The fine-tune goes on; start again to follow it." * training)


def catalog_of(settings: Settings, devices: DeviceSetup) -> ModelCatalog:
    """Return the models that can be opened; raises ModelNotFound for a folder that is not there."""
    if settings.models:
        check_models_folder(settings.models.expanduser())
    samplers = SamplerMaker(settings.home, devices.sampler, lambda line: print(line, flush=True))
    return ModelCatalog(settings.models, settings.home / "model.json", samplers.make)


def read_prompts(settings: Settings) -> list[str] | None:
    """Return the prompts of the file that was named, with a file for every wildcard; or None."""
    if settings.prompts is None:
        return None
    prompts = read_prompt_file(settings.prompts)
    PromptVariations([settings.home / WILDCARDS, *beside_prompts(settings)]).check(prompts)
    return prompts


def beside_prompts(settings: Settings) -> list[Path]:
    """Return the folder of the prompt file: its wildcard files may lie there."""
    return [settings.prompts.parent] if settings.prompts else []


def print_start(
    settings: Settings, model: ModelInfo, authenticator: Authenticator | None, url: str
) -> None:
    """Print where the page is, how to become an admin, and where the votes are."""
    print(f"Palate tunes {model.name} at {url}", flush=True)
    if model.doubt:
        print(doubt_about(model), file=sys.stderr, flush=True)
    if authenticator is not None and (hint := first_admin_hint(authenticator, url)):
        print(hint, flush=True)
    print(f"Votes are kept in {settings.home.resolve()}. Press Ctrl+C to stop.", flush=True)


def import_images(studio: Studio, folder: Path | None, stop: threading.Event) -> None:
    """Import a folder of images while the page is served already, and print the result.

    A preview is printed before, so that a person who sees wrong prompts can stop it.
    """
    if folder is None:
        return
    try:
        print_lines(preview_lines(studio.importer.preview(str(folder)).as_dict()))
        if not stop.is_set():
            imported = studio.importer.import_folder(str(folder))
            print_lines([f"{imported['folder']}: {imported['summary']}", *skip_lines(imported)])
    except PalateError as error:
        print(f"palate: {error}", file=sys.stderr, flush=True)


def print_lines(lines: Sequence[str]) -> None:
    """Print lines, without characters that the terminal cannot show."""
    print(writable("\n".join(lines), sys.stdout.encoding), flush=True)


@contextmanager
def open_studio(
    settings: Settings,
    catalog: ModelCatalog,
    model: ModelInfo,
    prompts: list[str] | None,
    devices: DeviceSetup,
) -> Iterator[Studio]:
    """Open the studio with its sampler started, and close everything afterwards."""
    with Store(settings.home, restore=settings.restore) as store:
        for sentence in store.opening.recovered:
            print(f"palate: {sentence}", file=sys.stderr, flush=True)
        model = as_chosen(store, model)
        sampler = catalog.new_sampler(model)
        # The model loads in its own process while this one imports gradio.
        sampler.start()
        with no_proxies(), without_collections():
            import annotate.web.page  # noqa: PLC0415, F401

        studio = Studio(
            store,
            sampler,
            TrainerProcess(
                cpu_lock=settings.home / "turns.lock",
                cache=settings.home / "cache",
                devices=devices.trainer,
            ),
            model,
            settings.train_every,
            settings.train_at,
            prompts=prompts,
            converter=ConverterProcess(environment=devices.sampler),
            models=catalog,
            wildcards=beside_prompts(settings),
            notices=devices.notices,
        )

        studio.start()
        store.opening.keep_copies()
        try:
            yield studio
        finally:
            studio.close()
            sampler.stop()
    if store.opening.problem:
        print(f"palate: {store.opening.problem}", file=sys.stderr, flush=True)


@contextmanager
def closing_all(sockets: list[socket.socket]) -> Iterator[None]:
    """Close sockets afterwards, whether or not a server took them."""
    try:
        yield
    finally:
        for sock in sockets:
            sock.close()


@contextmanager
def serve(
    settings: Settings,
    studio: Studio,
    authenticator: Authenticator | None,
    site: Site,
    sockets: list[socket.socket],
) -> Iterator[str]:
    """Serve the page inside the block; yield its URL."""
    from annotate.web.page import build_app  # noqa: PLC0415  see `open_studio`

    with without_collections():
        web = build_app(studio, authenticator, site)
    server = Server(web.app, sockets, settings.host)
    server.start()
    try:
        yield server.url
    finally:
        # An open stream would keep the server from stopping.
        web.end_streams()
        server.stop()


def stop_signal() -> threading.Event:
    """Return an event that Ctrl+C and a termination signal set."""
    stop = threading.Event()
    for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: stop.set())
    return stop


if __name__ == "__main__":
    sys.exit(main())
