"""Texts in the metadata of an image file, by the name of their field."""

import io
from typing import BinaryIO

from PIL import Image

from annotate.image_import.containers.exif import MAX_SEVERAL, add_exif
from annotate.image_import.containers.iptc import add_iptc
from annotate.image_import.containers.jpeg import parts_of_jpeg
from annotate.image_import.containers.metadata_parts import MetadataParts
from annotate.image_import.containers.png import parts_of_png
from annotate.image_import.containers.stealth import add_hidden
from annotate.image_import.containers.webp import parts_of_webp
from annotate.image_import.containers.xmp import add_xmp
from annotate.image_import.header_checks import check_exif
from annotate.image_import.programs.reader import UNREADABLE, Fields

PNG_EXIF = {"exif", "Raw profile type exif"}


def fields_of(image: Image.Image) -> Fields:
    """Return every text of an image's file that may hold a prompt.

    The field `unreadable` says why some texts could not be read. Raises SkippedFile for EXIF that
    would fill the memory.
    """
    content = content_of(image)
    parts = parts_of(image, content)
    for exif in parts.exif[:MAX_SEVERAL]:
        check_exif(exif)

    add_exif(parts)
    add_xmp(parts)
    add_iptc(parts)
    if image.format == "PNG":
        add_hidden(parts, image, content)
    return parts.texts | ({UNREADABLE: parts.unreadable} if parts.unreadable else {})


def parts_of(image: Image.Image, content: bytes) -> MetadataParts:
    """Return the raw metadata of an image's file, by its container format."""
    if image.format == "PNG":
        return parts_of_png(content)
    return parts_of_webp(content) if image.format == "WEBP" else parts_of_jpeg(content)


def content_of(image: Image.Image) -> bytes:
    """Return the bytes of an image's file, and leave its decoder's position unchanged."""
    file: BinaryIO | None = getattr(image, "fp", None)
    if isinstance(file, io.BytesIO):
        return file.getvalue()
    if file is None:
        return b""
    position = file.tell()
    file.seek(0)
    content = file.read()
    file.seek(position)
    return content


def exif_of(image: Image.Image) -> Image.Exif:
    """Return an image's EXIF; empty if it has none.

    Raises SkippedFile for EXIF that would fill the memory, and any kind of error for broken EXIF.
    """
    if not has_exif(image):
        return Image.Exif()
    raw, profile = image.info.get("exif"), image.info.get("Raw profile type exif")
    if raw is None and isinstance(profile, str):
        # Pillow would decode the whole image first, and close its file. The profile is hexadecimal
        # text after three lines of its own.
        raw = bytes.fromhex("".join(profile.split("\n")[3:]))
        check_exif(raw)
        exif = Image.Exif()
        exif.load(raw)
        return exif
    check_exif(raw or b"")
    return image.getexif()


def has_exif(image: Image.Image) -> bool:
    """Return whether an image may hold EXIF.

    Of a PNG only what stands before its pixels counts: reading the rest would decode the image.
    """
    return image.format != "PNG" or bool(PNG_EXIF & image.info.keys())
