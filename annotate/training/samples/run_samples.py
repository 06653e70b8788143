"""Samples of a run for the page: its prompts, with the images of each stage."""

import json
import logging
import re
from pathlib import Path

from align.contracts.run_samples import (
    SAMPLES_FILE,
    SAMPLES_FOLDER,
    RunSamples,
    as_samples,
    no_samples,
)
from annotate.views.training import SampleStageView, SampleView

# Names are matched in full, so that no path leaves its folder.
IMAGE_NAME = re.compile(r"[0-9a-z]{1,16}-[0-9]{1,2}\.png")

logger = logging.getLogger(__name__)


def samples_of(run_dir: Path) -> list[SampleView]:
    """Return the samples of a run, one for each prompt; none where it rendered none.

    A stage whose image is gone is left out.
    """
    samples = read_samples(run_dir)
    return [
        {
            "prompt": prompt["prompt"],
            "voted": prompt["voted"],
            "brought": prompt.get("brought", False),
            "seed": prompt["seed"],
            "stages": _stages(run_dir, samples, index),
        }
        for index, prompt in enumerate(samples["prompts"])
    ]


def read_samples(run_dir: Path) -> RunSamples:
    """Return what samples.json of a run folder holds; nothing where there is no usable one."""
    try:
        text = (run_dir / SAMPLES_FILE).read_text(encoding="utf-8")
        return as_samples(json.loads(text))
    except FileNotFoundError:
        return no_samples()
    except (OSError, ValueError):
        # A damaged file must not hide the run.
        logger.exception("the samples of %s cannot be read", run_dir.name)
        return no_samples()


def sample_file(run_dir: Path, name: str) -> Path | None:
    """Return the file of a run's sample by its name; None if there is none."""
    file = run_dir / SAMPLES_FOLDER / name
    return file if IMAGE_NAME.fullmatch(name) and file.is_file() else None


def _stages(run_dir: Path, samples: RunSamples, prompt: int) -> list[SampleStageView]:
    """Return the stages of one prompt, by the share of the run."""
    found: list[SampleStageView] = []
    for stage in sorted(samples["stages"], key=lambda stage: stage["share"]):
        name = Path(stage["images"][prompt]).name if prompt < len(stage["images"]) else ""
        if sample_file(run_dir, name):
            url = f"sample/{run_dir.name}-{name}"
            found.append({"step": stage["step"], "share": stage["share"], "url": url})
    return found
