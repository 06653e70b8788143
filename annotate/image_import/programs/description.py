"""A caption that a person or a program wrote into an image: EXIF, XMP, IPTC, PNG's Description.

Cameras and editors write their own names there. What is no sentence about an image is none.
"""

import re

from annotate.image_import.programs import a1111
from annotate.image_import.programs.layers import looks_json
from annotate.image_import.programs.prompt_marks import caption
from annotate.image_import.programs.reader import MAX_TEXT_LENGTH, Fields, FoundPrompt

PROGRAM = "the image's description"
FIELDS = ("exif:imagedescription", "description", "xmp:description", "iptc:caption",
          "exif:xpcomment", "exif:usercomment", "xmp:usercomment")  # fmt: skip
MAKERS = ("exif:make", "exif:model", "exif:software", "software", "exif:artist", "artist", "author",
          "xmp:creatortool", "title")  # fmt: skip
WORD = re.compile(r"[^\W\d_\u2e80-\uffff]{2,}|[\u2e80-\uffff]")
"""In scripts without spaces each sign counts."""
SMALL = re.compile(r"[a-z]|[^\W\d_\x00-\x7f]")
MADE = re.compile(
    r"(?:\w+ ){0,2}(?:made|created|generated|imagined|edited|editing|shot|processed|"
    r"converted|compressed|"
    r"written|exported|rendered|scanned|taken|captured|saved|uploaded|downloaded|licensed|"
    r"optimi[sz]ed) "
    r"(?:with|by|using|in|from|on|via)\b",
    re.IGNORECASE,
)
FILE = re.compile(r"[^\n]{0,200}\.(?:png|jpe?g|webp|gif|tiff?|psd|heic|xcf|svg|bmp)", re.IGNORECASE)
NOT_ABOUT = re.compile(
    r"\s*(?:screen ?shot|copyright|©|\(c\)|https?://|<\?|<x:|signature:|charset=|creator:|"
    r"untitled|default|binary comment|(?:photo|image|picture|art\w*|illustration)s? (?:by|credit))",
    re.IGNORECASE,
)
DEVICE = re.compile(
    # What none of them begins with is passed over quickly.
    r"(?=[1bcdfirs])(?:digital (?:still )?camera|camera phone|(?:back|front|rear|selfie) camera|"
    r"scanner|\bISO ?\d{2,6}\b|\bf/\d|\b1/\d{1,5} ?s)",
    re.IGNORECASE,
)
SETTING = re.compile(r"\s{0,3}[\w \-]{1,40}[:=][^:=;\n]{0,80}[;\n]")
"""A setting and its value, of which cameras and phones put many in a row."""
NAME_ALONE = re.compile(r"[A-Za-z]{1,20}: ?\S{1,60}")
MODEL = re.compile(r"[A-Z]\w{0,20}(?: [A-Z\d]\w{0,20}){1,6}")
"""Words with capitals; with a number among them, it is what a maker calls a camera."""
MAX_NAME_LENGTH = 60
"""Characters of what names a program rather than an image."""
MAX_WORD_LENGTH = 40


def read(fields: Fields) -> FoundPrompt | None:
    """Return the first text that reads as a caption of an image."""
    names = (fields[name].lower().split() for name in MAKERS if name in fields)
    makers = {words[0] for words in names if words and len(words[0]) > 2}
    for text in (fields[name][:MAX_TEXT_LENGTH].strip() for name in FIELDS if name in fields):
        names_one = len(text) <= MAX_NAME_LENGTH and any(maker in text.lower() for maker in makers)
        if not names_one and is_caption(text) and a1111.parts_of(text) is None:
            return FoundPrompt(caption(text), text, PROGRAM)
    return None


def is_caption(text: str) -> bool:
    """Return whether a text describes an image, and is no name, number or program's output."""
    short = len(text) <= MAX_NAME_LENGTH
    names: object = FILE.fullmatch(text) or NOT_ABOUT.match(text)
    names = names or _is_settings(text) or (text.startswith("<") and text.endswith(">"))
    names = names or (short and (MADE.match(text) or DEVICE.search(text) or _is_model(text)))
    encoded = any(len(word) > MAX_WORD_LENGTH and "://" not in word for word in text.split()[:20])
    if names or looks_json(text) or (encoded and text.isascii()):
        return False
    words = WORD.findall(text)
    spaced = len(text.split()) > 1 or not text.isascii()
    return len(words) > 1 and spaced and SMALL.search(text) is not None


def _is_settings(text: str) -> bool:
    first = SETTING.match(text)
    return first is not None and SETTING.match(text, first.end()) is not None


def _is_model(text: str) -> bool:
    digits = any(letter.isdigit() for letter in text)
    return bool(NAME_ALONE.fullmatch(text) or (digits and MODEL.fullmatch(text)))
