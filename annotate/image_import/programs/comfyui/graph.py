"""A ComfyUI graph in one form, however it was written: nodes, their values and their links."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from annotate.image_import.programs.comfyui.names import Role, role

MAX_INPUTS = 200
"""Of a node; those that people use have a few dozen."""


@dataclass(frozen=True, slots=True)
class Link:
    """An output of a node, as it is linked to an input of another."""

    node: str
    slot: int


@dataclass(frozen=True)
class Node:
    """One node: what it is, what it was told, and what it is linked to, by the inputs' names."""

    kind: str
    names: tuple[str, ...] = ()
    """Of all inputs, in order."""
    values: Mapping[str, Any] = field(default_factory=dict)
    links: Mapping[str, Link] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()
    """Their names; empty where the graph does not tell them."""
    kept: tuple[str, ...] = ()
    """Texts that the node showed and that were saved with the graph."""
    title: str = ""
    known: dict[str, Role] = field(default_factory=dict, compare=False, repr=False)
    """What names are for, of all nodes of a graph."""

    @cached_property
    def lower(self) -> str:
        """Its kind in small letters."""
        return self.kind[:200].lower()

    @cached_property
    def roles(self) -> Mapping[str, Role]:
        """What each input is for, by name, in order."""
        for name in self.names:
            if name not in self.known:
                self.known[name] = role(name)
        return {name: self.known[name] for name in self.names}

    @cached_property
    def has(self) -> frozenset[Role]:
        """The roles of its inputs."""
        return frozenset(self.roles.values())

    def named(self, *wanted: Role) -> list[str]:
        """The names of the inputs with one of some roles."""
        if self.has.isdisjoint(wanted):
            return []
        return [name for name, found in self.roles.items() if found in wanted]

    def linked(self, *wanted: Role) -> list[str]:
        """The names of the linked inputs with one of some roles."""
        return [name for name in self.named(*wanted) if name in self.links]

    def output(self, slot: int) -> str:
        """The name of an output; empty where it is not known."""
        return self.outputs[slot] if 0 <= slot < len(self.outputs) else ""


@dataclass(frozen=True)
class Graph:
    """Nodes by their ids."""

    nodes: Mapping[str, Node]
    drawn: bool = False
    """Whether it is what stands on the screen, with choices like {red|blue} not yet made."""
    constants: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """Values that nodes have found to give, by their ids."""

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
        """Which outputs of each node are used."""
        found: dict[str, set[int]] = {}
        for link in self.users:
            found.setdefault(link.node, set()).add(link.slot)
        return found

    @cached_property
    def ends(self) -> list[str]:
        """The ids of the nodes that are linked to no other."""
        return [number for number in self.nodes if number not in self.slots]


def key(value: Any) -> str:
    """Return the number of a node or a link as a text.

    Numbers themselves would do as keys of a dict, but a file can choose them so that all collide.
    """
    return str(value) if isinstance(value, str | int) else ""


def word(value: Any) -> str:
    """Return a text; an empty one for what is none."""
    return value if isinstance(value, str) else ""


def items(value: Any) -> list[Any]:
    """Return a list; an empty one for what is none."""
    return value if isinstance(value, list) else []


def mapping(value: Any) -> dict[str, Any]:
    """Return an object; an empty one for what is none."""
    return value if isinstance(value, dict) else {}
