"""The prompt that an image program wrote into an image's file, whichever program it was."""

from annotate.image_import.programs import (
    a1111,
    civitai,
    comfyui,
    drawthings,
    easydiffusion,
    fooocus,
    invokeai,
    iptc_caption,
    labelled,
    midjourney,
    mochi,
    novelai,
    others,
    swarmui,
)
from annotate.image_import.programs.layers import layers
from annotate.image_import.programs.reader import UNREADABLE, Fields, NoPrompt, Prompt, Reader

READERS: tuple[Reader, ...] = (
    swarmui.read,
    novelai.read,
    drawthings.read,
    fooocus.read,
    civitai.read,
    invokeai.read,
    easydiffusion.read,
    others.read_services,
    a1111.read,
    comfyui.read,
    mochi.read,
    midjourney.read,
    iptc_caption.read,
    labelled.read,
    others.read,
)
"""In the order in which they are asked, those of the clearest signs first: the first that finds a
prompt is believed. Several services are built on ComfyUI and say in fewer words what was asked for.
"""

GUESSES = (labelled.read, others.read)
"""Readers of what anybody may write: not asked about an object of a program that says no prompt."""


def prompt_in(fields: Fields) -> Prompt | None:
    """Return the prompt in the metadata of an image; None where no program wrote anything.

    Raises NoPrompt where one did, and none of them can tell the prompt, and for metadata that
    cannot be read.
    """
    found = read_fields(fields)
    if found is None and UNREADABLE in fields:
        raise NoPrompt(fields[UNREADABLE])
    return found


def read_fields(fields: Fields) -> Prompt | None:
    """Return the prompt that a program wrote into these fields, as `prompt_in` does.

    What one program wrote and did not tell is not the end: another may have written as well.
    """
    why: NoPrompt | None = None
    opened, silent = layers(fields), set[int]()
    for read in READERS:
        for place, layer in enumerate(opened):
            if read in GUESSES and silent & (layer.around | {place}):
                continue
            try:
                if prompt := read(layer.fields):
                    return prompt
            except NoPrompt as skip:
                why = why or skip
                silent |= {place} if place else set()
    if why is not None:
        raise why
    return None
