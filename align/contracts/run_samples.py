"""Samples of a run: a few fixed prompts, rendered while it trains; samples.json holds them.

The images lie in the folder `samples` of the run folder. Prompts and seeds are chosen before the
run begins, so that no result can decide which images people see.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NotRequired, TypedDict, cast

SAMPLES_FILE = "samples.json"
"""Its name in the run folder."""
SAMPLES_FOLDER = "samples"
"""Folder of the images in the run folder."""
STAGES = (0.25, 0.5, 0.75)
"""Shares of a run's steps after which its prompts are rendered, besides before it and at its end.
"""


class SamplePrompt(TypedDict):
    """A prompt that a run renders while it trains, with its seed."""

    prompt: str
    seed: int
    voted: bool
    """True where the run learns from votes on images of this prompt, False where nobody labels it.
    """
    brought: NotRequired[bool]
    """True where these votes came in from files, and nobody gave one here."""


class SampleStage(TypedDict):
    """The images of one moment of a run."""

    step: int
    """Steps taken by then; at the end the step whose adapter is kept."""
    share: float
    """Share of the run's steps: 0 is the base before the first step, 1 the version it made."""
    images: list[str]
    """Paths in the run folder, one for each prompt."""
    seconds: float
    """What rendering them took; 0 where an earlier run had rendered them."""


class RunSamples(TypedDict):
    """samples.json of a run folder."""

    prompts: list[SamplePrompt]
    stages: list[SampleStage]
    """By share, those that were left out for lack of time or memory missing."""


def image_name(share: float, prompt: int) -> str:
    """Return the path of an image in the run folder, such as samples/025-0.png."""
    return f"{SAMPLES_FOLDER}/{round(100 * share):03d}-{prompt}.png"


def no_samples() -> RunSamples:
    """Return what a run has that renders no samples."""
    return {"prompts": [], "stages": []}


def as_samples(document: object) -> RunSamples:
    """Check what samples.json holds, and return its prompts and its stages.

    Raises:
        ValueError: a name is missing or of another type.
    """
    try:
        fields = cast(Mapping[str, Any], document)
        stages = [_stage(given) for given in fields["stages"]]
        return {"prompts": as_prompts(fields["prompts"]), "stages": stages}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{SAMPLES_FILE} cannot be used: {error!r}.") from None


def as_prompts(given: Iterable[Mapping[str, Any]]) -> list[SamplePrompt]:
    """Check the prompts of samples; raises KeyError, TypeError or ValueError."""
    return [_prompt(each) for each in given]


def _prompt(given: Mapping[str, Any]) -> SamplePrompt:
    prompt: SamplePrompt = {
        "prompt": str(given["prompt"]),
        "seed": int(given["seed"]),
        "voted": bool(given["voted"]),
    }
    if given.get("brought"):
        prompt["brought"] = True
    return prompt


def _stage(given: Mapping[str, Any]) -> SampleStage:
    images = [str(image) for image in given["images"]]
    return {
        "step": int(given["step"]),
        "share": float(given["share"]),
        "images": images,
        "seconds": float(given.get("seconds", 0.0)),
    }
