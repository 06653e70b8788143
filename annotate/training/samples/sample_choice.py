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
    """Choose two prompts that people voted on, and two of those that nobody labels."""
    voted = voted_prompts(snapshot)
    plain = [text for text in unseen if not any(mark in text for mark in VARIATIONS)]
    others = [text for text in plain if text not in set(voted)]
    return [
        *(as_sample(text, True) for text in chosen(voted)),
        *(as_sample(text, False) for text in chosen(others)),
    ]


def voted_prompts(snapshot: Path) -> list[str]:
    """Return the prompts of a snapshot's preferences, each once."""
    prompts: dict[str, None] = {}
    with (snapshot / PAIRS).open(encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            # Brackets that the images were made with as characters would be read as weights.
            if row.get("kind") in LEARNED and not row.get("plain"):
                prompts[row["prompt"]] = None
    return list(prompts)


def chosen(prompts: Sequence[str]) -> list[str]:
    """Return the first prompts by their hash."""
    return sorted(set(prompts), key=digest)[:PER_KIND]


def as_sample(prompt: str, voted: bool) -> SamplePrompt:
    """Return a prompt with the seed that its text gives it, in every run the same."""
    return {"prompt": prompt, "seed": int(digest(prompt)[:8], 16), "voted": voted}


def digest(prompt: str) -> str:
    """Return the hash by which prompts are chosen, apart from those of other choices."""
    return sha256(f"sample {prompt}".encode()).hexdigest()
