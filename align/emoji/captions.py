"""Captions of images, worded as people write prompts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from align.emoji.emoji_images import BACKGROUNDS, EmojiImage
from align.emoji.settings import CaptionSettings
from align.emoji.sources import STYLES


def caption(
    subject: str, style: str | None, background: str | None, *, article: bool, trailing: bool
) -> str:
    """Write a caption: "a 3d cat face on a blue background" or "cat face, 3d, blue background"."""
    parts = [subject]
    if trailing:
        parts += [style] if style else []
        parts += [f"{background} background"] if background else []
        text = ", ".join(parts)
    else:
        text = f"{style} {subject}" if style else subject
        text += f" on a {background} background" if background else ""
    return f"{_article(text)} {text}" if article else text


def sample_caption(
    random: np.random.Generator, image: EmojiImage, background: str, settings: CaptionSettings
) -> str:
    """Sample a caption that names subject or tag and, by chance, style and background."""
    by_tag, style, in_front, article, trailing = random.random(5)
    subject = image.label
    if image.tags and by_tag < settings.tag:
        subject = image.tags[int(random.integers(len(image.tags)))]
    return caption(
        subject,
        image.style if style < settings.style else None,
        background if in_front < settings.background else None,
        article=bool(article < settings.article),
        trailing=bool(trailing < settings.trailing),
    )


def all_captions(images: Sequence[EmojiImage]) -> Iterator[str]:
    """Yield a caption of every subject and tag, with a style and a background, for a vocabulary."""
    styles, backgrounds = list(STYLES), list(BACKGROUNDS)
    for number, image in enumerate(images):
        background = backgrounds[number % len(backgrounds)]
        for subject in (image.label, *image.tags):
            style = styles[number % len(styles)]
            yield caption(subject, style, background, article=True, trailing=False)


def _article(text: str) -> str:
    return "an" if text[0] in "aeiou" else "a"
