"""A ComfyUI workflow as on screen: `nodes`, `links` and `widgets_values`."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from annotate.image_import.programs.comfyui.graph import (
    MAX_INPUTS,
    Graph,
    Link,
    Node,
    items,
    key,
    mapping,
    word,
)
from annotate.image_import.programs.comfyui.levels import (
    BYPASSED,
    FlatGraph,
    FlatNode,
    Source,
    TypedValue,
    spread,
)
from annotate.image_import.programs.comfyui.made import shows
from annotate.image_import.programs.comfyui.names import Role
from annotate.image_import.programs.comfyui.widgets import named_values, texts_in

NOTES = ("note", "markdownnote", "label")


def is_workflow(value: Any) -> bool:
    """Return whether a value is a workflow as on screen."""
    raw = mapping(value)
    nodes = [mapping(node) for node in items(raw.get("nodes"))]
    return any("widgets_values" in node or ("links" in raw and "type" in node) for node in nodes)


def graph_of_workflow(value: Any) -> Graph:
    """Return the graph of a workflow; raises NoPrompt if its subgraphs make it too large."""
    flat = spread(value)
    passes = flat.same | _passing(flat)
    ends: dict[Link, Source | None] = {}
    nodes = {}
    known: dict[str, Role] = {}
    for placed in flat.nodes:
        if _name(placed).lower() in NOTES or placed.raw.get("mode") == BYPASSED:
            continue
        found = {name: _end(passes, ends, link) for name, link in placed.sources.items()}
        nodes[placed.number] = _node(placed, found, known)
    return Graph(nodes, from_workflow=True)


def _node(placed: FlatNode, found: Mapping[str, Source | None], known: dict[str, Role]) -> Node:
    raw = placed.raw
    links = {name: source for name, source in found.items() if isinstance(source, Link)}
    typed = {name: source.value for name, source in found.items() if isinstance(source, TypedValue)}
    values = named_values(raw) | dict(placed.promoted) | typed
    values = {name: value for name, value in values.items() if name not in links}
    names = [word(mapping(inlet).get("name")) for inlet in items(raw.get("inputs"))]
    names = [name for name in names if name in links or name in values]
    names = list(dict.fromkeys([*names, *values]))[:MAX_INPUTS]

    outputs = tuple(word(mapping(outlet).get("name")) for outlet in items(raw.get("outputs")))
    node = Node(_name(placed), tuple(names), values, links, outputs, known=known)
    node = replace(node, title=word(raw.get("title")))
    if shows(node):
        texts = texts_in(raw)
        return replace(node, names=tuple(links), values={}, kept=texts)
    return node


def _name(placed: FlatNode) -> str:
    return word(placed.raw.get("type"))


def _passing(flat: FlatGraph) -> dict[Link, Source]:
    """Return the sources that outputs pass on: of bypassed nodes, and of \"Get\" nodes."""
    passing: dict[Link, Source] = {}
    kept: dict[str, Source] = {}
    getting: dict[str, str] = {}
    for placed in flat.nodes:
        kind, sources = _name(placed).lower().replace(" ", ""), list(placed.sources.values())
        if placed.raw.get("mode") == BYPASSED:
            passing |= _bypass(placed)
        elif "setnode" in kind and sources:
            kept[_variable(placed)] = sources[0]
        elif "getnode" in kind:
            getting[placed.number] = _variable(placed)

    for number, name in getting.items():
        if name in kept:
            passing[Link(number, 0)] = kept[name]
    return passing


def _variable(placed: FlatNode) -> str:
    return key(next(iter(items(placed.raw.get("widgets_values"))), ""))


def _bypass(placed: FlatNode) -> dict[Link, Source]:
    """Return what a bypassed node passes on: at each output the input of the same type."""
    inlets = [mapping(inlet) for inlet in items(placed.raw.get("inputs"))]
    passing: dict[Link, Source] = {}
    for slot, outlet in enumerate(map(mapping, items(placed.raw.get("outputs")))):
        same = [inlet for inlet in inlets if inlet.get("type") == outlet.get("type")]
        same = [inlet for inlet in same if word(inlet.get("name")) in placed.sources]
        here = inlets[slot] if slot < len(inlets) else None
        if same:
            inlet = here if here in same else same[0]
            passing[Link(placed.number, slot)] = placed.sources[word((inlet or {}).get("name"))]
    return passing


def _end(
    passes: Mapping[Link, Source], ends: dict[Link, Source | None], source: Source
) -> Source | None:
    """Return the final source of a link; None for a cycle."""
    path: list[Link] = []
    seen: set[Link] = set()
    end: Source | None = source
    while isinstance(end, Link) and end in passes and end not in ends:
        if end in seen:
            end = None
            break
        seen.add(end)
        path.append(end)
        end = passes[end]

    if isinstance(end, Link) and end in ends:
        end = ends[end]
    ends.update(dict.fromkeys(path, end))
    return end
