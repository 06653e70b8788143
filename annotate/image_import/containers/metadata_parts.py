"""Raw metadata of an image file, as its container holds it, and the texts decoded from it."""

from dataclasses import dataclass, field

from annotate.image_import.programs.reader import MAX_JSON_LENGTH

MAX_TEXT_BYTES = 2 * MAX_JSON_LENGTH
"""Bytes of all texts of a file; enough for a ComfyUI graph in both of its forms."""

XMP_MARK = b"http://ns.adobe.com/xap/1.0/\0"
TEXTS_LONG = "its metadata is larger than an image's"
TEXTS_BROKEN = "a text in its metadata cannot be read"
EXIF_BROKEN = "its EXIF cannot be read"
XMP_BROKEN = "its XMP cannot be read"
ENCODING_UNKNOWN = "a text in its metadata is in an unknown encoding"
HIDDEN_BROKEN = "the text hidden in its pixels cannot be read"


@dataclass(slots=True)
class MetadataParts:
    """Metadata of one file: raw blocks, decoded texts, and a budget for decoding more."""

    texts: dict[str, str] = field(default_factory=dict)
    """Decoded texts by the name of their field."""
    exif: list[bytes] = field(default_factory=list)
    """Blocks of EXIF; a file that was edited may have several."""
    xmp: bytes = b""
    iptc: bytes = b""
    """Photoshop resources, or the IPTC records from them."""
    unreadable: str = ""
    """Why some of the metadata cannot be read; empty if all of it can."""
    budget: int = MAX_TEXT_BYTES
    """Bytes that may still be decoded."""

    def take(self, size: int) -> bool:
        """Spend budget on a text of `size` bytes; return False, and note why, if it is exceeded."""
        if size > self.budget:
            self.unreadable = TEXTS_LONG
            return False
        self.budget -= size
        return True
