"""Runs that end at once, with images of before and after as a trainer writes them."""

import json
from pathlib import Path
from typing import Any

from PIL import Image
from places import Place

from align.contracts.run_samples import image_name

PROMPTS = (("a cat", True), ("a dog", True), ("the sea", False), ("a lamp", False))
STEPS = 60
"""A run of a second: time to write its samples."""
HELPED = {"held_out": {"pairs": 30, "accuracy": 0.8, "helped": True}, "movement": 0.12}


def run_to_its_end(place: Place, result: dict[str, Any]) -> str:
    """Let a run end with a result and samples, and return its id."""
    run_id = str(place.studio.fine_tune({"steps": STEPS, "result": result})["run_id"])
    write_samples(place.store.run_dir(run_id))
    place.reach(run_id, "done")
    return run_id


def write_samples(run_dir: Path) -> None:
    """Write images of before and after into a run's folder."""
    (run_dir / "samples").mkdir()
    stages = []
    for share, color in ((0.0, "steelblue"), (1.0, "orange")):
        names = [image_name(share, place) for place in range(len(PROMPTS))]
        for name in names:
            Image.new("RGB", (64, 64), color).save(run_dir / name)
        stages.append({"step": round(share * STEPS), "share": share, "images": names})
    prompts = [{"prompt": text, "seed": 7, "voted": voted} for text, voted in PROMPTS]
    samples = {"prompts": prompts, "stages": stages}
    (run_dir / "samples.json").write_text(json.dumps(samples), encoding="utf-8")
