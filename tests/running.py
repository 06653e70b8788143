"""The real app as a process, for every test that needs one."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gradio_client import Client

ROOT = Path(__file__).resolve().parents[1]
ENDED = ("done", "failed", "cancelled", "interrupted")


class App:
    """The real app as a process of its own, on one port and one studio folder."""

    def __init__(self, home: Path, *options: str, **environment: str) -> None:
        self.home = home
        self.options = options
        self.environment = environment
        self.command = [sys.executable, "app.py"]
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = [*self.command, "--home", str(self.home), "--port", str(self.port)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, *self.options],
                cwd=ROOT,
                env=os.environ | self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        wait_for(lambda: self.answers() or self.process.poll() is not None, "the app to answer")
        assert self.process.poll() is None, self.log.read_text()[-4000:]

    @property
    def log(self) -> Path:
        return self.home.parent / f"{self.home.name}.log"

    def answers(self) -> bool:
        try:
            return fetch(f"{self.url}health")[0] == 200
        except OSError:
            return False

    def client(self) -> Client:
        """A client of its API."""
        return Client(self.url, verbose=False)

    def kill(self) -> None:
        """End it as a power cut would, and it alone."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> None:
        """End it as Ctrl+C would."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()


def fetch(url: str) -> tuple[int, bytes]:
    """Status and body of an address."""
    with urllib.request.urlopen(url, timeout=5) as reply:
        return reply.status, reply.read()


def run_app(*options: str) -> subprocess.CompletedProcess[str]:
    """Run the app with options that end it at once."""
    command = [sys.executable, "app.py", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)


def wait_for(
    condition: Callable[[], Any], what: str, seconds: float = 240.0, every: float = 0.1
) -> Any:
    """Wait until `condition` gives something true, and return that."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
        time.sleep(every)
    return value


def open_pair(api: Client, annotator: str) -> dict[str, Any]:
    """The annotator's open pair, as soon as there is one."""

    def pair() -> dict[str, Any] | None:
        value = api.predict(annotator, api_name="/next_pair")
        return value if "pair_id" in value else None

    return wait_for(pair, "a pair", every=0.2)


def run_ended(api: Client, run_id: str) -> dict[str, Any]:
    """The run's status once it has ended."""

    def ended() -> dict[str, Any] | None:
        status = api.predict(run_id, api_name="/run_status")
        return status if status["state"] in ENDED else None

    return wait_for(ended, f"run {run_id} to end", every=0.5)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
