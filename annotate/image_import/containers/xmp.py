"""Texts of XMP: every property of an image, read without entities and without a tree."""

import codecs
import html
from xml.parsers import expat

from annotate.image_import.containers.encodings import cleaned, narrow_text
from annotate.image_import.containers.metadata_parts import XMP_BROKEN, MetadataParts

LIST, ALTERNATIVES = frozenset({"Bag", "Seq"}), "Alt"
ITEM, ANY_LANGUAGE = "li", "x-default"
VALUE = "value"
"""A property that has notes keeps its text in this one."""
STRUCTURE = frozenset(
    {"Description", "RDF", "xmpmeta", "xapmeta", "about", "parseType", "resource"}
)
LONGEST = 1_000_000
"""Bytes; what a JPEG has room for is 65,000."""
MAX_PROPERTIES, MOST_ELEMENTS = 500, 20_000
DEEPEST = 100
NO_ELEMENT = expat.errors.codes[expat.errors.XML_ERROR_NO_ELEMENTS]
CONTROLS = bytes({*range(0x20)} - {*b"\t\r\n"})
ESCAPED = ("{&quot;", "[{&quot;", "{&#34;", "[{&#34;")


class XmpRefused(Exception):
    """XMP that declares a type of document: entities, which no image needs."""


class XmpProperties:
    """Collects the texts of properties, by name without its prefix, while a parser goes along."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.ended = False
        self.count = 0
        self._open: list[list[str]] = []
        """The text of each element that has begun and not ended."""
        self._items: list[tuple[str, str]] = []
        self._language = ""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        self.count += 1 + len(attributes)
        if len(self._open) >= DEEPEST or self.count > MOST_ELEMENTS:
            raise XmpRefused
        self._open.append([])
        if _local(name) == ITEM:
            self._language = attributes.get("xml:lang", "")
            return
        for attribute, value in attributes.items():
            if not attribute.startswith(("xml", "rdf:")):
                self._keep(_local(attribute), value)

    def characters(self, text: str) -> None:
        """Text goes on."""
        if self._open:
            self._open[-1].append(text)

    def end(self, name: str) -> None:
        """An element ends: an item of a list, a list, or a property."""
        local, text = _local(name), "".join(self._open.pop())
        if local == ITEM:
            self._items.append((self._language, text))
        elif local in (*LIST, ALTERNATIVES):
            self.characters(self._chosen(local))
            self._items.clear()
        elif local == VALUE:
            self.characters(text)
        else:
            self._keep(local, text)
        self.ended = not self._open

    def _chosen(self, kind: str) -> str:
        """Return all items of a list, or the one that is for any language, or else the first."""
        items = [(language, text) for language, text in self._items if text.strip()]
        if kind != ALTERNATIVES:
            return ", ".join(text for _, text in items)
        anyone = [text for language, text in items if language == ANY_LANGUAGE]
        return next(iter([*anyone, *(text for _, text in items)]), "")

    def _keep(self, name: str, text: str) -> None:
        if text.strip() and name not in STRUCTURE:
            self.texts.setdefault(name.lower(), text)
        if len(self.texts) > MAX_PROPERTIES:
            raise XmpRefused


def add_xmp(parts: MetadataParts) -> None:
    """Add every property of a file's XMP, as `xmp:` and its name without the prefix."""
    raw = parts.xmp
    if not raw.strip(b"\0 \r\n\t"):
        return
    properties, whole = _read(raw)
    if not whole and (again := _repaired(raw)) != raw:
        properties, whole = _read(again)
    parts.unreadable = parts.unreadable if whole else XMP_BROKEN
    for name, text in properties.texts.items():
        parts.texts[f"xmp:{name}"] = _plain(cleaned(text.strip("\ufeff \r\n\t")))


def _read(raw: bytes) -> tuple[XmpProperties, bool]:
    """Return the properties that were read, and whether these are all."""
    properties = XmpProperties()
    try:
        _parse(raw, properties)
    except expat.ExpatError as error:
        # What pads a packet after its end is no XML, and a packet may be empty.
        empty = error.code == NO_ELEMENT and not properties.count and b"<?xpacket end" in raw
        return properties, properties.ended or empty
    except (XmpRefused, ValueError, LookupError):
        return properties, False
    return properties, True


def _repaired(raw: bytes) -> bytes:
    """Return XMP as UTF-8, and without what a parser refuses: controls, and space before it."""
    if len(raw) > LONGEST or raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return raw
    text = narrow_text(raw.translate(None, CONTROLS)) or ""
    return text.strip().encode()


def _plain(text: str) -> str:
    """Return JSON as it was before a program escaped it for XML one time too many."""
    return html.unescape(text) if text.startswith(ESCAPED) else text


def _parse(raw: bytes, properties: XmpProperties) -> None:
    if len(raw) > LONGEST:
        raise XmpRefused
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = properties.start
    parser.CharacterDataHandler = properties.characters
    parser.EndElementHandler = properties.end
    parser.StartDoctypeDeclHandler = _refuse
    parser.Parse(raw, True)


def _refuse(*declared: object) -> None:
    raise XmpRefused


def _local(name: str) -> str:
    return name.rpartition(":")[2]
