"""Prompt in the metadata of an image, whichever program wrote it."""

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
from annotate.image_import.programs.reader import UNREADABLE, Fields, FoundPrompt, NoPrompt, Reader

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
"""Readers in the order in which they are tried, those with the clearest signs first; the first that
finds a prompt wins. Services built on ComfyUI come before it, since they write the prompt plainly.
"""

GENERIC_READERS = (labelled.read, others.read)
"""Readers of fields that anybody may write; not tried where a program wrote no prompt."""


def prompt_in(fields: Fields) -> FoundPrompt | None:
    """Return the prompt in the metadata of an image; None if no program wrote anything.

    Raises NoPrompt for a program's metadata in which no prompt can be found, and for metadata that
    cannot be read.
    """
    found = read_fields(fields)
    if found is None and UNREADABLE in fields:
        raise NoPrompt(fields[UNREADABLE])
    return found


def read_fields(fields: Fields) -> FoundPrompt | None:
    """Return the prompt that a program wrote into these fields; None if there is none.

    Where one program's metadata holds no prompt, that of another may. Raises NoPrompt.
    """
    first_skip: NoPrompt | None = None
    opened, without_prompt = layers(fields), set[int]()
    for read in READERS:
        for index, layer in enumerate(opened):
            if read in GENERIC_READERS and without_prompt & (layer.around | {index}):
                continue
            try:
                if prompt := read(layer.fields):
                    return prompt
            except NoPrompt as skip:
                first_skip = first_skip or skip
                # Layer 0 is the file itself, in which several programs may have written.
                without_prompt |= {index} if index else set()

    if first_skip is not None:
        raise first_skip
    return None
