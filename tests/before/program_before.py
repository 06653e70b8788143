"""A program as it was written before the rooms: one call of every endpoint, in the old words."""

from __future__ import annotations

import time
import uuid
from pathlib import Path
from typing import Any

from gradio_client import Client
from PIL import Image


def call_everything(url: str, folder: Path) -> dict[str, Any]:
    """Call every endpoint that there was once, and return each one's first answer."""
    client, answers = Client(url, verbose=False), {}

    def call(name: str, *arguments: Any) -> Any:
        answer = client.predict(*arguments, api_name=name)
        answers.setdefault(name, answer)
        return answer

    def wait(name: str, *arguments: Any, key: str = "wait_s") -> Any:
        deadline = time.monotonic() + 60
        while key in (answer := client.predict(*arguments, api_name=name)):
            assert time.monotonic() < deadline, answer
            time.sleep(0.1)
        return call(name, *arguments)

    def vote(verdict: str = "left") -> str:
        pair, key = wait("/next_pair", "ada"), uuid.uuid4().hex
        call("/vote", pair["pair_id"], verdict, "ada", key)
        return key

    def tuned() -> str:
        run = call("/fine_tune", {"steps": 2})["run_id"]
        deadline = time.monotonic() + 60
        while (status := client.predict(run, api_name="/run_status"))["state"] != "done":
            assert time.monotonic() < deadline and status["state"] != "failed", status
            time.sleep(0.1)
        call("/run_status", run)
        return str(status["version"])

    keys = [vote() for _ in range(4)]
    call("/remark", keys[-1], "strength", "", "2", "ada", uuid.uuid4().hex)
    call("/undo", "ada")
    call("/undo", "ada")
    quad = wait("/next_quad", "ada")
    call("/rank", quad["pair_id"], 0, 3, "ada", uuid.uuid4().hex)
    pair = wait("/next_pair", "ada")
    call("/report_pair", pair["pair_id"], "blurred", "ada", uuid.uuid4().hex)
    report = call("/reports")[0]["report"]
    call("/decide_report", report, "shown")
    call("/project")
    call("/change_project", ["blurred"], ["colors"], 1)
    call("/stats")
    call("/retry_model")
    call("/mark_known", pair["pair_id"], "left")
    call("/mark_known", pair["pair_id"], "")
    first = tuned()
    for name in ("/cancel_run", "/resume_run"):
        try:
            call(name, "r0001")
        except Exception as error:  # a run that is done is refused, in a sentence
            answers[name] = str(error)
    call("/versions")
    call("/activate", first)
    call("/activate_anyway", "base")
    call("/rename_version", first, "mine")
    call("/note_version", first, "a note")
    call("/compare", "a cat", 1, "base", first)
    call("/compare_many", ["a cat", "a dog"], [1, 2], "base", f"{first}@0.5")
    subjects = [f"a heron, number {number}" for number in range(4)]
    trial = call("/start_trial", "base", first, subjects)["trial"]
    pair = wait("/trial_pair", "ada", trial)
    call("/vote", pair["pair_id"], "left", "ada", uuid.uuid4().hex)
    call("/trials")
    call("/end_trial", trial)
    call("/report_trial", trial)
    call("/export_version", first, "diffusers")
    call("/insights")
    call("/own_votes", "ada")
    exclusion = call("/exclude_votes", "ada", "a try")[0]["exclusion"]
    call("/lift_exclusion", exclusion)
    call("/add_prompts", ["a yak"])
    (folder / "a yak").mkdir(parents=True)
    for number in range(2):
        Image.effect_noise((64, 64), 40 + 40 * number).save(folder / "a yak" / f"{number}.png")
    call("/look_at_folder", str(folder))
    call("/import_images", str(folder))
    call("/delete_version", tuned())
    return answers


def shape(answer: Any) -> Any:
    """The names in an answer: its keys, or those of the first of a list; else its type."""
    if isinstance(answer, dict):
        return sorted(answer)
    if isinstance(answer, list):
        return [shape(answer[0])] if answer else []
    return type(answer).__name__
