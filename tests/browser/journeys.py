"""What the browser tests do over and over: run the app, drive the stage."""

import re
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
START_S = 90
SLOW_MS = 60_000


class App:
    """The real app as a process of its own, on one port and one studio folder."""

    def __init__(self, home: Path, *options: str) -> None:
        self.home = home
        self.options = options
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "app.py", "--home", str(self.home), "--port", str(self.port)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, *self.options], cwd=ROOT, stdout=log, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + START_S
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"The app did not start:\n{self.log.read_text()[-4000:]}")
            time.sleep(0.2)

    @property
    def log(self) -> Path:
        return self.home.parent / f"{self.home.name}.log"

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}health", timeout=2) as reply:
                return bool(reply.status == 200)
        except OSError:
            return False

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()


class Stage:
    """The labeling stage on a page, as a person with a keyboard meets it."""

    def __init__(self, page: Any) -> None:
        self.page = page

    def open(self, url: str) -> None:
        self.page.goto(url)
        self.wait_for_pair()

    def read(self, name: str) -> str:
        script = "name => document.querySelector('#stage [data-acked]')?.dataset[name] || ''"
        return str(self.page.evaluate(script, name))

    def wait_until(self, name: str, test: str) -> None:
        """Wait until the data attribute `name` passes the JavaScript test over `value`."""
        script = (
            "() => { const value = document.querySelector('#stage [data-acked]')"
            f"?.dataset[{name!r}] || ''; return {test}; }}"
        )
        self.page.wait_for_function(script, timeout=SLOW_MS)

    def wait_for_pair(self) -> str:
        self.wait_until("pair", "value !== ''")
        return self.read("pair")

    def press(self, key: str) -> str:
        """Press a key that brings another pair; return the pair it was pressed on."""
        before = self.wait_for_pair()
        self.page.keyboard.press(key)
        self.wait_until("pair", f"value !== '' && value !== {before!r}")
        return before

    def saved(self) -> int:
        """The number of votes that the page says are saved."""
        line = self.page.locator("#stage .saved", has_text=re.compile(r"^\d+ votes? saved$"))
        return int(line.inner_text(timeout=SLOW_MS).split()[0])

    def wait_until_saved(self, votes: int) -> None:
        self.wait_until("unsent", "value === '0'")
        words = re.compile(rf"^{votes} votes? saved$")
        self.page.locator("#stage .saved", has_text=words).wait_for(timeout=SLOW_MS)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
