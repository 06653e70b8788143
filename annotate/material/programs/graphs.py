"""The positive prompt in a ComfyUI graph: from the sampler along its links to the text.

Both forms are read: `prompt`, nodes by id with `class_type` and `inputs`, and `workflow`, the graph
as it is drawn, with `nodes`, `links` and `widgets_values`.
"""

from collections.abc import Mapping
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
    # Shared by all samplers: where one found nothing, the next finds nothing either.
    seen: set[str] = set()
    for number in sorted(graph, key=lambda number: _rank(graph[number])):
        node = graph[number]
        if not _rank(node):
            found = next((node.links[name] for name in POSITIVE if name in node.links), None)
            if found and (text := _text(graph, found, seen)):
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


def _text(graph: Graph, start: str, seen: set[str]) -> str | None:
    """Return the text at a node, or behind its links, depth first.

    A graph may go round in circles, and a chain may be longer than Python's stack.
    """
    waiting = [start]
    while waiting:
        number = waiting.pop()
        node = graph.get(number)
        if node is None or number in seen:
            continue
        seen.add(number)
        if node.texts:
            return max(node.texts, key=len)
        names = (name for name in (*POSITIVE, *TEXTS, *node.links) if name not in ASIDE)
        waiting += reversed([node.links[name] for name in names if name in node.links])
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
            name: _key(link[0])
            for name, link in inputs.items()
            if isinstance(link, list) and len(link) == 2
        }
        texts = tuple(text for text in told.values() if text.strip())
        graph[number] = Node(_word(node.get("class_type")), texts, links)
    return graph


def _drawn(value: Mapping[str, Any]) -> Graph:
    """A graph as it is drawn."""
    sources = {_key(link[0]): _key(link[1]) for link in _lists(value.get("links")) if link[1:]}
    graph: Graph = {}
    for node in _items(value["nodes"]):
        if not isinstance(node, dict):
            continue
        kind = _word(node.get("type"))
        links = {
            _word(inlet.get("name")): sources[_key(inlet.get("link"))]
            for inlet in _items(node.get("inputs"))
            if isinstance(inlet, dict) and _key(inlet.get("link")) in sources
        }
        written = _items(node.get("widgets_values"))
        texts = tuple(text for text in written if isinstance(text, str) and text.strip())
        # Of other nodes the texts are names of samplers, models and files.
        wordy = any(part in kind.lower() for part in ("textencode", "string", "text", "primitive"))
        fed = any(name in links for name in TEXTS)
        graph[_key(node.get("id"))] = Node(kind, texts if wordy and not fed else (), links)
    return graph


def _key(value: Any) -> str:
    """Return the number of a node or a link as a text.

    Numbers themselves would do as keys of a dict, but a file can choose them so that all collide.
    """
    return str(value) if isinstance(value, str | int) else ""


def _word(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _lists(value: Any) -> list[list[Any]]:
    return [row for row in _items(value) if isinstance(row, list)]
