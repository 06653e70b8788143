"""Operations of nodes on texts: join, replace, trim, cut, change case; exactly or not at all."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from annotate.image_import.programs.comfyui.constants import Constant
from annotate.image_import.programs.comfyui.following import NodeText, joined, parallel
from annotate.image_import.programs.comfyui.graph import Node
from annotate.image_import.programs.comfyui.names import is_negative, ordinal, stem, words
from annotate.image_import.programs.reader import MAX_TEXT_LENGTH

FIND = frozenset("find search old needle target pattern from".split())
REPLACE = frozenset("replace replacement new to with".split())
MAX_REPLACED = 10
SPECIAL = frozenset(".^$*+?{}[]\\|()")
"""With one of these, a text is an expression, which a file may write so that it never ends."""
OPAQUE = ("regex", "split", "extract", "parse", "json", "shuffle", "sort", "truncat", "remove",
          "filter", "count", "length")  # fmt: skip
"""Parts of the names of nodes whose result is no more than a part of what they are given."""
LINES = frozenset("rows row lines line index select".split())
"""Words in the names of inputs that say which lines of a text are taken."""
DELIMITERS = {"comma": ", ", "space": " ", "newline": "\n", "none": "", "\\n": "\n"}
LATER = frozenset("suffix append postfix post after app end".split())
EARLIER = frozenset("prefix pre prepend before start trigger".split())

Parts = Mapping[str, NodeText]
"""The texts of a node's inputs, by name."""


def in_order(names: Sequence[str]) -> list[str]:
    """Return names in the order in which a node joins them: by number or letter, where they have
    one, or as given, but what goes before and after in its place."""
    if len(names) > 1 and len({stem(name) for name in names}) == 1:
        return sorted(names, key=lambda name: ordinal(name) or 0)
    return sorted(names, key=_rank)


def made_of(node: Node, parts: Parts, settings: Mapping[str, Constant]) -> NodeText:
    """Return the text that a node makes of its input texts."""
    if (done := _replaced(node, parts, settings)) is not None:
        return done
    texts = [parts[name] for name in in_order(list(parts))]
    if not texts:
        return NodeText()
    node_text = (
        _together(node, texts, settings) if len(texts) > 1 else _changed(node, texts[0], settings)
    )
    return NodeText(maker=node.kind) if _takes_lines(node, node_text.text) else node_text


def _together(node: Node, texts: list[NodeText], settings: Mapping[str, Constant]) -> NodeText:
    delimiter = _delimiter(node, settings)
    if delimiter is not None:
        return joined(texts, delimiter, keep_empty=node.kind == "StringConcatenate")
    if "encode" in node.lower:
        return parallel(texts)
    node_text = _side_by_side(texts)
    # Who is given the list may join it otherwise.
    parts = tuple(part.text for part in texts if part) if "list" in node.lower else ()
    return replace(node_text, parts=parts)


def _delimiter(node: Node, settings: Mapping[str, Constant]) -> str | None:
    """Return what a node puts between texts; None if the graph does not hold it."""
    given = next((settings[name] for name in node.named("delimiter") if name in settings), None)
    if given is None:
        return None
    return DELIMITERS.get(given.lower(), given) if isinstance(given, str) else ", "


def filled(node: Node, template: str, parts: Parts) -> str | None:
    """Return a text with others in the places that it has for them; None for one that has none.

    Places are {name}, or where the node says that it formats also {1} and [1].
    """
    text, formats = template, any(part in node.lower for part in ("format", "template"))
    for name, part in parts.items():
        number = ordinal(name)
        places = ["{" + name.rpartition(".")[2] + "}"]
        places += [f"[{number}]", "{" + str(number) + "}"] if formats and number else []
        for at in places:
            text = text.replace(at, part.text)[:MAX_TEXT_LENGTH]
    return text if text != template else None


def _side_by_side(texts: list[NodeText]) -> NodeText:
    """Join texts as they were typed, with a comma where nothing separates them."""
    node_text = NodeText()
    for part in filter(None, texts):
        end, start = node_text.text[-1:], part.text[:1]
        parted = not end or end.isspace() or start.isspace() or start in ",.;:"
        node_text = joined((node_text, part) if node_text else (part,), "" if parted else ", ")
    return node_text


def _changed(node: Node, node_text: NodeText, settings: Mapping[str, Constant]) -> NodeText:
    """Return a single text as a node passes it on."""
    text = node_text.text
    if node_text.maker or not text:
        return node_text

    delimiter = _delimiter(node, settings)
    if delimiter is not None and node_text.parts:
        return joined((NodeText(part) for part in node_text.parts), delimiter)

    mode = " ".join((*map(str, settings.values()), node.lower)).lower()
    if "trim" in mode:
        side = next((side for side in ("left", "right") if side in mode), "")
        cut = {"left": str.lstrip, "right": str.rstrip}.get(side, str.strip)
        return replace(node_text, text=cut(text))
    if "case" in mode:
        changes = {"upper": str.upper, "lower": str.lower, "capitalize": str.capitalize,
                   "title": str.title}  # fmt: skip
        change = next((changes[name] for name in changes if name in mode), str)
        return replace(node_text, text=change(text)[:MAX_TEXT_LENGTH])
    select = settings.get("select")
    if isinstance(select, int) and not settings.get("multiline"):
        lines = text.split("\n")
        return replace(node_text, text=lines[select % len(lines)])
    start, end = settings.get("start"), settings.get("end")
    if isinstance(start, int) and isinstance(end, int):
        return replace(node_text, text=text[start:end])
    opaque = any(part in node.lower for part in OPAQUE)
    return NodeText(maker=node.kind) if opaque else node_text


def _takes_lines(node: Node, text: str) -> bool:
    """Return whether a node gives one line of a text to each image."""
    if "\n" not in text.strip() or "encode" in node.lower:
        return False
    counting = any(LINES & set(words(name)) for name in node.names)
    kind = node.lower.replace("multiline", "")
    return counting or any(part in kind for part in ("line", "cycle", "schedul", "keyframe"))


def _replaced(node: Node, parts: Parts, settings: Mapping[str, Constant]) -> NodeText | None:
    """Return a text with replacements; None for a node that does not replace."""
    by_name = {name: part for name, part in parts.items()}
    by_name |= {name: NodeText(value) for name, value in settings.items() if isinstance(value, str)}
    finds = [name for name in node.names if FIND & set(words(name)) and name in by_name]
    puts = [name for name in node.names if REPLACE & set(words(name)) and name in by_name]
    if node.values.get("action") == "replace" and {"text_a", "text_b"} <= by_name.keys():
        finds, puts = ["text_b"], ["text_c"] if "text_c" in by_name else []
    elif "replac" not in node.lower:
        return None

    if not finds or len(finds) != len(puts) or len(finds) > MAX_REPLACED:
        return None
    others = [part for name, part in parts.items() if name not in finds + puts]
    made = next((part for part in (*others, *by_name.values()) if part.maker), None)
    if made is not None or len(others) != 1:
        return made or NodeText(maker=node.kind)
    text = others[0].text
    for find, put in zip(finds, puts, strict=True):
        old = by_name[find].text
        if node.kind != "StringReplace" and SPECIAL & set(old):
            return NodeText(maker=node.kind)
        text = text.replace(old, by_name[put].text)[:MAX_TEXT_LENGTH] if old else text

    return replace(others[0], text=text)


def _rank(name: str) -> int:
    parts = set(words(name))
    if is_negative(name):
        return 3
    return 0 if parts & EARLIER else 2 if parts & LATER else 1
