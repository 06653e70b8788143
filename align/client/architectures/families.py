"""The table of architectures, in the order in which they are recognized."""

from __future__ import annotations

from align.client.architectures import image_transformers as image
from align.client.architectures import other_transformers as other
from align.client.architectures.architecture import Architecture
from align.client.architectures.unets import CASCADE, UNETS

TRANSFORMERS: tuple[Architecture, ...] = (
    # Later ones share names with earlier ones, which have more of their own.
    *(CASCADE, other.AUDIO, image.HIDREAM, image.AURAFLOW, image.SD_35_LARGE, image.SD_3),
    *(image.KREA, image.IDEOGRAM, image.QWEN_IMAGE, image.CHROMA, image.FLUX_2),
    *(image.HUNYUAN_IMAGE, other.HUNYUAN_VIDEO, image.OVIS, image.LONGCAT, image.SCHNELL),
    *(image.FLUX, image.OMNIGEN, image.PRX),
    *(image.Z_IMAGE, image.LUMINA, other.LANGUAGE_MODEL, image.ANIMA, other.COSMOS, image.SANA),
    *(image.PIXART, image.PIXART_OR_SANA, other.KANDINSKY_5, image.HUNYUAN_DIT, image.COGVIEW),
    *(other.COGVIDEO, other.WAN, other.MOCHI, other.LTX),
)
ARCHITECTURES: tuple[Architecture, ...] = (
    *(family for family in UNETS if family is not CASCADE),
    *TRANSFORMERS,
    # Its notes begin those of three others.
    other.HUNYUAN,
)


def by_pipeline(class_name: str) -> Architecture | None:
    """Return the architecture of a pipeline's class in diffusers; None for an unknown one."""
    starts = (
        (start, family)
        for family in ARCHITECTURES
        for start in family.pipelines
        if class_name.startswith(start)
    )
    # StableDiffusion begins StableDiffusion3 and StableDiffusionXLInpaint, too.
    found = max(starts, key=lambda pair: len(pair[0]), default=None)
    return None if found is None else found[1]


def by_gguf(name: str) -> Architecture | None:
    """Return the architecture that GGUF files call by this name; None for an unknown one."""
    return next((family for family in ARCHITECTURES if name.lower() in family.ggufs), None)
