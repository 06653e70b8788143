"""Midjourney: `Description` is the prompt with its options, then the number of the job.

The same in the descriptions of EXIF, XMP and IPTC, where other programs copy it to.
"""

import re

from annotate.image_import.programs.labelled import unlabelled
from annotate.image_import.programs.reader import MAX_TEXT_LENGTH, Fields, FoundPrompt, NoPrompt

PROGRAM = "Midjourney"
FIELDS = ("description", "exif:imagedescription", "xmp:description", "iptc:caption",
          "exif:xpcomment", "exif:usercomment", "comment", "jpeg:comment")  # fmt: skip
JOB = "Job ID:"
OPTION = re.compile(r"(?:^|\s)--[a-z]{1,16}(?=\s|$)", re.IGNORECASE)


def read(fields: Fields) -> FoundPrompt | None:
    """Return a prompt as it was sent to Midjourney, options and all; raises NoPrompt for none."""
    texts = [fields[name][:MAX_TEXT_LENGTH] for name in FIELDS if name in fields]
    for text in texts:
        if JOB in text or OPTION.search(text):
            written = text[: text.rfind(JOB)].strip() if JOB in text else text.strip()
            words = without_links(written)
            if words and not words.startswith("--"):
                return FoundPrompt(words, written, PROGRAM)
            raise NoPrompt(f"{PROGRAM} metadata without a prompt")
    return None


def without_links(text: str) -> str:
    """Return a prompt without the command and the addresses of images before it, on one line."""
    words = unlabelled(text).split()
    first = next((index for index, word in enumerate(words) if "://" not in word), len(words))
    return " ".join(words[first:])
