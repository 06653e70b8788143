"""Sources of the emoji images and their names: npm packages of pinned versions."""

from __future__ import annotations

import base64
import hashlib
import json
import tarfile
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from align.contracts.errors import Unavailable
from align.errors import AlignError
from align.files import replacing

REGISTRY = "https://registry.npmjs.org"
TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Package:
    """One version of an npm package, pinned by the digest of its archive."""

    name: str
    version: str
    sha512: str
    license: str

    @property
    def file(self) -> str:
        """Return the registry's name of the archive."""
        return f"{self.name.split('/')[-1]}-{self.version}.tgz"


NAMES = Package(
    "emojibase-data",
    "17.0.0",
    "Yvgb5AWoHViHV/gq1qr5ZAarcBip+B27/ZLRsUJkbgAEaLlZ/fof9g882LTpmEpyhBNEC0m2SEmItljHsTygjA==",
    "MIT",
)
STYLES = {
    "3d": Package(
        "@lobehub/fluent-emoji-3d",
        "1.1.0",
        "Wlq2lVStTnr8BDpIJ0pEnTKO4LuDxxqTEhTvRtD1DLRF0me7ogeRQjKoehDHXuVJ2Qaecgl5wRBv60lUAG3h7g==",
        "MIT",
    ),
    "flat": Package(
        "@iconify-json/fluent-emoji-flat",
        "1.2.6",
        "RY47RgPb47fYUiyrA64sIOL0+UU02s29sXpNBbIQRBUlPlfNFTKUmZDERGuxDs/7yNGWqQYvuaSYM1M4fRXlUw==",
        "MIT",
    ),
    "cartoon": Package(
        "@iconify-json/noto",
        "1.2.9",
        "DQiuXENbun41ch+XPSV55H9FaWKpHTyz46YIKtSaKYD4fIDDzL1tR6H4np/T38jfrTAeI3rcKF0mqHYeZVAuaw==",
        "Apache-2.0",
    ),
    "simple": Package(
        "@iconify-json/twemoji",
        "1.2.5",
        "uKpuIEV0v6K5BW3Mjdyl+XKFVAbbcPxAgifKvEMtZoUZB5+YiY5zaMm2uNNCxyXzAWU9yNLlj41WU6/mvgALsw==",
        "CC-BY-4.0",
    ),
    "ink": Package(
        "@iconify-json/fluent-emoji-high-contrast",
        "1.2.6",
        "esqhZPpkrF7sNX3NsLoh8KW64okEr/bzko7WNnFP+qTJGAqDPDYjp0925yxuivXy3HtVQB8xhIKu3+Nq1byX5w==",
        "MIT",
    ),
}
"""The style words of the model, and the package whose artwork each stands for. Digests pin the
content, also of archives from a mirror or put there by hand."""


class SourceError(AlignError, Unavailable):
    """A package cannot be downloaded, or is another one than requested."""


def fetch(package: Package, folder: Path, registry: str = REGISTRY) -> Path:
    """Download a package's archive to `folder` unless it is there, check it and return its path.

    Raises:
        SourceError: it cannot be downloaded, or its content is not that of this version.
    """
    path = folder / package.file
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        url = f"{registry.rstrip('/')}/{package.name}/-/{package.file}"
        try:
            with urllib.request.urlopen(url, timeout=TIMEOUT_S) as response:
                content = response.read()
        except OSError as error:
            raise SourceError(
                f"{package.name} {package.version} could not be downloaded ({error}). Check the "
                f"connection, or put {package.file} into {folder.name}/ yourself."
            ) from error
        with replacing(path) as scratch:
            scratch.write_bytes(content)

    # Also an archive that was put there by hand.
    check(package, path)
    return path


def check(package: Package, path: Path) -> None:
    """Refuse an archive that is not the pinned version.

    Raises:
        SourceError: its digest is another one.
    """
    digest = base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()
    if digest != package.sha512:
        raise SourceError(
            f"{path.name} is not {package.name} {package.version}: its digest differs. Delete the "
            "file to download it again."
        )


def read_json_member(archive: Path, name: str) -> Any:
    """Read a JSON file of a package."""
    with tarfile.open(archive) as tar:
        member = tar.extractfile(f"package/{name}")
        if member is None:
            raise SourceError(f"{archive.name} has no {name}.")
        return json.load(member)


def members(archive: Path, suffix: str) -> Iterator[tuple[str, bytes]]:
    """Yield name, without the suffix, and content of each file of a package with this suffix."""
    with tarfile.open(archive) as tar:
        for member in tar:
            name = Path(member.name).name
            content = tar.extractfile(member) if name.endswith(suffix) else None
            if content is not None:
                yield name.removesuffix(suffix), content.read()
