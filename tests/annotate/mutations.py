"""Files of many kinds, and what chance makes of them: other bytes, other JSON, other encodings."""

import copy
import json
import random
from collections.abc import Callable
from typing import Any

from image_files_made import A1111, comfy_graph, comfy_workflow
from metadata_files import (
    COMMENT,
    chunk,
    comment,
    hidden,
    iptc,
    itxt,
    jpeg,
    png,
    profile,
    resource,
    tiff,
    with_exif,
    with_xmp,
    xmp,
)

PROMPT = "an owl at noon, (soft light:1.2)"
PARAMETERS = A1111.format(prompt=PROMPT, seed=7)
SWARM = {
    "sui_image_params": {"prompt": PROMPT, "negativeprompt": "rain", "seed": 3},
    "sui_models": [],
}
NOVEL = {
    "prompt": PROMPT,
    "uc": "rain",
    "steps": 28,
    "v4_prompt": {"caption": {"base_caption": PROMPT}},
}
INVOKE = {"positive_prompt": PROMPT, "negative_prompt": "rain", "seed": 5}
FOOOCUS = {
    "prompt": PROMPT,
    "negative_prompt": "rain",
    "styles": ["a"],
    "metadata_scheme": "fooocus",
}
DRAWING = {"c": PROMPT, "uc": "rain", "seed": 1, "sampler": "x", "v2": {"prompt": PROMPT}}
TEXTS: dict[str, Any] = {
    "parameters": PARAMETERS,
    "prompt": comfy_graph(PROMPT, 1),
    "workflow": comfy_workflow(PROMPT),
    "invokeai_metadata": INVOKE,
    "sui": SWARM,
    "comment": NOVEL,
    "fooocus": FOOOCUS,
    "drawing": DRAWING,
    "description": f"{PROMPT} --ar 2:3 --v 6 Job ID: 1234",
    "dream": f'"{PROMPT} [rain]" -s 50 -S 1234 -W 512',
}
Maker = Callable[[bytes, random.Random], bytes]
PROMISES = (b"ASCII\0\0\0", b"UNICODE\0", b"JIS\0\0\0\0\0", bytes(8), b"")
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp932",
             "gb18030", "utf-7", "iso2022_jp", "cp500")  # fmt: skip
KEYWORDS = ("parameters", "prompt", "workflow", "Comment", "Description", "invokeai_metadata",
            "Dream", "sd-metadata", "Title", "Software", "Author", "Raw profile")  # fmt: skip
LETTERS = ("", "ß", "梟", "🦉", "\ufeff", "\0", "\u2028", "\x1b", "\ud800", "<lora:a:1>", "{", "\\")
ODD: tuple[Any, ...] = (None, True, -1, 10**40, 1e308, "", "x" * 30_000, [], {}, [[[[]]]], ["1", 0],
                        {"class_type": "KSampler"}, {"inputs": 5}, "{", "\ufeff", "\0")  # fmt: skip


def in_png(text: bytes, chance: random.Random) -> bytes:
    name = chance.choice(KEYWORDS)
    made = chance.choice([
        chunk(b"tEXt", name.encode() + b"\0" + text),
        itxt(name, text),
        itxt(name, text, packed=True),
    ])  # fmt: skip
    return png(made) if chance.random() < 0.7 else png(after=[made])


def in_exif(text: bytes, chance: random.Random) -> bytes:
    tag = chance.choice([0x010E, 0x010F, 0x0110, 0x0131, COMMENT, 0x9C9C])
    data = tiff([(tag, chance.choice([1, 2, 7, 129]), text)], order=chance.choice("<>"))
    return with_exif(chance.choice(["PNG", "JPEG", "WEBP"]), data)


def in_comment(text: bytes, chance: random.Random) -> bytes:
    data = comment(chance.choice(PROMISES) + text, chance.choice("<>"))
    return with_exif(chance.choice(["PNG", "JPEG", "WEBP"]), data)


def in_profile(text: bytes, chance: random.Random) -> bytes:
    data = comment(chance.choice(PROMISES) + text)
    return png(profile(chance.choice([b"exif", b"APP1"]), b"Exif\0\0" + data))


def in_xmp(text: bytes, chance: random.Random) -> bytes:
    inside = text.replace(b"&", b"&amp;").replace(b"<", b"&lt;")
    name = chance.choice([b"exif:UserComment", b"dc:description", b"tiff:ImageDescription"])
    whole = xmp("HERE").replace(b"HERE", b"<" + name + b">" + inside + b"</" + name + b">")
    return with_xmp(chance.choice(["PNG", "JPEG", "WEBP"]), whole)


def in_iptc(text: bytes, chance: random.Random) -> bytes:
    data = resource(0x0404, iptc((1, 90, b"\x1b%G"), (2, 120, text)))
    if chance.random() < 0.5:
        return png(profile(b"iptc", data))
    return jpeg((0xED, b"Photoshop 3.0\0" + data))


def in_jpeg(text: bytes, chance: random.Random) -> bytes:
    return jpeg((0xFE, text))


def in_pixels(text: bytes, chance: random.Random) -> bytes:
    signature = chance.choice([b"stealth_pnginfo", b"stealth_rgbinfo"])
    return hidden("", signature, packed=text[:1_400])


MAKERS: tuple[Maker, ...] = (
    in_png, in_png, in_exif, in_comment, in_profile, in_xmp, in_iptc, in_jpeg, in_pixels,
)  # fmt: skip
LONGEST = 60_000
"""Bytes of a text, which a segment of a JPEG has room for."""


def base_file(chance: random.Random) -> bytes:
    """A file as programs write it."""
    value = chance.choice(list(TEXTS.values()))
    text = value if isinstance(value, str) else json.dumps(value)
    return chance.choice(MAKERS)(text.encode()[:LONGEST], chance)


def with_other_bytes(content: bytes, chance: random.Random) -> bytes:
    """A file with some of its bytes changed, left out, doubled or swapped, or cut off."""
    changed = bytearray(content)
    for _ in range(chance.choice([1, 2, 6, 30])):
        at = chance.randrange(len(changed) or 1)
        size = chance.choice([1, 4, 16, 200])
        match chance.randrange(6):
            case 0:
                changed[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                del changed[at : at + size]
            case 2:
                changed[at:at] = chance.randbytes(size)
            case 3:
                changed[at:at] = changed[at : at + size]
            case 4:
                changed[at : at + 4] = chance.choice(
                    [b"\xff\xff\xff\xff", bytes(4), b"\x7f\xff\xff\xff"]
                )
            case _:
                del changed[max(at, len(changed) // 2) :]
    return bytes(changed)


def with_other_json(chance: random.Random) -> bytes:
    """A file whose JSON has entries of other types, no entries, or too many."""
    objects = [value for value in TEXTS.values() if isinstance(value, dict)]
    value = json.loads(json.dumps(chance.choice(objects)))
    for _ in range(chance.choice([1, 2, 8])):
        value = _changed(value, chance)
    text = json.dumps(value)
    if chance.random() < 0.1:
        text = text.replace(":", chance.choice([": NaN, ", ":[", ":"]), 1)[
            : chance.randrange(len(text))
        ]
    return chance.choice(MAKERS)(text.encode()[:LONGEST], chance)


def _changed(value: Any, chance: random.Random) -> Any:
    places = list(_places(value))
    if not places:
        return chance.choice(ODD)
    inside, key = chance.choice(places)
    match chance.randrange(5):
        case 0:
            del inside[key]
        case 1:
            other, its_key = chance.choice(places)
            inside[key] = json.loads(json.dumps(other[its_key]))
        case 2:
            inside[key] = {"prompt": inside[key]}
        case 3:
            inside[key] = [inside[key]] * chance.choice([1, 3, 400])
        case _:
            inside[key] = copy.deepcopy(chance.choice(ODD))
    return value


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every object and list within a value, with each of its keys."""
    found, waiting = [], [value]
    while waiting and len(found) < 4_000:
        inside = waiting.pop()
        if isinstance(inside, dict | list):
            keys = list(inside) if isinstance(inside, dict) else range(len(inside))
            found += [(inside, key) for key in keys]
            waiting += [inside[key] for key in keys]
    return found


def in_other_encoding(chance: random.Random) -> bytes:
    """A file whose text is in some encoding, whatever the file promises."""
    value = chance.choice(list(TEXTS.values()))
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    letters = chance.choice(LETTERS)
    text = text.replace("owl", f"owl{letters}")
    raw = text.encode(chance.choice(ENCODINGS), "replace")
    if chance.random() < 0.2:
        raw = raw.decode("latin-1").encode()
    at = chance.randrange(len(raw))
    raw = chance.choice([raw, raw, raw[:at], b"\0" * 3 + raw, raw + b"\0" * 5, raw[at:]])
    return chance.choice(MAKERS)(raw[:LONGEST], chance)


MUTATIONS: dict[str, Callable[[random.Random], bytes]] = {
    "bytes": lambda chance: with_other_bytes(base_file(chance), chance),
    "JSON": with_other_json,
    "encodings": in_other_encoding,
}
