"""The positive prompt in InvokeAI's graph or workflow: from the denoiser back to the text.

A graph has `nodes` by id and `edges` between their fields; a workflow has the same as it is drawn.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

POSITIVE = ("positive_conditioning", "positive_text_conditioning", "pos_conditioning")
TEXTS = ("prompt", "positive_prompt", "value", "string", "text", "style", "string_left",
         "string_right", "collection", "item")  # fmt: skip
"""Fields that hold a prompt, in a node that a denoiser's conditioning comes from."""
ASIDE = ("negative", "clip", "unet", "vae", "model", "mask", "noise", "latents", "image")
MAX_TEXTS = 100


@dataclass(slots=True)
class InvokeNode:
    """A node: its own values, and by field the nodes that other values come from."""

    values: Mapping[str, Any]
    sources: dict[str, list[str]] = field(default_factory=dict)


def prompt_of_nodes(value: Mapping[str, Any]) -> str:
    """Return the positive prompt of a graph or workflow; empty where none can be found."""
    nodes = _nodes(value.get("nodes"))
    for edge in _items(value.get("edges")):
        source, target, name = _ends(edge)
        if source and source in nodes and target in nodes:
            nodes[target].sources.setdefault(name, []).append(source)

    for node in nodes.values():
        starts = [one for name in POSITIVE for one in node.sources.get(name, ())]
        if starts and (text := _texts(nodes, starts)):
            return text
    told = (_text(node.values.get("positive_prompt")) for node in nodes.values())
    return next(filter(None, told), "")


def _texts(nodes: Mapping[str, InvokeNode], starts: list[str]) -> str:
    """Return the texts that nodes hold or are sent, each once, in the order of their fields."""
    found: list[str] = []
    waiting, seen = starts[::-1], set(starts)
    while waiting and len(found) < MAX_TEXTS:
        node = nodes[waiting.pop()]
        # What a field is sent replaces what it holds.
        texts = [_text(node.values.get(name)) for name in TEXTS if name not in node.sources]
        found += [text for text in texts if text and text not in found]
        for name in reversed(list(node.sources)):
            if not any(word in name for word in ASIDE):
                fresh = [one for one in node.sources[name] if one not in seen]
                seen.update(fresh)
                waiting += reversed(fresh)
    return ", ".join(found)


def _nodes(value: Any) -> dict[str, InvokeNode]:
    """Return nodes by id, of either form."""
    if isinstance(value, dict):
        return {key: InvokeNode(node) for key, node in value.items() if isinstance(node, dict)}

    nodes: dict[str, InvokeNode] = {}
    for drawn in (one for one in _items(value) if isinstance(one, dict)):
        data = drawn.get("data")
        inputs = data.get("inputs") if isinstance(data, dict) else None
        if isinstance(inputs, dict):
            told = {name: one for name, one in inputs.items() if isinstance(one, dict)}
            nodes[_text(drawn.get("id"))] = InvokeNode(
                {name: one.get("value") for name, one in told.items()}
            )
    return nodes


def _ends(edge: Any) -> tuple[str, str, str]:
    """Return where an edge comes from, where it leads to, and to which field."""
    if not isinstance(edge, dict):
        return "", "", ""
    source, target = edge.get("source"), edge.get("destination", edge.get("target"))
    if isinstance(source, dict) and isinstance(target, dict):
        ends = (source.get("node_id"), target.get("node_id"), target.get("field"))
    else:
        ends = (source, target, edge.get("targetHandle"))
    return _text(ends[0]), _text(ends[1]), _text(ends[2])


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""
