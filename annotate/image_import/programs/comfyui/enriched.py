"""A graph as it was sent, with what only the drawn one tells of its nodes."""

from collections.abc import Sequence
from dataclasses import replace

from annotate.image_import.programs.comfyui.graph import Graph, Node


def enriched(graph: Graph, drawings: Sequence[Graph]) -> Graph:
    """Return a graph with the names of outputs and the shown texts of the same nodes, as drawn."""
    for drawing in drawings:
        nodes = {
            number: _told(node, drawing.nodes.get(number)) for number, node in graph.nodes.items()
        }
        graph = Graph(nodes)
    return graph


def _told(node: Node, same: Node | None) -> Node:
    if same is None or same.kind != node.kind:
        return node
    return replace(node, outputs=same.outputs, kept=same.kept, title=node.title or same.title)
