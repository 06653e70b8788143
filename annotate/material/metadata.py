"""The prompt that an image program wrote into a picture's file.

parameters           AUTOMATIC1111, Forge: a text, in JPEG and WebP as EXIF UserComment
prompt, workflow     ComfyUI: a graph, in WebP as EXIF texts that begin so
invokeai_metadata, sd-metadata, dream     InvokeAI: three generations of it
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from PIL import Image

from annotate.material.graphs import prompt_of_graph
from annotate.material.heads import EXIF_DETAILS, check_exif
from annotate.material.reading import Skip

LONGEST_TEXT = 20_000
"""Characters of a text that are looked at; a prompt may have 2,000."""
LONGEST_JSON = 4_000_000
"""Characters of a graph; Python parses JSON with all other threads waiting."""
USER_COMMENT = 0x9286
PNG_EXIF = {"exif", "Raw profile type exif"}
ENDS = re.compile(r"^(negative prompt:|steps: \d)", re.IGNORECASE | re.MULTILINE)
# Every expression here is linear: a search that fails has looked at no character twice. Without
# the < in its class, NETWORKS would look at the rest of the text again from each <lora:.
NETWORKS = re.compile(r"<(?:lora|lyco|hypernet):[^<>]*>", re.IGNORECASE)
DREAM = re.compile(r'^\s*"(.*)"\s+-')
"""A prompt in quotes, then options."""
UNWANTED = re.compile(r"\[[^\[\]]*\]")
"""How the older InvokeAI wrote a negative prompt into the prompt."""


def embedded_prompt(picture: Image.Image) -> str | None:
    """Return the prompt that a picture carries, as it was written; None without one."""
    texts = written_texts(picture)
    for name, read in READERS.items():
        if name in texts and (prompt := read(texts[name])):
            return prompt
    return None


def written_texts(picture: Image.Image) -> dict[str, str]:
    """Return every text of a picture's file that may hold a prompt, by its name."""
    texts = {
        str(name).lower(): value for name, value in picture.info.items() if isinstance(value, str)
    }
    try:
        exif = exif_of(picture)
        comment = decode_comment(exif.get_ifd(EXIF_DETAILS).get(USER_COMMENT))
        fields = [str(value) for value in exif.values() if isinstance(value, str)]
    except Skip:
        raise
    except Exception:  # Broken EXIF raises all kinds of errors, and the picture is none the worse.
        return texts
    if comment:
        texts.setdefault("parameters", comment)
    for field in fields:
        name, _, rest = field.partition(":")
        if name.lower() in ("prompt", "workflow"):
            texts.setdefault(name.lower(), rest)
    return texts


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


def read_parameters(text: str) -> str | None:
    """Return the prompt of AUTOMATIC1111's text: what comes before the negative one and Steps."""
    if text.lstrip().startswith("{"):
        return _of_object(_object(text))
    text = text[:LONGEST_TEXT]
    end = ENDS.search(text)
    return NETWORKS.sub(" ", text[: end.start()] if end else text).strip() or None


def read_graph(text: str) -> str | None:
    """Return the prompt of ComfyUI's JSON."""
    return prompt_of_graph(_object(text))


def read_invoke(text: str) -> str | None:
    """Return the prompt of InvokeAI's JSON, version 3 and later."""
    return _text(_object(text).get("positive_prompt"))


def read_old_invoke(text: str) -> str | None:
    """Return the prompt of InvokeAI's JSON of versions 1 and 2: a text, or texts with weights."""
    image = _object(text).get("image")
    prompt = image.get("prompt") if isinstance(image, Mapping) else None
    if isinstance(prompt, list):
        parts = [part.get("prompt") for part in prompt if isinstance(part, Mapping)]
        prompt = " ".join(part for part in parts if isinstance(part, str))
    return _without_unwanted(prompt)


def read_dream(text: str) -> str | None:
    """Return the prompt of the first InvokeAI's command line."""
    quoted = DREAM.match(text[:LONGEST_TEXT])
    return _without_unwanted(quoted[1] if quoted else None)


READERS = {
    "parameters": read_parameters,
    "prompt": read_graph,
    "workflow": read_graph,
    "invokeai_metadata": read_invoke,
    "sd-metadata": read_old_invoke,
    "dream": read_dream,
}


def _of_object(value: dict[str, Any]) -> str | None:
    """Programs put an object where AUTOMATIC1111 has a text: with the prompt, or with a graph."""
    prompt = value.get("prompt")
    if isinstance(prompt, str) and not prompt.lstrip().startswith("{"):
        return _text(prompt)
    graph = _object(prompt) if isinstance(prompt, str) else prompt
    return prompt_of_graph(graph or value)


def _object(text: str) -> dict[str, Any]:
    if len(text) > LONGEST_JSON:
        return {}
    try:
        value = json.loads(text.strip("\x00 \n"))
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _without_unwanted(value: Any) -> str | None:
    return _text(UNWANTED.sub(" ", value[:LONGEST_TEXT])) if isinstance(value, str) else None


def _text(value: Any) -> str | None:
    return value[:LONGEST_TEXT].strip() or None if isinstance(value, str) else None
