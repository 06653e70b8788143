"""A ComfyUI graph in one form, however it was stored: nodes, their values and their links."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from annotate.image_import.programs.comfyui.names import Role, role

MAX_INPUTS = 200
"""Inputs of a node; real ones have a few dozen."""


@dataclass(frozen=True, slots=True)
class Link:
    """Output of a node, to which an input of another node is linked."""

    node: str
    slot: int


@dataclass(frozen=True)
class Node:
    """Node of a graph: its kind, and the values and links of its inputs by name."""

    kind: str
    names: tuple[str, ...] = ()
    """Names of all inputs, in order."""
    values: Mapping[str, Any] = field(default_factory=dict)
    links: Mapping[str, Link] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()
    """Names of the outputs; empty if the graph does not hold them."""
    kept: tuple[str, ...] = ()
    """Texts that the node displayed, as saved with the graph."""
    title: str = ""
    known: dict[str, Role] = field(default_factory=dict, compare=False, repr=False)
    """Cache of roles by input name, shared by all nodes of a graph."""

    @cached_property
    def lower(self) -> str:
        """The kind in lower case."""
        return self.kind[:200].lower()

    @cached_property
    def roles(self) -> Mapping[str, Role]:
        """The role of each input by name, in order."""
        for name in self.names:
            if name not in self.known:
                self.known[name] = role(name)
        return {name: self.known[name] for name in self.names}

    @cached_property
    def has(self) -> frozenset[Role]:
        """The roles of its inputs."""
        return frozenset(self.roles.values())

    def named(self, *wanted: Role) -> list[str]:
        """Return the names of the inputs with one of these roles."""
        if self.has.isdisjoint(wanted):
            return []
        return [name for name, found in self.roles.items() if found in wanted]

    def linked(self, *wanted: Role) -> list[str]:
        """Return the names of the linked inputs with one of these roles."""
        return [name for name in self.named(*wanted) if name in self.links]

    def output(self, slot: int) -> str:
        """Return the name of an output; empty if it is unknown."""
        return self.outputs[slot] if 0 <= slot < len(self.outputs) else ""


@dataclass(frozen=True)
class Graph:
    """Graph: its nodes by id."""

    nodes: Mapping[str, Node]
    from_workflow: bool = False
    """Read from the workflow on screen, in which choices like {red|blue} are still open."""
    constants: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """Cache of the constants that nodes give, by their ids."""

    @cached_property
    def users(self) -> Mapping[Link, list[str]]:
        """The ids of the nodes to which each output is linked."""
        found: dict[Link, list[str]] = {}
        for number, node in self.nodes.items():
            for link in node.links.values():
                found.setdefault(link, []).append(number)
        return found

    @cached_property
    def slots(self) -> Mapping[str, set[int]]:
        """The outputs in use, by node."""
        found: dict[str, set[int]] = {}
        for link in self.users:
            found.setdefault(link.node, set()).add(link.slot)
        return found

    @cached_property
    def ends(self) -> list[str]:
        """The ids of the nodes that are linked to no other."""
        return [number for number in self.nodes if number not in self.slots]


def key(value: Any) -> str:
    """Return the number of a node or a link as text.

    Numbers themselves would do as keys of a dict, but a file can choose them so that all collide.
    """
    return str(value) if isinstance(value, str | int) else ""


def word(value: Any) -> str:
    """Return a text; empty for anything else."""
    return value if isinstance(value, str) else ""


def items(value: Any) -> list[Any]:
    """Return a list; empty for anything else."""
    return value if isinstance(value, list) else []


def mapping(value: Any) -> dict[str, Any]:
    """Return an object; empty for anything else."""
    return value if isinstance(value, dict) else {}
