"""A trainer's process without a model: keeps the run folder's contract, step by step."""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import psutil

STEP_S = 0.02


def publish(folder: Path, state: str, step: int, steps: int, **more: Any) -> None:
    """Write status.json in one move."""
    status = {
        "state": state,
        "step": step,
        "steps": steps,
        "pid": os.getpid(),
        "pid_started": psutil.Process().create_time(),
        **more,
    }
    scratch = folder / f"status.{os.getpid()}.tmp"
    scratch.write_text(json.dumps(status), encoding="utf-8")
    os.replace(scratch, folder / "status.json")


def await_announcement(folder: Path) -> None:
    """Wait until the starter has written this process's id."""
    path = folder / "status.json"
    while not path.exists() or json.loads(path.read_text("utf-8"))["pid"] != os.getpid():
        time.sleep(STEP_S)


def stored_step(folder: Path) -> int:
    """Return the step at which a run that was paused goes on."""
    return len((folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()) + 1


def main(folder: Path) -> None:
    """Step until the end, a cancellation or the failure that was asked for."""
    await_announcement(folder)
    settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))["settings"]
    steps = int(settings.get("steps", 3))
    with (folder / "starts.txt").open("a", encoding="utf-8") as starts:
        starts.write(f"{os.getpid()}\n")
    first = stored_step(folder) if (folder / "metrics.jsonl").exists() else 1
    for step in range(first, steps + 1):
        publish(folder, "running", step, steps, phase="training")
        if (folder / "cancel").exists():
            return publish(folder, "cancelled", step, steps)
        if (folder / "pause").exists() and step > first:
            return publish(folder, "paused", step, steps)
        if settings.get("fail_at") == step:
            return publish(folder, "failed", step, steps, error="The loss is no longer a number.")
        with (folder / "metrics.jsonl").open("a", encoding="utf-8") as metrics:
            metrics.write(json.dumps({"step": step, "loss": 0.7, "rewards/accuracies": 0.5}) + "\n")
        time.sleep(STEP_S)
    (folder / "adapter.safetensors").write_bytes(folder.name.encode())
    result = settings.get("result", {"held_out": {"helped": True}})
    publish(folder, "done", steps, steps, result=result)
    return None


if __name__ == "__main__":
    main(Path(sys.argv[1]))
