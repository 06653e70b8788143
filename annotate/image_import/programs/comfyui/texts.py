"""Nodes that hold texts, and what they make of them."""

from dataclasses import replace

from annotate.image_import.programs.comfyui.asking import input_texts
from annotate.image_import.programs.comfyui.constants import Constant, constant
from annotate.image_import.programs.comfyui.following import NOTHING, NodeText, TextSearch, joined
from annotate.image_import.programs.comfyui.graph import Graph, Link, Node
from annotate.image_import.programs.comfyui.made import WORKING, draws_lots, throws_dice
from annotate.image_import.programs.comfyui.names import (
    head,
    is_negative,
    is_prose,
    is_text,
    ordinal,
    words,
)
from annotate.image_import.programs.comfyui.operations import filled, made_of
from annotate.image_import.programs.comfyui.widgets import JOINING, UNTOLD
from annotate.image_import.programs.reader import MAX_TEXT_LENGTH

NO_TEXTS = frozenset("none no yes true false enable disable on off auto default".split())
RESULTS = frozenset("populated result resolved processed".split())
NAMELESS = ("", "any", "anything", "source", "data")
"""Names of inputs that may be for anything; of those that are typed, only what goes before or
after a text is one."""
ASIDE_TEXTS = frozenset("prefix suffix prepend append".split())
OVERRIDES = frozenset("passthrough override overwrite".split())
UNWORDED = frozenset("style styles mode type preset version select lora".split())


def populated(graph: Graph, node: Node, link: Link) -> TextSearch:
    """Return the text that a node stored after it filled in wildcards."""
    names = [name for name in node.names if RESULTS & set(words(name)) and not is_negative(name)]
    return joined((yield from input_texts(graph, node, names)))


def formatted(graph: Graph, node: Node, link: Link) -> TextSearch:
    """Fill the placeholders of a node's text with its other inputs."""
    typed = {n: v for n, v in node.values.items() if is_text(v) and ("{" in v or "[" in v)}
    if not typed or len(node.names) < 2 or node.linked("conditioning", "positive", "pipe"):
        return NOTHING
    name, template = max(typed.items(), key=lambda item: len(item[1]))
    others = [n for n in node.names if n != name and not is_negative(n)]
    wanted = [n for n in others if filled(node, template, {n: NodeText("\0")}) is not None]
    parts = dict(zip(wanted, (yield from input_texts(graph, node, wanted)), strict=True))
    made = next((part for part in parts.values() if part.maker), None)
    if made is not None or not wanted:
        return made or NOTHING
    return NodeText(filled(node, template, parts) or "")


def texts(graph: Graph, node: Node, link: Link) -> TextSearch:
    """Return what a node makes of its texts."""
    names = [name for name in node.names if _is_part(node, name)]
    if node.named("positive") or not any(_is_plainly_text(node, name) for name in names):
        return NOTHING
    if _is_only_around(node, names):
        return NodeText(maker=node.kind)
    over = [name for name in node.links if OVERRIDES & set(words(name))]
    told_over = joined((yield from input_texts(graph, node, over)))
    if told_over:
        return told_over
    if picked := _by_slot(graph, node, link, names):
        names = [picked]

    parts = dict(zip(names, (yield from input_texts(graph, node, names)), strict=True))
    settings = _settings(graph, node, names)
    made = made_of(node, parts, settings)
    if (
        UNTOLD in node.values
        or throws_dice(graph, node, made.text)
        or draws_lots(node, made.text, len(names))
    ):
        return NodeText(maker=node.kind)
    known = not settings or any(part in node.lower for part in WORKING)
    return replace(made, sure=made.sure and known, final=True)


def passed(graph: Graph, node: Node, link: Link) -> TextSearch:
    """Follow the links of an unknown node, or else return its values that read like a text."""
    names = node.linked("other")
    if names or node.linked("conditioning", "positive", "pipe"):
        picked = _by_slot(graph, node, link, names)
        if not picked and _has_parts_beside(node, names):
            return NodeText(maker=node.kind)
        node_text = joined((yield from input_texts(graph, node, [picked] if picked else names)))
        return replace(node_text, sure=False, final=True)

    typed = [name for name in node.named("other") if not UNWORDED & set(words(name))]
    prose = [value for name in typed if is_prose(value := node.values.get(name))]
    numbers = [v for v in node.values.values() if isinstance(v, int | float)]
    if len(node.values) == len(numbers) == 1 and not node.links:
        return NodeText(str(numbers[0]))
    if prose:
        return NodeText(", ".join(prose)[:MAX_TEXT_LENGTH], sure=False)
    return (
        NodeText(maker=node.kind) if node.kind and not node.named("positive", "text") else NOTHING
    )


def _has_parts_beside(node: Node, linked: list[str]) -> bool:
    """Return whether texts were typed beside links, in inputs that are only numbered: a, b, c."""
    counted = [name for name in node.named("other") if ordinal(name) is not None]
    typed = [name for name in counted if name not in node.links]
    return len(counted) > len(typed) and any(is_text(node.values.get(name)) for name in typed)


def _is_only_around(node: Node, names: list[str]) -> bool:
    """Return whether the typed texts only go before and after a text that the node makes."""
    around = all(ASIDE_TEXTS & set(words(name)) and name not in node.links for name in names)
    return around and "delimiter" not in node.has and len(node.names) > len(names)


def _is_plainly_text(node: Node, name: str) -> bool:
    return node.roles[name] == "text" or name not in node.links or "delimiter" in node.has


def _is_part(node: Node, name: str) -> bool:
    """Return whether an input is part of a node's text, by its name or for lack of a clear one."""
    other = node.roles[name] == "other"
    nameless = other and head(name) in NAMELESS
    if name in node.links:
        return nameless or node.roles[name] == "text" or (other and "delimiter" in node.has)
    value = node.values.get(name)
    if not isinstance(value, str) or value.strip().lower() in NO_TEXTS or "elect the" in value[:30]:
        return False
    counted = other and "delimiter" in node.has and ordinal(name) is not None
    aside = nameless and bool(ASIDE_TEXTS & set(words(name)))
    return node.roles[name] == "text" or counted or aside


def _by_slot(graph: Graph, node: Node, link: Link, names: list[str]) -> str | None:
    """Return the one text that an output passes on, in a node with an output for each."""
    if len(names) < 2 or node.named("delimiter") or any(part in node.lower for part in JOINING):
        return None
    several = len(graph.slots.get(link.node, ())) > 1 or link.slot > 0
    return names[link.slot] if several and 0 <= link.slot < len(names) else None


def _settings(graph: Graph, node: Node, texts: list[str]) -> dict[str, Constant]:
    """Return the settings of a node besides its texts."""
    names = [name for name in node.named("delimiter", "other") if name not in texts]
    found = {name: constant(graph, node, name) for name in names}
    return {name: value for name, value in found.items() if value is not None}
