"""Groups of nodes, ComfyUI's older kind of subgraph, put into the form of the newer one.

A group's inputs are those of its nodes that nothing inside is linked to, in their order; its values
are those of all its nodes in a row.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from annotate.image_import.programs.comfyui.graph import items, key, mapping, word

PREFIXES = ("workflow>", "workflow/")
OUTSIDE_IN, OUTSIDE_OUT = -10, -20


def group_definition(raw: Mapping[str, Any], groups: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the inside of a group as that of a subgraph; None for a node that is no group."""
    kind = word(raw.get("type"))
    prefix = next((prefix for prefix in PREFIXES if kind.startswith(prefix)), None)
    group = mapping(groups.get(kind.removeprefix(prefix))) if prefix else {}
    if not group:
        return None

    nodes = [{**mapping(node), "id": n} for n, node in enumerate(items(group.get("nodes")))]
    links = [list(link[:4]) for link in items(group.get("links")) if _is_link(link)]
    _share_values(nodes, items(raw.get("widgets_values")))
    inlets = [mapping(inlet) for inlet in items(raw.get("inputs"))]
    entering = list(_entering(nodes, links, inlets))
    leaving = list(_leaving(nodes, links, items(group.get("external"))))
    return {
        "nodes": _linked(nodes, [*links, *entering]),
        "links": [[n, *link] for n, link in enumerate([*links, *entering, *leaving])],
        "inputs": [{"name": inlet.get("name")} for inlet in inlets],
    }


def _share_values(nodes: list[dict[str, Any]], values: list[Any]) -> None:
    """Give each node its part of the group's values, where they fit."""
    counts = [len(items(node.get("widgets_values"))) for node in nodes]
    if sum(counts) != len(values):
        return
    remaining = iter(values)
    for node, count in zip(nodes, counts, strict=True):
        node["widgets_values"] = [next(remaining) for _ in range(count)]


def _entering(
    nodes: list[dict[str, Any]], links: list[Any], inlets: list[dict[str, Any]]
) -> Iterator[list[Any]]:
    """Yield links from the group's inputs to free inputs inside of the same type."""
    taken = {(key(target), key(slot)) for _, _, target, slot in links}
    free = iter(
        (node["id"], slot, mapping(inlet).get("type"))
        for node in nodes
        for slot, inlet in enumerate(items(node.get("inputs")))
        if (key(node["id"]), key(slot)) not in taken and not mapping(inlet).get("widget")
    )

    for number, inlet in enumerate(inlets):
        if inlet.get("widget"):
            continue
        found = next(
            (free_input for free_input in free if free_input[2] == inlet.get("type")), None
        )
        if found:
            yield [OUTSIDE_IN, number, found[0], found[1]]


def _leaving(
    nodes: list[dict[str, Any]], links: list[Any], external: list[Any]
) -> Iterator[list[Any]]:
    """Yield links to the group's outputs from outputs inside that are free or shown outside."""
    used = {(key(origin), key(slot)) for origin, slot, _, _ in links}
    used -= {(key(row[0]), key(row[1])) for row in external if len(items(row)) > 1}
    number = 0
    for node in nodes:
        for slot, _ in enumerate(items(node.get("outputs"))):
            if (key(node["id"]), key(slot)) not in used:
                yield [node["id"], slot, OUTSIDE_OUT, number]
                number += 1


def _linked(nodes: list[dict[str, Any]], links: list[Any]) -> list[dict[str, Any]]:
    """Return the nodes with the number of each link at the input it leads to."""
    ends = {(key(target), key(slot)): n for n, (_, _, target, slot) in enumerate(links)}
    return [
        {**node, "inputs": [
            {**mapping(inlet), "link": ends.get((key(node["id"]), key(slot)))}
            for slot, inlet in enumerate(items(node.get("inputs")))
        ]}
        for node in nodes
    ]  # fmt: skip


def _is_link(link: Any) -> bool:
    return isinstance(link, list) and len(link) >= 4
