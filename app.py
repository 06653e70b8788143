"""Palate: label pairs of images, fine-tune SDXL on them, see blind whether it got better.

$ python app.py                               the embedded emoji model
$ python app.py --model PATH --prompts FILE   your SDXL model, your prompts
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
from importlib import import_module, metadata
from pathlib import Path
from typing import Annotated, Literal

import tyro

from align.client.converter import Converter
from align.client.models import ModelInfo, describe_model
from align.client.sampler import SamplerProcess
from align.client.trainer import TrainerProcess
from align.errors import AlignError
from annotate.auth.hosts import allowed_hosts, as_root_path
from annotate.auth.identity import Authenticator, as_header
from annotate.auth.proxies import as_networks
from annotate.auth.request_guard import Site
from annotate.background import BackgroundJob
from annotate.errors import AnnotateError
from annotate.image_import.folder import checked
from annotate.image_import.listing import preview_lines, skip_lines, writable
from annotate.rendering.prompt_sources import read_prompt_file
from annotate.service.studio import Studio
from annotate.web.http_server import Server, listen, no_proxies
from storage import StorageError, Store

EXPECTED = (AlignError, AnnotateError, StorageError)
"""What goes wrong for a reason that a person can be told in a sentence."""
FIRST_ADMIN = "python -m annotate people add NAME --role admin"
CONSOLE = """usage: palate COMMAND ...          palate COMMAND --help says more

palate serve --images ~/images                     label, fine-tune, compare, judge in a browser
palate train studio/runs/r0001                     train a run folder, or go on where it stopped
palate sample out --prompts FILE --with RUN_DIR    render prompts with what a run made
palate evaluate out --prompts FILE --with RUN_DIR  check a version beside its base
palate score out --by implicit --with RUN_DIR      rank the images of a folder, best first
palate export RUN_DIR cats.safetensors             write an adapter for ComfyUI, A1111 and others
palate import lora.safetensors mine.safetensors    check a LoRA or a tuned model, and convert it
palate report out                                  write an evaluation as HTML and as Markdown
palate people add ada --role admin                 let somebody sign in while the app is stopped
palate emoji all --work DIR                        make the embedded model again
"""
COMMANDS = {
    "serve": ("app:main", "palate serve"),
    "train": ("align.__main__:main", "palate"),
    "sample": ("align.__main__:main", "palate"),
    "evaluate": ("align.__main__:main", "palate"),
    "score": ("align.__main__:main", "palate"),
    "export": ("align.__main__:main", "palate"),
    "import": ("align.__main__:main", "palate"),
    "report": ("annotate.__main__:main", "palate"),
    "people": ("annotate.__main__:main", "palate"),
    "emoji": ("align.emoji.__main__:run_stoppable", "palate emoji"),
}
"""The commands of `palate`: a function by name, and what its help calls it.

Named, not imported: torch takes seconds, and most commands do without it."""


@dataclass(frozen=True)
class Settings:
    """What the command line says."""

    home: Path = Path("studio")
    """Folder of votes, images, runs and versions; made if it is not there."""
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
    """An SDXL pipeline folder or hub name; without it the embedded emoji model. emoji-fast is that
    in four steps: half the time, less variety."""
    prompts: Path | None = None
    """Text file with a prompt a line, in place of the built-in prompts."""
    images: Path | None = None
    """Folder of images to label first; their prompts are read from the files, see the README."""
    train_every: int = 50
    """Decisive votes after which a fine-tune starts by itself; 0 is never."""
    train_at: str | None = None
    """Also fine-tune daily at this time (HH:MM), if there are new votes."""
    sign_in: Literal["off", "accounts", "proxy"] = "off"
    """Who may come in: anybody, people with a password, or whom a proxy names."""
    proxy_header: str = "X-Forwarded-User"
    """With --sign-in proxy, the header in which the proxy names the person."""
    proxy_address: str = "127.0.0.1,::1"
    """Addresses of proxies that are trusted, such as 127.0.0.1,10.0.0.0/8."""


def palate(arguments: Sequence[str] | None = None) -> int:
    """Run one command of the `palate` console command; return the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    command = given[0] if given else "--help"
    if command in ("-h", "--help"):
        print(CONSOLE, end="")
        return 0
    if command == "--version":
        print(f"palate {metadata.version('palate')}")
        return 0
    if command not in COMMANDS:
        known = ", ".join(COMMANDS)
        print(f"palate: There is no command {command!r}. Known ones: {known}.", file=sys.stderr)
        return 2

    named, prog = COMMANDS[command]
    module, function = named.split(":")
    # A parser with several commands still has to be told which one; one of its own takes the rest.
    rest = given[1:] if prog.endswith(command) else given
    code: int = getattr(import_module(module), function)(rest, prog)
    return code


def main(arguments: Sequence[str] | None = None, prog: str = "python app.py") -> int:
    """Run the app until it is interrupted; returns the exit code."""
    description = (__doc__ or "").replace("python app.py", prog)
    settings = tyro.cli(Settings, prog=prog, description=description, args=arguments)
    try:
        run(settings)
    except EXPECTED as error:
        print(f"palate: {error}", file=sys.stderr)
        return 2
    return 0


def run(settings: Settings) -> None:
    """Open the studio, serve the page and wait for an interrupt."""
    model = describe_model(settings.model)
    prompts = read_prompt_file(settings.prompts) if settings.prompts else None
    proxies, header = as_networks(settings.proxy_address), as_header(settings.proxy_header)
    root_path = as_root_path(settings.root_path)
    allowed_hosts(settings.allow_host)
    if settings.images:
        checked(settings.images)
    sockets = listen(settings.host, settings.port)
    bound = [one.getsockname()[0] for one in sockets]
    site = Site(allowed_hosts(settings.allow_host, bound, settings.host), proxies, root_path)
    with ended(sockets), opened(settings, model, prompts) as studio:
        stop, way = stop_signal(), None
        if settings.sign_in != "off":
            named_by = header if settings.sign_in == "proxy" else None
            way = Authenticator(studio.accounts, proxies, named_by)
        with served(settings, studio, way, site, sockets) as url:
            print(f"Palate tunes {model.name} at {url}", flush=True)
            if model.doubt:
                print(unknown(model), file=sys.stderr, flush=True)
            if way is not None and (hint := first_admin(way, url)):
                print(hint, flush=True)
            print(f"Votes are kept in {settings.home.resolve()}. Press Ctrl+C to stop.", flush=True)
            bringing = BackgroundJob(lambda: bring(studio, settings.images, stop))
            stop.wait()
            studio.importer.stop()
            bringing.result()
            goes_on = studio.activity()["run"] is not None
    print("Stopped." + " The fine-tune goes on; start again to follow it." * goes_on)


def bring(studio: Studio, folder: Path | None, stop: threading.Event) -> None:
    """Bring in a folder of images while the page is served already, and say what came of it.

    What there is to bring is said before, so that a person who sees wrong prompts can stop it.
    """
    if folder is None:
        return
    try:
        say(preview_lines(studio.importer.look(str(folder)).told()))
        if not stop.is_set():
            brought = studio.importer.bring(str(folder))
            say([f"{brought['folder']}: {brought['summary']}", *skip_lines(brought)])
    except EXPECTED as error:
        print(f"palate: {error}", file=sys.stderr, flush=True)


def say(lines: Sequence[str]) -> None:
    """Print lines, whatever the terminal can show of them."""
    print(writable("\n".join(lines), sys.stdout.encoding), flush=True)


@contextmanager
def opened(settings: Settings, model: ModelInfo, prompts: list[str] | None) -> Iterator[Studio]:
    """The studio with its sampler started, and everything closed afterwards."""
    with Store(settings.home, restore=settings.restore) as store:
        for sentence in store.opening.recovered:
            print(f"palate: {sentence}", file=sys.stderr, flush=True)
        cpu_lock = settings.home / "turns.lock"
        sampler = SamplerProcess(
            model, store.images_dir, settings.home / "sampler.log", cpu_lock=cpu_lock
        )
        # The model loads in its own process while this one imports gradio.
        sampler.start()
        with no_proxies():
            import annotate.web.page  # noqa: PLC0415, F401
        studio = Studio(
            store,
            sampler,
            TrainerProcess(cpu_lock=cpu_lock, cache=settings.home / "cache"),
            model,
            settings.train_every,
            settings.train_at,
            prompts=prompts,
            converter=Converter(),
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
def ended(sockets: list[socket.socket]) -> Iterator[None]:
    """Close sockets afterwards, whether or not a server took them."""
    try:
        yield
    finally:
        for one in sockets:
            one.close()


@contextmanager
def served(
    settings: Settings,
    studio: Studio,
    way: Authenticator | None,
    site: Site,
    sockets: list[socket.socket],
) -> Iterator[str]:
    """Serve the page at the address that is given, and no more afterwards."""
    from annotate.web.page import build_app  # noqa: PLC0415  see `opened`

    web = build_app(studio, EXPECTED, way, site)
    server = Server(web.app, sockets, settings.host)
    server.start()
    try:
        yield server.url
    finally:
        web.end_streams()
        server.stop()


def unknown(model: ModelInfo) -> str:
    """Say that nobody could tell what a hub model is, and what it is taken for."""
    return (
        f"palate: {model.name} could not be looked up ({model.doubt}), so until it is loaded it is "
        f"taken for a model of {model.width} x {model.height} pixels in {model.steps} steps."
    )


def first_admin(way: Authenticator, url: str) -> str | None:
    """Say how somebody becomes the first admin; None once there is one."""
    if way.header is not None:
        known = way.accounts.has_admin(passwords=False)
        return None if known else f"Nobody is an admin yet. Stop the app, then: {FIRST_ADMIN}"
    token = way.accounts.create_setup_token()
    return token and f"Nobody is an admin yet. Become one, once, at {url}welcome?token={token}"


def stop_signal() -> threading.Event:
    """An event that Ctrl+C and a termination signal set."""
    stop = threading.Event()
    for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: stop.set())
    return stop


if __name__ == "__main__":
    sys.exit(main())
