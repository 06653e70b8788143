"""Every text in an image file's metadata, by where it stands."""

from typing import Any

from PIL import Image

from annotate.material.heads import EXIF_DETAILS, check_exif
from annotate.material.programs.reader import LONGEST_JSON
from annotate.material.reading import Skip

USER_COMMENT = 0x9286
PNG_EXIF = {"exif", "Raw profile type exif"}


def fields_of(picture: Image.Image) -> dict[str, str]:
    """Return every text of an image's file that may hold a prompt."""
    fields = {
        str(name).lower(): value for name, value in picture.info.items() if isinstance(value, str)
    }
    try:
        exif = exif_of(picture)
        comment = decode_comment(exif.get_ifd(EXIF_DETAILS).get(USER_COMMENT))
        texts = [str(value) for value in exif.values() if isinstance(value, str)]
    except Skip:
        raise
    except Exception:  # Broken EXIF raises all kinds of errors, and the picture is none the worse.
        return fields
    if comment:
        fields["exif:usercomment"] = comment
    for text in texts:
        name, _, rest = text.partition(":")
        if name.lower() in ("prompt", "workflow"):
            fields.setdefault(name.lower(), rest)
    return fields


def exif_of(picture: Image.Image) -> Image.Exif:
    """Return a picture's EXIF, empty without any; raises Skip for EXIF that would fill the memory.

    Broken EXIF raises all kinds of errors.
    """
    if not has_exif(picture):
        return Image.Exif()
    raw, profile = picture.info.get("exif"), picture.info.get("Raw profile type exif")
    if raw is None and isinstance(profile, str):
        raw = bytes.fromhex("".join(profile.split("\n")[3:]))
    check_exif(raw or b"")
    return picture.getexif()


def has_exif(picture: Image.Image) -> bool:
    """Whether a picture may hold EXIF; a PNG says so up front, or else would have to be decoded."""
    return picture.format != "PNG" or bool(PNG_EXIF & picture.info.keys())


def decode_comment(raw: Any) -> str:
    """Return an EXIF UserComment as text: eight letters name its code, then it follows."""
    if isinstance(raw, str):
        return raw
    if not isinstance(raw, bytes):
        return ""
    code, content = raw[:8].rstrip(b"\x00 "), raw[8:LONGEST_JSON]
    if code != b"UNICODE":
        return (content if code in (b"ASCII", b"JIS", b"") else raw).decode("utf-8", "replace")
    # The standard leaves the order of bytes open; text of any script has its zeros on one side.
    big = content[0::2].count(0) >= content[1::2].count(0)
    return content.decode("utf-16-be" if big else "utf-16-le", "replace").strip("\x00")
