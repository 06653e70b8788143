"""Texts of XMP: every property of an image, parsed as a stream and without entities."""

import codecs
import html
from xml.parsers import expat

from annotate.image_import.containers.encodings import cleaned, narrow_text
from annotate.image_import.containers.metadata_parts import XMP_BROKEN, MetadataParts

LIST, ALTERNATIVES = frozenset({"Bag", "Seq"}), "Alt"
ITEM, ANY_LANGUAGE = "li", "x-default"
VALUE = "value"
"""Element that holds the text of a property with qualifiers (rdf:value)."""
STRUCTURE = frozenset(
    {"Description", "RDF", "xmpmeta", "xapmeta", "about", "parseType", "resource"}
)
MAX_XMP_BYTES = 1_000_000
"""A JPEG has room for 65,000."""
MAX_PROPERTIES, MAX_ELEMENTS = 500, 20_000
MAX_DEPTH = 100
NO_ELEMENT = expat.errors.codes[expat.errors.XML_ERROR_NO_ELEMENTS]
CONTROLS = bytes({*range(0x20)} - {*b"\t\r\n"})
ESCAPED = ("{&quot;", "[{&quot;", "{&#34;", "[{&#34;")


class XmpRefused(Exception):
    """XMP that is refused: it is too large, or declares entities, which can exhaust the memory."""


class XmpProperties:
    """Collector of properties for a streaming parser; keys are names without their prefix."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.ended = False
        self.count = 0
        self._open: list[list[str]] = []
        """Text so far of each open element."""
        self._items: list[tuple[str, str]] = []
        self._language = ""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Handle the start of an element."""
        self.count += 1 + len(attributes)
        if len(self._open) >= MAX_DEPTH or self.count > MAX_ELEMENTS:
            raise XmpRefused
        self._open.append([])
        if _local(name) == ITEM:
            self._language = attributes.get("xml:lang", "")
            return
        for attribute, value in attributes.items():
            if not attribute.startswith(("xml", "rdf:")):
                self._keep(_local(attribute), value)

    def characters(self, text: str) -> None:
        """Handle text within an element."""
        if self._open:
            self._open[-1].append(text)

    def end(self, name: str) -> None:
        """Handle the end of an element: an item of a list, a list, or a property."""
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
        """Return all items of a list; of alternatives the one for any language, or the first."""
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
    """Add every property of a file's XMP, under `xmp:` and its name without the prefix."""
    raw = parts.xmp
    if not raw.strip(b"\0 \r\n\t"):
        return

    properties, complete = _read(raw)
    if not complete and (repaired := _repaired(raw)) != raw:
        properties, complete = _read(repaired)
    parts.unreadable = parts.unreadable if complete else XMP_BROKEN
    for name, text in properties.texts.items():
        parts.texts[f"xmp:{name}"] = _plain(cleaned(text.strip("\ufeff \r\n\t")))


def _read(raw: bytes) -> tuple[XmpProperties, bool]:
    """Return the properties that could be read, and whether they are complete."""
    properties = XmpProperties()
    try:
        _parse(raw, properties)
    except expat.ExpatError as error:
        # The padding after a packet is no XML, and a packet may be empty: neither is an error.
        empty = error.code == NO_ELEMENT and not properties.count and b"<?xpacket end" in raw
        return properties, properties.ended or empty
    except (XmpRefused, ValueError, LookupError):
        return properties, False
    return properties, True


def _repaired(raw: bytes) -> bytes:
    """Return XMP as UTF-8, without what a parser refuses: control characters, leading space."""
    if len(raw) > MAX_XMP_BYTES or raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return raw
    text = narrow_text(raw.translate(None, CONTROLS)) or ""
    return text.strip().encode()


def _plain(text: str) -> str:
    """Return JSON that a program escaped for XML twice, unescaped once more."""
    return html.unescape(text) if text.startswith(ESCAPED) else text


def _parse(raw: bytes, properties: XmpProperties) -> None:
    if len(raw) > MAX_XMP_BYTES:
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
