"""Titles of versions: the name that a person gave, with the number."""

import re
from collections.abc import Callable, Iterable, Sequence

from annotate.views.model_versions import ListedVersion
from storage.records import Version

NUMBER = re.compile(r"\b(?:base|v[1-9][0-9]{0,8})\b")


def version_title(version: ListedVersion | Version) -> str:
    """Return a version's name and number, "warm colors (v2)"; the number alone without a name."""
    if isinstance(version, Version):
        return titled(version.version, version.name)
    return titled(version["version"], version["name"])


def titled(number: str, name: str) -> str:
    """Return the title of a version with this number and this name, which may be empty."""
    return f"{name} ({number})" if name else number


def no_images(number: str) -> Sequence[str]:
    """Return the URLs of no image."""
    return ()


class VersionTitles:
    """What people know the versions of a model by, from their numbers: titles, and images."""

    def __init__(
        self,
        versions: Iterable[ListedVersion | Version] = (),
        images: Callable[[str], Sequence[str]] = no_images,
    ) -> None:
        """Take the versions; `images` returns URLs of images by the number of a version."""
        self._titles = {_number(version): version_title(version) for version in versions}
        self._images = images

    def of(self, number: str) -> str:
        """Return the title of a version; the number itself where it is not known."""
        return self._titles.get(number, number)

    def images(self, number: str) -> Sequence[str]:
        """Return URLs of a few images of a version; none where it is not known."""
        return self._images(number) if number in self._titles else ()

    def within(self, text: str) -> str:
        """Return a text with titles for the numbers in it, such as the mix v1@0.5+v2@0.5."""
        return NUMBER.sub(lambda match: self.of(match[0]), text)

    def choices(self, texts: Iterable[str]) -> list[tuple[str, str]]:
        """Return choices of a list to pick from: what is shown of each text, and the text."""
        return [(self.within(text), text) for text in texts]


UNTITLED = VersionTitles()
"""Titles where nobody has named a version."""


def _number(version: ListedVersion | Version) -> str:
    return version.version if isinstance(version, Version) else version["version"]
