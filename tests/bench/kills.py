"""What survives being killed: every acknowledged vote, and a run to its last bit.

python tests/bench/kills.py all [--kills 20]       each of these, one after the other
python tests/bench/kills.py votes [--kills 20]     the app, while 5 votes a second arrive
python tests/bench/kills.py sampler [--kills 20]   the image model's process, meanwhile
python tests/bench/kills.py import [--kills 20]    the app, while it brings a folder of images in
python tests/bench/kills.py export [--kills 20]    the app, while it writes a version to a file
python tests/bench/kills.py trainer [--kills 20]   a 40-step run, against an undisturbed one

Prints a line of Markdown for each: kills, votes that were acknowledged, lost, there twice, and what
else was looked at. Ends with 1 where anything is lost, twice, or half written.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb
import psutil
import torch
from gradio_client import Client
from PIL.PngImagePlugin import PngInfo
from safetensors.torch import load_file

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests/annotate")]

from bench_snapshot import make_snapshot
from image_files_made import A1111, scene
from running import App, run_ended, wait_for

from align.client.models import describe_model
from align.client.trainer import TrainerProcess
from storage import Store

VOTES_PER_S = 5.0
READY = 12
STEPS = 40
IMPORTED = 600


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    kinds: dict[str, Callable[[Path, int], Line]] = {
        "votes": kill_the_app,
        "sampler": kill_the_sampler,
        "trainer": kill_the_trainer,
        "import": kill_an_import,
        "export": kill_an_export,
    }
    parser.add_argument("what", choices=[*kinds, "all"])
    parser.add_argument("--kills", type=int, default=20)
    arguments = parser.parse_args()
    chosen = kinds if arguments.what == "all" else [arguments.what]
    lines = []
    for name in chosen:
        with tempfile.TemporaryDirectory() as folder:
            lines.append(kinds[name](Path(folder), arguments.kills))
    print("| killed | kills | acknowledged | lost | twice | besides |\n|---|---|---|---|---|---|")
    print(*lines, sep="\n")
    sys.exit(not all(line.is_good for line in lines))


@dataclass
class Line:
    """What came of killing one kind of process."""

    killed: str
    kills: int
    acknowledged: int = 0
    lost: int = 0
    twice: int = 0
    besides: str = ""
    broken: int = 0
    """What else is not as it should be."""

    @property
    def is_good(self) -> bool:
        return not (self.lost or self.twice or self.broken)

    def __str__(self) -> str:
        told = (self.killed, self.kills, self.acknowledged, self.lost, self.twice, self.besides)
        return "| " + " | ".join(map(str, told)) + " |"


class Voter(threading.Thread):
    """Votes at a steady rate and remembers what was acknowledged, until the app is gone."""

    def __init__(self, app: App) -> None:
        super().__init__(daemon=True)
        self._api = app.client()
        self.acknowledged: list[str] = []
        self.sent = 0

    def run(self) -> None:
        try:
            while True:
                started = time.monotonic()
                self._vote()
                time.sleep(max(0.0, 1 / VOTES_PER_S - (time.monotonic() - started)))
        except Exception:
            return  # the app was killed, which is the point

    def _vote(self) -> None:
        pair = self._api.predict("ada", api_name="/next_pair")
        if "pair_id" not in pair:
            return
        key, verdict = uuid.uuid4().hex, random.choice(["left", "right", "tie", "skip"])
        self.sent += 1
        reply = self._api.predict(pair["pair_id"], verdict, "ada", key, api_name="/vote")
        if reply["accepted"]:
            self.acknowledged.append(reply["key"])


def kill_the_app(folder: Path, kills: int) -> Line:
    """Kill the app at random moments while votes arrive; then count every acknowledged key."""
    app = App(folder / "studio", "--train-every", "0")
    line = Line("app", kills)
    voters = [killed_while(app, lambda _: None, f"app {number + 1}") for number in range(kills)]
    return counted(line, app, voters)


def kill_an_import(folder: Path, kills: int) -> Line:
    """Kill the app while it brings images in; at last all are there, and no pair is twice."""
    images, app = folder / "images", App(folder / "studio", "--train-every", "0")
    images.mkdir()
    for number in range(IMPORTED):
        prompt = f"a cat number {number // 2}"
        words = PngInfo()
        words.add_text("parameters", A1111.format(prompt=prompt, seed=number))
        scene(number).save(images / f"{number:05}.png", pnginfo=words)

    def bring(api: Client) -> None:
        threading.Thread(
            target=asked, args=(api, str(images), "/import_images"), daemon=True
        ).start()

    voters = [killed_while(app, bring, f"import {number + 1}") for number in range(kills)]
    app.start()
    brought = app.client().predict(str(images), api_name="/import_images")
    app.stop()
    line = counted(Line("import", kills), app, voters)
    twice = rows(
        app,
        "SELECT count(*) FROM (SELECT 1 FROM pairs WHERE version = 'imported' "
        "GROUP BY left_image, right_image HAVING count(*) > 1)",
    )
    there = brought["brought"] + brought["known"]
    line.besides = f"{there} of {IMPORTED} images there, {twice} pairs twice"
    line.broken = IMPORTED - there + twice
    return line


def kill_an_export(folder: Path, kills: int) -> Line:
    """Kill the app and what exports for it meanwhile; no half-written file has a name."""
    app = App(folder / "studio", "--train-every", "0")
    app.start()
    api = app.client()
    voter = Voter(app)
    voter.start()
    wait_for(lambda: len(voter.acknowledged) >= 12, "votes")
    run = api.predict({"steps": 3, "check_prompts": 0}, api_name="/fine_tune")["run_id"]
    assert run_ended(api, run)["state"] == "done"
    began = time.monotonic()
    api.predict("v1", "merged", api_name="/export_version")
    longest_s = 3 * (time.monotonic() - began)
    shutil.rmtree(app.home / "exports")
    app.kill()
    voter.join()

    def export(api: Client) -> None:
        for form in ("diffusers", "kohya", "merged"):
            threading.Thread(
                target=asked, args=(api, "v1", form, "/export_version"), daemon=True
            ).start()

    voters = [
        killed_while(app, export, f"export {number + 1}", longest_s) for number in range(kills)
    ]
    files = [path for path in (app.home / "exports").rglob("*.safetensors") if not hidden(path)]
    broken = [path for path in files if not whole(path)]
    app.start()
    app.client().predict("v1", "kohya", api_name="/export_version")
    app.stop()
    line = counted(Line("export", kills), app, [voter, *voters])
    line.besides = f"{len(files)} files named, {len(broken)} of them half written"
    # Kills that are all too early to meet a file being written would say nothing.
    line.broken = len(broken) + (not files)
    return line


def kill_the_sampler(folder: Path, kills: int) -> Line:
    """Kill the image model's process while votes arrive; the app gets itself another one."""
    app = App(folder / "studio", "--train-every", "0")
    app.start()
    api, voter = app.client(), Voter(app)
    voter.start()
    for number in range(kills):
        # One that dies while it loads, again and again, is given up until somebody asks for it.
        wait_for(
            lambda: api.predict(api_name="/retry_model")["state"] == "ready", "a sampler", every=0.5
        )
        time.sleep(random.uniform(0.5, 6.0))
        # Looked for again: the app may have started another one meanwhile.
        (process,) = wait_for(lambda: samplers(app), "a sampler")
        process.kill()
        gone = process.pid
        wait_for(lambda gone=gone: [p for p in samplers(app) if p.pid != gone], "the next sampler")
        print(f"sampler {number + 1}: {len(voter.acknowledged)} acknowledged", flush=True)
    before = len(voter.acknowledged)
    wait_for(lambda: len(voter.acknowledged) > before + READY, "votes on new pairs")
    app.kill()
    voter.join()
    line = counted(Line("sampler", kills), app, [voter])
    line.besides = "pairs came again after each"
    return line


def samplers(app: App) -> list[psutil.Process]:
    """The image model's process of an app."""
    assert app.process is not None
    found = psutil.Process(app.process.pid).children(recursive=True)
    return [process for process in found if "serve" in quietly(process)][:1]


def quietly(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def killed_while(
    app: App, act: Callable[[Client], None], what: str, longest_s: float = 5.0
) -> Voter:
    """Start an app, let it do something while votes arrive, and kill it at a random moment.

    Its children are killed with it: an export's would write on.
    """
    app.start()
    voter = Voter(app)
    act(app.client())
    voter.start()
    time.sleep(random.uniform(0.5, longest_s))
    assert app.process is not None
    children = psutil.Process(app.process.pid).children(recursive=True)
    app.kill()
    for child in children:
        with suppress(psutil.Error):
            child.kill()
    voter.join()
    print(f"{what}: {len(voter.acknowledged)} of {voter.sent} acknowledged", flush=True)
    return voter


def asked(api: Client, *request: str) -> None:
    """Ask an app for something, which may be killed meanwhile."""
    *arguments, endpoint = request
    with suppress(Exception):
        api.predict(*arguments, api_name=endpoint)


def counted(line: Line, app: App, voters: list[Voter]) -> Line:
    """Open the studio once more, and look for every acknowledged key."""
    with Store(app.home) as store:
        stored = Counter(key for (key,) in store._database.read("SELECT key FROM votes"))
        assert not store.opening.recovered, store.opening.recovered
    acknowledged = [key for voter in voters for key in voter.acknowledged]
    line.acknowledged = len(acknowledged)
    line.lost = sum(stored[key] == 0 for key in acknowledged)
    line.twice = sum(count > 1 for count in stored.values())
    return line


def rows(app: App, sql: str) -> int:
    with duckdb.connect(str(app.home / "palate.duckdb"), read_only=True) as database:
        return int(database.execute(sql).fetchall()[0][0])


def hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def whole(path: Path) -> bool:
    try:
        return bool(load_file(path))
    except Exception:
        return False


def kill_the_trainer(folder: Path, kills: int) -> Line:
    """Kill a run at random moments, resume it each time, and compare with an undisturbed one."""
    trainer, model, snapshot = TrainerProcess(), describe_model(), make_snapshot(folder)
    for name in ("undisturbed", "killed"):
        trainer.prepare(folder / name, snapshot, model, {"steps": STEPS})
    finish(trainer, folder / "undisturbed")
    run = folder / "killed"
    for number in range(kills):
        trainer.start(run)
        goal = max(1, round(STEPS * (number + 1) / (kills + 1)))
        wait_for(lambda goal=goal: trainer.status(run).step >= goal, f"step {goal}")
        time.sleep(random.uniform(0.0, 1.0))
        trainer.kill(run)
        wait_for(lambda: not trainer.is_alive(run), "the trainer to die")
        print(f"kill {number + 1} at step {trainer.status(run).step}", flush=True)
    finish(trainer, run)
    first, second = (
        load_file(folder / n / "adapter.safetensors") for n in ("undisturbed", "killed")
    )
    different = [name for name in first if not torch.equal(first[name], second[name])]
    same = len(first) - len(different)
    besides = f"{same} of {len(first)} tensors equal to the bit"
    return Line("trainer", kills, besides=besides, broken=len(different))


def finish(trainer: TrainerProcess, run: Path) -> None:
    trainer.start(run)
    wait_for(lambda: trainer.status(run).state == "done", f"{run.name} to end", 600)


if __name__ == "__main__":
    main()
