"""Validation of arguments that people and programs send; each refusal is one sentence."""

import json
from collections.abc import Sequence
from typing import Any

from align.contracts.rendering import RenderItem
from annotate.errors import InvalidRequest

DEFAULT_ANNOTATOR = "me"
MAX_NAME_LENGTH = 64
SEEDS = 2**32
MAX_RESPONSE_MS = 24 * 3600 * 1000
MAX_COMPARISONS = 256


def as_annotator(name: object) -> str:
    """Return an annotator's name without spaces around it; "me" for none."""
    if not isinstance(name, str):
        raise InvalidRequest(f"The annotator must be a text, not {name!r}. Send a name.")

    name = name.strip() or DEFAULT_ANNOTATOR
    if len(name) > MAX_NAME_LENGTH:
        raise InvalidRequest(
            f"The annotator's name has {len(name)} characters, and it may have {MAX_NAME_LENGTH}. "
            "Choose a shorter one."
        )
    if not name.isprintable():
        raise InvalidRequest(
            f"The annotator's name {name!r} holds control characters. Use plain text."
        )
    return name


def as_text(value: object, name: str) -> str:
    """Return an argument that must be a text."""
    if not isinstance(value, str):
        raise InvalidRequest(f"{name} must be a text, not {value!r}.")
    return value


def as_numbers(values: object) -> list[int]:
    """Return a list of whole numbers, each once."""
    if not isinstance(values, list | tuple) or not values:
        raise InvalidRequest("Send a list of at least one number.")
    if any(isinstance(value, bool) or not isinstance(value, int) for value in values):
        raise InvalidRequest(f"The numbers must be whole ones, not {list(values)[:5]!r}.")
    return list(dict.fromkeys(values))


def as_seed(seed: object) -> int:
    """Return a seed from 0 to 2**32 - 1."""
    if isinstance(seed, float) and seed.is_integer():
        seed = int(seed)
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < SEEDS:
        raise InvalidRequest(
            f"The seed must be a whole number from 0 to {SEEDS - 1:,}, not {seed!r}."
        )
    return seed


def as_pair_count(count: object, most: int) -> int:
    """Return a number of pairs from 1 to `most`."""
    if isinstance(count, float) and count.is_integer():
        count = int(count)
    if count is None or count == "":
        raise InvalidRequest(f"Say how many pairs: a whole number from 1 to {most:,}.")
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= most:
        raise InvalidRequest(
            f"The number of pairs must be a whole number from 1 to {most:,}, not {count!r}."
        )
    return count


def as_items(prompts: object, seeds: object) -> list[RenderItem]:
    """Return an item for every prompt with every seed, prompt by prompt."""
    if not isinstance(prompts, list | tuple) or not isinstance(seeds, list | tuple):
        raise InvalidRequest("Send the prompts as a list of texts and the seeds as a list.")
    if len(prompts) * len(seeds) > MAX_COMPARISONS:
        asked = f"{len(prompts):,} prompts with {len(seeds):,} seeds"
        raise InvalidRequest(
            f"{asked} would be {len(prompts) * len(seeds):,} comparisons; {MAX_COMPARISONS} at "
            "once are possible. Take fewer prompts or seeds."
        )
    texts: Sequence[str] = [as_text(prompt, "The prompt") for prompt in prompts]
    numbers = [as_seed(seed) for seed in seeds]
    return [RenderItem(text, number) for text in texts for number in numbers]


def as_settings(settings: object) -> dict[str, Any]:
    """Return the settings of a run from an object or its JSON; None or "" means defaults."""
    if isinstance(settings, str):
        try:
            settings = json.loads(settings.strip() or "{}")
        except (ValueError, RecursionError) as error:
            raise InvalidRequest(
                f"The settings are not JSON: {error}. Send {{}} for the defaults."
            ) from None

    if settings is None:
        return {}
    if not isinstance(settings, dict):
        raise InvalidRequest('The settings must be one JSON object, such as {"steps": 200}.')
    return settings


def as_response_ms(response_ms: object) -> int | None:
    """Return a response time in ms; None for an implausible one."""
    if isinstance(response_ms, bool) or not isinstance(response_ms, int):
        return None
    return response_ms if 0 <= response_ms <= MAX_RESPONSE_MS else None
