"""Validation of a look: each wrong value is refused with a sentence that says what would do."""

import math
import re
from collections.abc import Collection, Mapping
from typing import Any

from align.contracts.image_sizes import LATENT_PIXEL
from align.contracts.solvers import find_solver, solver_problem
from annotate.errors import InvalidRequest
from annotate.rendering.look import Look, Size
from annotate.rendering.prompts.prompt_variations import has_variations
from annotate.wording import quantity
from storage.text import has_controls

MAX_STEPS, MAX_GUIDANCE = 150, 30.0
MAX_SIZES, MAX_LORAS = 40, 8
MAX_PROMPT, MAX_AFFIX = 2_000, 500
"""Characters of the negative prompt, and of the prefix and the suffix."""
MAX_WEIGHT = 2.0
"""The strongest a LoRA is added, in either direction."""
MAX_AREA_FACTOR, MAX_ASPECT = 4.0, 4.0
SIZE = re.compile(r"\s*(\d{1,5})\s*[xX×*]\s*(\d{1,5})\s*")
LORA_WEIGHT = re.compile(r"[-+]?(?:\d+(?:[.,]\d+)?|[.,]\d+)")
LoraGiven = tuple[str, float]
"""A file as somebody named it, and a weight."""


def as_steps(value: object) -> int:
    """Return a number of denoising steps."""
    return _whole(value, "The steps", 1, MAX_STEPS)


def as_clip_skip(value: object, most: int) -> int:
    """Return a number of layers as A1111 counts them, `most` where the encoders have no more."""
    return _whole(value, "Clip skip of this model", 1, most)


def as_guidance(value: object) -> float:
    """Return a guidance scale; 1 is none."""
    number = _number(value)
    if number is None or not 0 <= number <= MAX_GUIDANCE:
        raise InvalidRequest(
            f"The guidance must be a number from 0 to {MAX_GUIDANCE:g}, not {value!r}; 1 is none, "
            "and 4 to 8 is usual."
        )
    return number


def as_negative_prompt(value: object) -> str:
    """Return a negative prompt, which may be empty."""
    return _fixed(value, "The negative prompt", MAX_PROMPT)


def as_prefix(value: object) -> str:
    """Return a text to put before every prompt."""
    return _fixed(value, "The prefix", MAX_AFFIX)


def as_suffix(value: object) -> str:
    """Return a text to put after every prompt."""
    return _fixed(value, "The suffix", MAX_AFFIX)


def as_scheduler(value: object, own: str, schedule: str) -> str:
    """Return a sampler's name as the table spells it, or the model's own class of diffusers.

    `schedule` is the kind of the model's noise schedule.
    """
    name = _text(value, "The sampler", MAX_AFFIX)
    if not name or name == own:
        return own
    solver, problem = find_solver(name), solver_problem(name, schedule)
    if solver is None or problem:
        raise InvalidRequest(problem or f"{name!r} is another model's. Choose {own!r}.")
    return solver.name


def as_sizes(value: object, own: Size) -> tuple[Size, ...]:
    """Return sizes from a list of texts such as "832 x 1216", or of pairs of numbers."""
    given = re.split(r"[,;\n]", value) if isinstance(value, str) else value
    if not isinstance(given, list | tuple):
        raise InvalidRequest(f"Send the sizes as a list such as ['{name_of(own)}'], not {value!r}.")
    sizes = [as_size(each, own) for each in given if each not in ("", " ")]
    if not sizes:
        raise InvalidRequest(f"Choose at least one size, such as {name_of(own)}.")
    unique = tuple(dict.fromkeys(sizes))
    if len(unique) > MAX_SIZES:
        raise InvalidRequest(f"{len(unique)} sizes are too many; {MAX_SIZES} are possible.")
    return unique


def as_size(value: object, own: Size) -> Size:
    """Return a size that the model can render: of about its own area, in whole latent pixels."""
    width, height = _sides(value, own)
    step = LATENT_PIXEL
    if width % step or height % step or not width or not height:
        near = tuple(max(step, round(side / step) * step) for side in (width, height))
        raise InvalidRequest(
            f"{width} x {height} cannot be a size: its sides must be multiples of {step} "
            f"pixels. Take {near[0]} x {near[1]}, or one of SDXL's own in the list."
        )

    area, aspect = width * height / (own[0] * own[1]), max(width / height, height / width)
    if not 1 / MAX_AREA_FACTOR <= area <= MAX_AREA_FACTOR or aspect > MAX_ASPECT:
        raise InvalidRequest(
            f"{width} x {height} is too far from what this model was made for, {name_of(own)}: its "
            f"area may be {MAX_AREA_FACTOR:g} times smaller or larger, and one side up to "
            f"{MAX_ASPECT:g} times the other. Take one of SDXL's sizes in the list."
        )
    return width, height


def as_loras(value: object) -> list[LoraGiven]:
    """Return LoRA files with weights, from a list, or from a text with one a line.

    A line is a path, or a name of the list, and a weight after it unless that is 1.
    """
    given = value.splitlines() if isinstance(value, str) else value
    if not isinstance(given, list | tuple):
        raise InvalidRequest(
            'Send the LoRAs as a list such as [{"file": "detail.safetensors", "weight": 0.8}].'
        )
    loras = [
        as_lora(each) for each in given if each and (not isinstance(each, str) or each.strip())
    ]
    if len(loras) > MAX_LORAS:
        raise InvalidRequest(
            f"{quantity(len(loras), 'LoRA')} are too many; {MAX_LORAS} can be used."
        )
    return loras


def as_lora(value: object) -> LoraGiven:
    """Return a file and its weight."""
    file, weight = _lora_parts(value)
    number = _number(weight)
    if not isinstance(file, str) or not file.strip():
        raise InvalidRequest(f"A LoRA must name its file, and {value!r} names none.")
    if number is None or not -MAX_WEIGHT <= number <= MAX_WEIGHT or number == 0:
        raise InvalidRequest(
            f"The weight of {file.strip()} must be from -{MAX_WEIGHT:g} to {MAX_WEIGHT:g} and not "
            f"0, not {weight!r}. Leave the LoRA out, or write a weight such as 0.8."
        )
    return file.strip().strip("\"'"), number


def refuse_unknown(given: Mapping[str, Any], known: Collection[str]) -> None:
    """Raise InvalidRequest for a setting that no look has."""
    if unknown := sorted(map(str, given.keys() - set(known))):
        raise InvalidRequest(
            f"{unknown[0]!r} is no setting of a look. Known ones: {', '.join(known)}."
        )


def name_of(size: Size) -> str:
    """Return a size as people write it."""
    return f"{size[0]} x {size[1]}"


def names_of(look: Look) -> list[str]:
    """Return the sizes of a look as people write them."""
    return [name_of(size) for size in look.sizes]


def _sides(value: object, own: Size) -> Size:
    if isinstance(value, str) and (match := SIZE.fullmatch(value)):
        return int(match[1]), int(match[2])
    if isinstance(value, list | tuple) and len(value) == 2:
        sides = [_number(side) for side in value]
        if all(side is not None and side == int(side) and 0 < side < 1e5 for side in sides):
            return int(sides[0] or 0), int(sides[1] or 0)
    raise InvalidRequest(f"A size is width x height in pixels, such as {name_of(own)}: {value!r}.")


def _lora_parts(value: object) -> tuple[object, object]:
    if isinstance(value, str):
        parts = value.strip().rsplit(None, 1)
        if len(parts) == 2 and LORA_WEIGHT.fullmatch(parts[1]):
            return parts[0], parts[1]
        return value.strip(), "1"
    if isinstance(value, Mapping):
        return value.get("file"), value.get("weight", 1.0)
    if isinstance(value, list | tuple) and len(value) == 2:
        return value[0], value[1]
    return value, 1.0


def _whole(value: object, name: str, low: int, high: int) -> int:
    number = _number(value)
    if number is None or number != int(number) or not low <= number <= high:
        raise InvalidRequest(f"{name} must be a whole number from {low} to {high}, not {value!r}.")
    return int(number)


def _number(value: object) -> float | None:
    """Return a finite number, also of a text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value.replace(",", ".") if isinstance(value, str) else value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _fixed(value: object, name: str, longest: int) -> str:
    """Return a text that is the same for every image."""
    text = _text(value, name, longest)
    if has_variations(text):
        raise InvalidRequest(
            f"{name} holds a variation, such as {{a|b}} or __file__, and variations are chosen in "
            "prompts alone. Write it into the prompts, or take the braces and underscores out."
        )
    return text


def _text(value: object, name: str, longest: int) -> str:
    if not isinstance(value, str):
        raise InvalidRequest(f"{name} must be a text, not {value!r}.")
    # A text field of the page may hold several lines; a prompt is one.
    text = " ".join(value.split())
    if len(text) > longest:
        raise InvalidRequest(
            f"{name} has {len(text):,} characters, and it may have {longest:,}. Shorten it."
        )
    if has_controls(text):
        raise InvalidRequest(f"{name} holds control characters. Write it as plain text.")
    return text
