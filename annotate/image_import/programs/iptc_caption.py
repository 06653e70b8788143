"""The prompt where the standard of IPTC has a place for it, since 2025, whichever program wrote it.

`Iptc4xmpExt:AIPromptInformation`, beside the name of the program in `AISystemUsed`.
"""

from annotate.image_import.programs import a1111
from annotate.image_import.programs.layers import looks_json
from annotate.image_import.programs.reader import Fields, FoundPrompt, NoPrompt

PROGRAM = "IPTC's prompt"
FIELD = "xmp:aipromptinformation"


def read(fields: Fields) -> FoundPrompt | None:
    """Return the prompt that stands in its own place; raises NoPrompt for what is none."""
    text = fields.get(FIELD, "")
    if not text.strip():
        return None
    prompt = None if looks_json(text) else a1111.read_text(text)
    if prompt is None:
        raise NoPrompt("metadata of IPTC whose prompt cannot be told")
    return FoundPrompt(prompt.text, prompt.written, PROGRAM)
