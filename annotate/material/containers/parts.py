"""What a container gives of its texts, before anybody decodes them."""

from dataclasses import dataclass, field

XMP_MARK = b"http://ns.adobe.com/xap/1.0/\0"
TEXTS_LONG = "its texts are longer than an image's are"
TEXTS_BROKEN = "a text in its metadata is damaged"
EXIF_BROKEN = "its EXIF is damaged"
XMP_BROKEN = "its XMP is damaged"
ENCODING_UNKNOWN = "a text in its metadata is in an unknown encoding"
HIDDEN_BROKEN = "the text hidden in its pixels is damaged"


@dataclass(slots=True)
class Parts:
    """The metadata of one file."""

    texts: dict[str, str] = field(default_factory=dict)
    """By the name of the field."""
    exif: bytes = b""
    xmp: bytes = b""
    iptc: bytes = b""
    """Photoshop's resources, or the records in them."""
    unreadable: str = ""
    """Why some of it cannot be read; nothing where all of it can."""
