"""Rules that find the prompt at an output by the structure of its node, not by lists of nodes.

The first rule that finds something is believed. Only what is not negative is ever asked.
"""

from collections.abc import Sequence
from dataclasses import replace

from annotate.image_import.programs.comfyui.asking import Rule, input_text, input_texts
from annotate.image_import.programs.comfyui.conditioning import (
    conditioned,
    piped,
    positive,
    unpacked,
)
from annotate.image_import.programs.comfyui.constants import choices, chosen, has_selector
from annotate.image_import.programs.comfyui.following import (
    NOTHING,
    NodeText,
    TextSearch,
    joined,
    parallel,
)
from annotate.image_import.programs.comfyui.graph import Graph, Link, Node
from annotate.image_import.programs.comfyui.made import is_maker, is_read, shown_text, shows
from annotate.image_import.programs.comfyui.names import is_negative, words
from annotate.image_import.programs.comfyui.texts import formatted, passed, populated, texts

PROMPTS = frozenset("prompt prompts positive".split())


def find_text(graph: Graph, link: Link) -> TextSearch:
    """Find the text or the conditioning at an output."""
    node = graph.nodes.get(link.node)
    if node is None or is_negative(node.output(link.slot)) or "zeroout" in node.lower:
        return NOTHING

    node_text = yield from _first(graph, node, link, RULES)
    if node_text.maker or not node_text.sure:
        return _seen_elsewhere(graph, link) or node_text
    return node_text


def find_sampler_text(graph: Graph, number: str) -> TextSearch:
    """Find the prompt of a sampler's image."""
    node = graph.nodes[number]
    return (yield from _first(graph, node, Link(number, 0), SAMPLER_RULES))


def find_service_text(graph: Graph, number: str) -> TextSearch:
    """Find the prompt of a node that renders without a sampler, by an external program.

    Other texts are written into images, or are names and colors.
    """
    node = graph.nodes[number]
    names = [name for name in node.named("positive", "text") if PROMPTS & set(words(name))]
    return parallel((yield from input_texts(graph, node, names)))


def _first(graph: Graph, node: Node, link: Link, rules: Sequence[Rule]) -> TextSearch:
    for rule in rules:
        node_text = yield from rule(graph, node, link)
        if node_text or node_text.final:
            return node_text
    return NOTHING


def _seen_elsewhere(graph: Graph, link: Link) -> NodeText | None:
    """Return the text at an output that a linked node has displayed; None without one."""
    for number in graph.users.get(link, ()):
        node = graph.nodes[number]
        texts = set(shown_text(node)) if shows(node) else set()
        if len(texts) == 1:
            return NodeText(texts.pop())
    return None


def _shown(graph: Graph, node: Node, link: Link) -> TextSearch:
    """Find the text of a displaying node: behind it, or as saved when it was displayed."""
    if not shows(node):
        return NOTHING
    node_text = joined((yield from input_texts(graph, node, node.linked("text", "other"))))
    texts = list(dict.fromkeys(shown_text(node)))
    if (node_text.sure and node_text.text) or not texts:
        return node_text
    return NodeText(texts[0]) if len(texts) == 1 else NodeText(maker=node.kind)


def _switched(graph: Graph, node: Node, link: Link) -> TextSearch:
    """Follow the chosen input of a switch."""
    among = choices(node)
    if not among:
        return NOTHING
    name = chosen(graph, node, among)
    if name is not None:
        node_text = (yield from input_text(graph, node, name)) if name else NOTHING
        return replace(node_text, final=True)

    told_of = yield from input_texts(graph, node, among)
    if not has_selector(node, among):
        return next(filter(None, told_of), NOTHING)
    return told_of[0] if len(set(told_of)) == 1 else NodeText(maker=node.kind)


def _same_name(graph: Graph, node: Node, link: Link) -> TextSearch:
    """Follow the input with the output's name, in a node with an output for each text."""
    if len(node.outputs) < 2:
        return NOTHING
    outputs = {name.lower() for name in node.outputs}
    names = {name.lower(): name for name in node.named("text", "positive", "conditioning")}
    wanted = node.output(link.slot).lower()
    if len(outputs & names.keys()) < 2 or wanted not in names:
        return NOTHING
    return (yield from input_text(graph, node, names[wanted]))


def _made(graph: Graph, node: Node, link: Link) -> TextSearch:
    """Name the node that makes its text when it runs."""
    yield from ()
    return NodeText(maker=node.kind) if is_maker(node) or is_read(node) else NOTHING


RULES: tuple[Rule, ...] = (
    _shown, populated, _switched, _same_name, _made, positive, unpacked, conditioned, piped,
    formatted, texts, passed,
)  # fmt: skip
SAMPLER_RULES: tuple[Rule, ...] = (positive, conditioned, piped, populated, texts)
