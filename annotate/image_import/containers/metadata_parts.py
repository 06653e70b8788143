"""What a container gives of its texts, before anybody decodes them."""

from dataclasses import dataclass, field

from annotate.image_import.programs.reader import MAX_JSON_LENGTH

MAX_TEXT = 2 * MAX_JSON_LENGTH
"""Bytes of all texts of a file: a graph as it was sent and as it was drawn."""

XMP_MARK = b"http://ns.adobe.com/xap/1.0/\0"
TEXTS_LONG = "its metadata is larger than an image's"
TEXTS_BROKEN = "a text in its metadata cannot be read"
EXIF_BROKEN = "its EXIF cannot be read"
XMP_BROKEN = "its XMP cannot be read"
ENCODING_UNKNOWN = "a text in its metadata is in an unknown encoding"
HIDDEN_BROKEN = "the text hidden in its pixels cannot be read"


@dataclass(slots=True)
class MetadataParts:
    """The metadata of one file."""

    texts: dict[str, str] = field(default_factory=dict)
    """By the name of the field."""
    exif: list[bytes] = field(default_factory=list)
    """Each begins anew: a file that was edited may have several."""
    xmp: bytes = b""
    iptc: bytes = b""
    """Photoshop's resources, or the records in them."""
    unreadable: str = ""
    """Why some of it cannot be read; nothing where all of it can."""
    room: int = MAX_TEXT
    """Bytes that may still be decoded."""

    def take(self, size: int) -> bool:
        """Use up room for a text of so many bytes; false, with a reason, where there is none."""
        if size > self.room:
            self.unreadable = TEXTS_LONG
            return False
        self.room -= size
        return True
