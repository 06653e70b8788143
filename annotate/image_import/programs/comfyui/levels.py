"""The nodes of a drawn graph with those inside its subgraphs and groups, as if drawn on one sheet.

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
"""Nodes and links of all subgraphs, each as often as it is used; subgraphs may hold themselves."""


@dataclass(frozen=True, slots=True)
class Typed:
    """A value that was typed outside a subgraph, for an input inside."""

    value: Any


Source = Link | Typed


@dataclass(frozen=True)
class Placed:
    """A node that is in no subgraph any more."""

    number: str
    raw: Mapping[str, Any]
    sources: Mapping[str, Source]
    """What is linked to its inputs, by their names."""
    promoted: Mapping[str, Any]
    """Values that were typed at the subgraph for its inputs, by their names."""


@dataclass
class Level:
    """The inside of one subgraph, or the whole sheet."""

    raw: Mapping[str, Any]
    prefix: str = ""
    feeds: list[Source | None] = field(default_factory=list)
    promoted: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Values for nodes inside, by the node's number and the input's name."""


@dataclass
class Sheet:
    """All nodes, and where links end that lead to an output of a subgraph."""

    nodes: list[Placed] = field(default_factory=list)
    same: dict[Link, Source] = field(default_factory=dict)


def spread(workflow: Mapping[str, Any]) -> Sheet:
    """Return the nodes of a drawn graph on one sheet; raises NoPrompt for too many."""
    known = {
        word(raw.get("id")): raw
        for raw in map(mapping, items(mapping(workflow.get("definitions")).get("subgraphs")))
    }
    groups = mapping(mapping(workflow.get("extra")).get("groupNodes"))
    sheet, waiting, parts = Sheet(), [Level(workflow)], 0
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
                waiting.append(_inside(sheet, placed, definition))
            elif raw.get("mode") != MUTED:
                sheet.nodes.append(placed)
    return sheet


def _placed(
    level: Level,
    links: Mapping[str, Link],
    everywhere: Mapping[tuple[str, str], Link],
    raw: Mapping[str, Any],
) -> Placed:
    number = key(raw.get("id"))
    sources: dict[str, Source] = {}
    for slot, inlet in enumerate(map(mapping, items(raw.get("inputs")))):
        link = links.get(key(inlet.get("link"))) or everywhere.get((number, key(slot)))
        source = _source(level, link) if link else None
        if source is not None:
            sources[word(inlet.get("name"))] = source
    return Placed(level.prefix + number, raw, sources, level.promoted.get(number, {}))


def _source(level: Level, link: Link) -> Source | None:
    """What is at the other end of a link, which may come from outside."""
    if link.node != FROM_OUTSIDE:
        return Link(level.prefix + link.node, link.slot)
    return level.feeds[link.slot] if 0 <= link.slot < len(level.feeds) else None


def _inside(sheet: Sheet, placed: Placed, definition: Mapping[str, Any]) -> Level:
    """The inside of a subgraph at one place; its outputs are those of nodes inside."""
    typed = dict(named_values(placed.raw)) | dict(placed.promoted)
    level = Level(definition, f"{placed.number}:")
    for owner, name, value in _proxies(placed.raw):
        if owner == "-1":
            typed[name] = value
        else:
            level.promoted.setdefault(owner, {})[name] = value
    for inlet in map(mapping, items(definition.get("inputs"))):
        name = word(inlet.get("name"))
        source = placed.sources.get(name)
        level.feeds.append(source or (Typed(typed[name]) if name in typed else None))

    for link, slot in _outlets(definition):
        source = _source(level, link)
        if source is not None:
            sheet.same[Link(placed.number, slot)] = source
    return level


def _proxies(raw: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """The values at a subgraph that stand for values inside: whose, which, and what."""
    names = items(mapping(raw.get("properties")).get("proxyWidgets"))
    values = items(raw.get("widgets_values"))
    if len(names) != len(values):
        return
    for name, value in zip(names, values, strict=True):
        match items(name):
            case [str() | int() as owner, str() as inlet, *_] if value is not None:
                yield key(owner), inlet, value


def _links(raw: Mapping[str, Any]) -> Iterator[tuple[str, Link]]:
    """The links of a level by their numbers: a list each, or an object."""
    for link in items(raw.get("links")):
        match link:
            case [number, origin, int() as slot, *_]:
                yield key(number), Link(key(origin), slot)
            case {"id": number, "origin_id": origin, "origin_slot": int() as slot}:
                yield key(number), Link(key(origin), slot)


def _everywhere(raw: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], Link]]:
    """The links that are not drawn, but made when it runs, by the input that they come to."""
    for link in map(mapping, items(mapping(raw.get("extra")).get("ue_links"))):
        slot = link.get("upstream_slot")
        if isinstance(slot, int):
            place = key(link.get("downstream")), key(link.get("downstream_slot"))
            yield place, Link(key(link.get("upstream")), slot)


def _outlets(definition: Mapping[str, Any]) -> Iterator[tuple[Link, int]]:
    """What leads out of a subgraph: from where, and to which of its outputs."""
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
