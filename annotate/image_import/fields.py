"""Every text in an image file's metadata, by where it stands."""

import io
from typing import BinaryIO

from PIL import Image

from annotate.image_import.containers.exif import MOST_SEVERAL, add_exif
from annotate.image_import.containers.iptc import add_iptc
from annotate.image_import.containers.jpeg import parts_of_jpeg
from annotate.image_import.containers.metadata_parts import Parts
from annotate.image_import.containers.png import parts_of_png
from annotate.image_import.containers.stealth import add_hidden
from annotate.image_import.containers.webp import parts_of_webp
from annotate.image_import.containers.xmp import add_xmp
from annotate.image_import.header_checks import check_exif
from annotate.image_import.programs.reader import UNREADABLE, Fields

PNG_EXIF = {"exif", "Raw profile type exif"}


def fields_of(image: Image.Image) -> Fields:
    """Return every text of an image's file that may hold a prompt.

    Under `unreadable` stands why some of them cannot be read. Raises SkippedFile for EXIF that
    would fill the memory.
    """
    content = content_of(image)
    parts = parts_of(image, content)
    for exif in parts.exif[:MOST_SEVERAL]:
        check_exif(exif)
    add_exif(parts)
    add_xmp(parts)
    add_iptc(parts)
    if image.format == "PNG":
        add_hidden(parts, image, content)
    return parts.texts | ({UNREADABLE: parts.unreadable} if parts.unreadable else {})


def parts_of(image: Image.Image, content: bytes) -> Parts:
    """Return the metadata of an image's file as its container has it."""
    if image.format == "PNG":
        return parts_of_png(content)
    return parts_of_webp(content) if image.format == "WEBP" else parts_of_jpeg(content)


def content_of(image: Image.Image) -> bytes:
    """Return the bytes of an image's file, which its decoder goes on reading where it was."""
    file: BinaryIO | None = getattr(image, "fp", None)
    if isinstance(file, io.BytesIO):
        return file.getvalue()
    if file is None:
        return b""
    place = file.tell()
    file.seek(0)
    content = file.read()
    file.seek(place)
    return content


def exif_of(image: Image.Image) -> Image.Exif:
    """Return an image's EXIF, empty without any.

    Raises SkippedFile for EXIF that would fill the memory. Broken EXIF raises all kinds of errors.
    """
    if not has_exif(image):
        return Image.Exif()
    raw, profile = image.info.get("exif"), image.info.get("Raw profile type exif")
    if raw is None and isinstance(profile, str):
        # Pillow would decode the whole image first, and close its file.
        raw = bytes.fromhex("".join(profile.split("\n")[3:]))
        check_exif(raw)
        exif = Image.Exif()
        exif.load(raw)
        return exif
    check_exif(raw or b"")
    return image.getexif()


def has_exif(image: Image.Image) -> bool:
    """Whether an image may hold EXIF; a PNG says so up front, or else would have to be decoded."""
    return image.format != "PNG" or bool(PNG_EXIF & image.info.keys())
