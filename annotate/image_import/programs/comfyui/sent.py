"""A ComfyUI graph in API form, as sent to be run: nodes by id, `class_type` and `inputs`."""

from itertools import islice
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
from annotate.image_import.programs.comfyui.names import Role


def is_sent(value: Any) -> bool:
    """Return whether a value is a graph in API form."""
    return any(isinstance(node, dict) and "class_type" in node for node in mapping(value).values())


def sent(value: Any) -> Graph:
    """Return the graph of a value in API form."""
    known: dict[str, Role] = {}
    nodes = {
        number: _node(node, known)
        for number, node in mapping(value).items()
        if isinstance(node, dict) and isinstance(node.get("inputs"), dict)
    }
    return Graph(nodes)


def _node(node: dict[str, Any], known: dict[str, Role]) -> Node:
    given = islice(node["inputs"].items(), MAX_INPUTS)
    inputs = {name: _unwrapped(value) for name, value in given}
    links = {name: link for name, value in inputs.items() if (link := _link(value))}
    values = {name: value for name, value in inputs.items() if name not in links}
    title = word(mapping(node.get("_meta")).get("title"))
    kind = word(node.get("class_type"))
    return Node(kind, tuple(inputs), values, links, title=title, known=known)


def _link(value: Any) -> Link | None:
    """Return a link: the id of a node, and the number of one of its outputs."""
    match items(value):
        case [str() | int() as node, int() as slot]:
            return Link(key(node), slot)
    return None


def _unwrapped(value: Any) -> Any:
    """Return a value; lists are sent in an object, or they would be taken for links."""
    if isinstance(value, dict) and "__value__" in value:
        value = value["__value__"]
        return value[0] if isinstance(value, list) and len(value) == 1 else value
    return value
