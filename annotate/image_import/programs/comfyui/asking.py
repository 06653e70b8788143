"""Find the texts at the inputs of a node."""

from collections.abc import Callable, Generator, Iterable

from annotate.image_import.programs.comfyui.following import NOTHING, NodeText, TextSearch
from annotate.image_import.programs.comfyui.graph import Graph, Link, Node
from annotate.image_import.programs.comfyui.made import throws_dice
from annotate.image_import.programs.comfyui.names import is_text
from annotate.image_import.programs.reader import MAX_TEXT_LENGTH

Rule = Callable[[Graph, Node, Link], TextSearch]
"""Finds out what an output of a node tells; NOTHING where the rule is for other nodes."""


def input_texts(
    graph: Graph, node: Node, names: Iterable[str]
) -> Generator[Link, NodeText, list[NodeText]]:
    """Find the texts of several inputs."""
    node_texts = []
    for name in names:
        node_texts.append((yield from input_text(graph, node, name)))
    return node_texts


def input_text(graph: Graph, node: Node, name: str) -> TextSearch:
    """Find the text of one input, typed or linked."""
    if name in node.links:
        return (yield node.links[name])
    value = node.values.get(name)
    if not is_text(value):
        return NOTHING
    return (
        NodeText(maker=node.kind)
        if throws_dice(graph, node, value)
        else NodeText(value[:MAX_TEXT_LENGTH])
    )
