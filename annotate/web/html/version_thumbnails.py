"""Small images of versions, beside their names."""

from collections.abc import Sequence
from html import escape

from annotate.versions.naming import VersionTitles
from annotate.web.image_response import SMALL


def thumbnails(urls: Sequence[str], most: int = 4) -> str:
    """Return small images, which a name beside them describes; empty without any."""
    images = "".join(
        f'<img src="{escape(url, quote=True)}?side={SMALL}" alt="" loading="lazy">'
        for url in urls[:most]
    )
    return f'<span class="thumbnails" aria-hidden="true">{images}</span>' if images else ""


def compared(columns: Sequence[str], titles: VersionTitles) -> str:
    """Return the chosen columns of a comparison that are versions, each with its images."""
    faces = [
        f"<figure>{thumbnails(urls)}<figcaption>{escape(titles.of(column))}</figcaption></figure>"
        for column in columns
        if (urls := titles.images(column))
    ]
    return f'<div class="compared">{"".join(faces)}</div>' if faces else ""
