"""The prompt that an image program wrote into a picture's file, whichever program it was."""

from PIL import Image

from annotate.material.fields import fields_of
from annotate.material.programs import a1111, comfyui, invokeai
from annotate.material.programs.reader import UNREADABLE, Fields, NoPrompt, Prompt, Reader

READERS: tuple[Reader, ...] = (a1111.read, comfyui.read, invokeai.read)
"""In the order in which they are asked: the first that finds a prompt is believed."""


def embedded_prompt(picture: Image.Image) -> Prompt | None:
    """Return the prompt that a picture carries; None where no program wrote anything.

    Raises NoPrompt where one did, and none of them can tell the prompt, and for metadata that
    cannot be read.
    """
    fields = fields_of(picture)
    found = read_fields(fields)
    if found is None and UNREADABLE in fields:
        raise NoPrompt(fields[UNREADABLE])
    return found


def read_fields(fields: Fields) -> Prompt | None:
    """Return the prompt that a program wrote into these fields, as `embedded_prompt` does."""
    return next(filter(None, (read(fields) for read in READERS)), None)
