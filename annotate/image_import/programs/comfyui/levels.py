"""Flatten a workflow: the nodes inside its subgraphs and groups become nodes like the others.

Inside a subgraph, links from node -10 come from outside, and links to node -20 lead there.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from annotate.image_import.programs.comfyui.graph import Link, items, key, mapping, word
from annotate.image_import.programs.comfyui.groups import group_definition
from annotate.image_import.programs.comfyui.widgets import MUTED, named_values
from annotate.image_import.programs.reader import NoPrompt

FROM_OUTSIDE, TO_OUTSIDE = "-10", "-20"
BYPASSED = 4
MAX_PARTS = 200_000
"""Nodes and links of all subgraphs, counted per use; a subgraph may contain itself."""


@dataclass(frozen=True, slots=True)
class TypedValue:
    """Value typed outside a subgraph for an input inside."""

    value: Any


Source = Link | TypedValue


@dataclass(frozen=True)
class FlatNode:
    """Node of the flattened graph."""

    number: str
    raw: Mapping[str, Any]
    sources: Mapping[str, Source]
    """Sources of its inputs by name."""
    promoted: Mapping[str, Any]
    """Values typed at the subgraph for its inputs, by name."""


@dataclass
class SubgraphLevel:
    """Inside of one subgraph, or the top level of the workflow."""

    raw: Mapping[str, Any]
    prefix: str = ""
    feeds: list[Source | None] = field(default_factory=list)
    promoted: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Values for nodes inside, by number of the node and name of the input."""


@dataclass
class FlatGraph:
    """Flattened graph: all nodes, and the sources of the outputs of subgraphs."""

    nodes: list[FlatNode] = field(default_factory=list)
    same: dict[Link, Source] = field(default_factory=dict)


def spread(workflow: Mapping[str, Any]) -> FlatGraph:
    """Flatten a workflow; raises NoPrompt for one with too many nodes."""
    known = {
        word(raw.get("id")): raw
        for raw in map(mapping, items(mapping(workflow.get("definitions")).get("subgraphs")))
    }
    groups = mapping(mapping(workflow.get("extra")).get("groupNodes"))

    flat, waiting, parts = FlatGraph(), [SubgraphLevel(workflow)], 0
    while waiting:
        level = waiting.pop()
        parts += 1 + len(items(level.raw.get("nodes"))) + len(items(level.raw.get("links")))
        if parts > MAX_PARTS or len(level.prefix) > 1000:
            raise NoPrompt("a ComfyUI graph that is too large to follow")
        links = dict(_links(level.raw))
        everywhere = dict(_everywhere(level.raw))
        for raw in map(mapping, items(level.raw.get("nodes"))):
            placed = _placed(level, links, everywhere, raw)
            definition = known.get(word(raw.get("type"))) or group_definition(raw, groups)
            if definition and raw.get("mode") not in (MUTED, BYPASSED):
                waiting.append(_inside(flat, placed, definition))
            elif raw.get("mode") != MUTED:
                flat.nodes.append(placed)
    return flat


def _placed(
    level: SubgraphLevel,
    links: Mapping[str, Link],
    everywhere: Mapping[tuple[str, str], Link],
    raw: Mapping[str, Any],
) -> FlatNode:
    number = key(raw.get("id"))
    sources: dict[str, Source] = {}
    for slot, inlet in enumerate(map(mapping, items(raw.get("inputs")))):
        link = links.get(key(inlet.get("link"))) or everywhere.get((number, key(slot)))
        source = _source(level, link) if link else None
        if source is not None:
            sources[word(inlet.get("name"))] = source
    return FlatNode(level.prefix + number, raw, sources, level.promoted.get(number, {}))


def _source(level: SubgraphLevel, link: Link) -> Source | None:
    """Return the source at the other end of a link, which may be outside of the subgraph."""
    if link.node != FROM_OUTSIDE:
        return Link(level.prefix + link.node, link.slot)
    return level.feeds[link.slot] if 0 <= link.slot < len(level.feeds) else None


def _inside(flat: FlatGraph, placed: FlatNode, definition: Mapping[str, Any]) -> SubgraphLevel:
    """Return the inside of a subgraph, and note the sources of its outputs."""
    typed = dict(named_values(placed.raw)) | dict(placed.promoted)
    level = SubgraphLevel(definition, f"{placed.number}:")
    for owner, name, value in _proxies(placed.raw):
        if owner == "-1":
            typed[name] = value
        else:
            level.promoted.setdefault(owner, {})[name] = value
    for inlet in map(mapping, items(definition.get("inputs"))):
        name = word(inlet.get("name"))
        source = placed.sources.get(name)
        level.feeds.append(source or (TypedValue(typed[name]) if name in typed else None))

    for link, slot in _outlets(definition):
        source = _source(level, link)
        if source is not None:
            flat.same[Link(placed.number, slot)] = source
    return level


def _proxies(raw: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Yield the values typed at a subgraph for nodes inside: node, input and value."""
    names = items(mapping(raw.get("properties")).get("proxyWidgets"))
    values = items(raw.get("widgets_values"))
    if len(names) != len(values):
        return
    for name, value in zip(names, values, strict=True):
        match items(name):
            case [str() | int() as owner, str() as inlet, *_] if value is not None:
                yield key(owner), inlet, value


def _links(raw: Mapping[str, Any]) -> Iterator[tuple[str, Link]]:
    """Yield the links of a level by number; each is stored as a list or an object."""
    for link in items(raw.get("links")):
        match link:
            case [number, origin, int() as slot, *_]:
                yield key(number), Link(key(origin), slot)
            case {"id": number, "origin_id": origin, "origin_slot": int() as slot}:
                yield key(number), Link(key(origin), slot)


def _everywhere(raw: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], Link]]:
    """Yield the links of \"Use Everywhere\" nodes, made at run time, by the input they lead to."""
    for link in map(mapping, items(mapping(raw.get("extra")).get("ue_links"))):
        slot = link.get("upstream_slot")
        if isinstance(slot, int):
            target = key(link.get("downstream")), key(link.get("downstream_slot"))
            yield target, Link(key(link.get("upstream")), slot)


def _outlets(definition: Mapping[str, Any]) -> Iterator[tuple[Link, int]]:
    """Yield the links that lead out of a subgraph: source, and number of the output."""
    for link in items(definition.get("links")):
        match link:
            case [_, origin, int() as slot, target, int() as outlet, *_]:
                pass
            case {"origin_id": origin, "origin_slot": int() as slot, "target_id": target,
                  "target_slot": int() as outlet}:  # fmt: skip
                pass
            case _:
                continue
        if key(target) == TO_OUTSIDE:
            yield Link(key(origin), slot), outlet
