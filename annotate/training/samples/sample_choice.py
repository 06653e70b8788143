"""Choice of the prompts that a run renders before, during and after training.

By a hash of their texts alone, so that no result and no person can choose them, and so that runs
mostly share them: what the base makes of a prompt is then rendered once.
"""

import json
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path

from align.contracts.run_samples import SamplePrompt
from align.contracts.snapshot_files import PAIRS

PER_KIND = 2
"""Prompts with votes, and as many that nobody labels."""
LEARNED = ("preference", "ranking")
"""Kinds of rows that runs learn from."""
VARIATIONS = ("{", "__")
"""Marks of prompts that stand for several: none of them is an image's."""


def sample_prompts(snapshot: Path, unseen: Iterable[str]) -> list[SamplePrompt]:
    """Choose two prompts that people voted on, and two of those that nobody labels.

    Those of votes that came in from files are chosen only where too few were given here.
    """
    prompts = voted_prompts(snapshot)
    voted = chosen([text for text, here in prompts.items() if here])
    brought = chosen([text for text, here in prompts.items() if not here])
    plain = [text for text in unseen if not any(mark in text for mark in VARIATIONS)]
    others = [text for text in plain if text not in prompts]
    return [
        *(as_sample(text, True) for text in voted),
        *(as_brought(text) for text in brought[: PER_KIND - len(voted)]),
        *(as_sample(text, False) for text in chosen(others)),
    ]


def voted_prompts(snapshot: Path) -> dict[str, bool]:
    """Return the prompts of a snapshot's preferences, and whether one of them was given here."""
    prompts: dict[str, bool] = {}
    with (snapshot / PAIRS).open(encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            # Brackets that the images were made with as characters would be read as weights.
            if row.get("kind") in LEARNED and not row.get("plain"):
                here = not row.get("source")
                prompts[row["prompt"]] = here or prompts.get(row["prompt"], False)
    return prompts


def chosen(prompts: Sequence[str]) -> list[str]:
    """Return the first prompts by their hash."""
    return sorted(set(prompts), key=digest)[:PER_KIND]


def as_sample(prompt: str, voted: bool) -> SamplePrompt:
    """Return a prompt with the seed that its text gives it, in every run the same."""
    return {"prompt": prompt, "seed": int(digest(prompt)[:8], 16), "voted": voted}


def as_brought(prompt: str) -> SamplePrompt:
    """Return a prompt whose votes came in from files."""
    return {**as_sample(prompt, True), "brought": True}


def digest(prompt: str) -> str:
    """Return the hash by which prompts are chosen, apart from those of other choices."""
    return sha256(f"sample {prompt}".encode()).hexdigest()
