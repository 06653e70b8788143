"""The positive prompt in a ComfyUI graph: from the sampler along its links to the text.

Both forms are read: `prompt`, nodes by id with `class_type` and `inputs`, and `workflow`, the graph
as it is drawn, with `nodes`, `links` and `widgets_values`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

POSITIVE = ("positive", "guider", "conditioning", "conditioning_to", "conditioning_1")
"""Inputs to follow first, from the sampler on."""
TEXTS = ("text", "text_g", "text_l", "t5xxl", "clip_l", "prompt", "positive_prompt", "string",
         "value")  # fmt: skip
ASIDE = ("negative", "clip", "model", "vae", "latent_image", "image", "pixels", "control_net")
"""Inputs that lead away from the prompt."""


@dataclass(frozen=True, slots=True)
class Node:
    """One node: what it is, what it was told, and which nodes it is linked to, by input."""

    kind: str
    texts: tuple[str, ...]
    links: Mapping[str, str]


Graph = dict[str, Node]


def prompt_of_graph(value: Any) -> str | None:
    """Return the positive prompt of a graph in either form; None where none can be found."""
    graph = _drawn(value) if isinstance(value, dict) and "nodes" in value else _sent(value)
    for number in sorted(graph, key=lambda number: _rank(graph[number])):
        node = graph[number]
        if not _rank(node):
            found = next((node.links[name] for name in POSITIVE if name in node.links), None)
            if found and (text := _text(graph, found, set())):
                return text
    encoders = [node for node in graph.values() if "textencode" in node.kind.lower()]
    # A lone encoder can only be the prompt.
    return next(iter(encoders[0].texts), None) if len(encoders) == 1 else None


def _rank(node: Node) -> int:
    """Samplers first."""
    return (
        0
        if "sampler" in node.kind.lower() and "positive" in node.links
        else int("guider" not in node.links)
    )


def _text(graph: Graph, number: str, seen: set[str]) -> str | None:
    """The text at a node, or behind its links; a graph may go round in circles."""
    node = graph.get(number)
    if node is None or number in seen:
        return None
    seen.add(number)
    if node.texts:
        return max(node.texts, key=len)
    for name in (*POSITIVE, *TEXTS, *node.links):
        if name in node.links and name not in ASIDE:
            if text := _text(graph, node.links[name], seen):
                return text
    return None


def _sent(value: Any) -> Graph:
    """A graph as it is sent to be run."""
    graph: Graph = {}
    for number, node in value.items() if isinstance(value, dict) else ():
        inputs = node.get("inputs") if isinstance(node, dict) else None
        if not isinstance(inputs, dict):
            continue
        told = {name: inputs[name] for name in TEXTS if isinstance(inputs.get(name), str)}
        links = {
            str(name): str(link[0])
            for name, link in inputs.items()
            if isinstance(link, list) and len(link) == 2
        }
        texts = tuple(text for text in told.values() if text.strip())
        graph[str(number)] = Node(str(node.get("class_type", "")), texts, links)
    return graph


def _drawn(value: Mapping[str, Any]) -> Graph:
    """A graph as it is drawn."""
    sources = {link[0]: str(link[1]) for link in _rows(value.get("links")) if len(link) >= 2}
    graph: Graph = {}
    for node in value["nodes"] if isinstance(value["nodes"], list) else ():
        if not isinstance(node, dict):
            continue
        kind = str(node.get("type", ""))
        links = {
            str(inlet.get("name")): sources[inlet["link"]]
            for inlet in node.get("inputs") or ()
            if isinstance(inlet, dict) and inlet.get("link") in sources
        }
        widgets = node.get("widgets_values") or ()
        written = widgets if isinstance(widgets, list) else ()
        texts = tuple(text for text in written if isinstance(text, str) and text.strip())
        # Of other nodes the texts are names of samplers, models and files.
        wordy = any(part in kind.lower() for part in ("textencode", "string", "text", "primitive"))
        fed = any(name in links for name in TEXTS)
        graph[str(node.get("id"))] = Node(kind, texts if wordy and not fed else (), links)
    return graph


def _rows(value: Any) -> Iterator[list[Any]]:
    for row in value if isinstance(value, list) else ():
        if isinstance(row, list):
            yield row
