"""Nodes that pass on conditioning, or a bundle of everything with conditioning in it."""

from dataclasses import replace

from annotate.image_import.programs.comfyui.asking import input_texts
from annotate.image_import.programs.comfyui.constants import MAX_HOPS, constant
from annotate.image_import.programs.comfyui.following import NOTHING, TextSearch, combined, parallel
from annotate.image_import.programs.comfyui.graph import Graph, Link, Node
from annotate.image_import.programs.comfyui.names import is_negative, ordinal, words
from annotate.image_import.programs.comfyui.operations import in_order

MAX_IN_BUNDLE = 20


def positive(graph: Graph, node: Node, link: Link) -> TextSearch:
    """Follow the positive input of a node that has both: loader, styler, sampler, ControlNet."""
    names = in_order(node.named("positive"))
    # A text for a refiner alone.
    names = [name for name in names if words(name)[-1] != "r"] or names
    return parallel((yield from input_texts(graph, node, names)))


def conditioned(graph: Graph, node: Node, link: Link) -> TextSearch:
    """Join all texts of a node that changes or combines conditioning."""
    names = _not_titled_negative(graph, node, in_order(node.linked("conditioning")))
    if "average" in node.lower:
        names = _averaged(graph, node, names)
    node_text = combined((yield from input_texts(graph, node, names)))
    # What else such a node was told is how, not what.
    return replace(node_text, final=bool(names))


def piped(graph: Graph, node: Node, link: Link) -> TextSearch:
    """Follow a bundle of everything to the first node that put a prompt into it.

    Of samplers for parts of an image, and their prompts, all.
    """
    names = node.linked("pipe")
    if names and all("sampler" in name for name in names):
        names += node.linked("text")
        return combined((yield from input_texts(graph, node, names)))
    node_texts = yield from input_texts(graph, node, names)
    texts = [part for part in node_texts if part.text]
    return next(filter(None, texts or node_texts), NOTHING)


def unpacked(graph: Graph, node: Node, link: Link) -> TextSearch:
    """Follow an output of an unpacking node to the input of the same number that packed it."""
    hops = 0
    while link.slot and node.links and len(node.links) <= MAX_IN_BUNDLE and hops < MAX_HOPS:
        hops += 1
        bundle = next((name for name in node.links if "pipe" in words(name)), None)
        if bundle is None and hops == 1:
            return NOTHING
        numbered = [n for n in node.links if ordinal(n) == link.slot and n != bundle]
        if numbered and hops > 1:
            return (yield node.links[numbered[0]])
        behind = graph.nodes.get(node.links[bundle].node) if bundle else None
        if behind is None:
            return NOTHING
        node = behind
    return NOTHING


def _averaged(graph: Graph, node: Node, names: list[str]) -> list[str]:
    """Return the inputs that count in an average: with a weight of 1, one of them counts alone."""
    strength = next((constant(graph, node, n) for n in node.names if "strength" in words(n)), None)
    ends = {1.0: "to", 0.0: "from"}
    wanted = ends.get(float(strength)) if isinstance(strength, int | float) else None
    kept = [name for name in names if wanted in words(name)]
    return kept or sorted(names, key=lambda name: "from" in words(name))


def _not_titled_negative(graph: Graph, node: Node, names: list[str]) -> list[str]:
    """Return the inputs that do not come from a node titled as negative."""
    behind = ((name, graph.nodes.get(node.links[name].node)) for name in names)
    kept = [name for name, source in behind if source is None or not is_negative(source.title)]
    return kept if len(names) > 1 else names
