"""Constants in a graph, typed or linked, and the input that a switch chooses by them."""

from annotate.image_import.programs.comfyui.graph import Graph, Node
from annotate.image_import.programs.comfyui.names import head, is_negative, ordinal, stem, words

MAX_HOPS = 50
SWITCHES = ("switch", "select", "choose", "choice", "ifelse", "if else", "branch", "mux", "toggle",
            "conditional", "fallback", "pick")  # fmt: skip
SELECTORS = frozenset(
    "select selected selector index idx choice choose switch which boolean bool condition use "
    "toggle active pick number cond input enabled evaluate".split()
)
TRUE = frozenset(("true", "tt"))
FALSE = frozenset(("false", "ff"))
Constant = bool | int | float | str


def constant(graph: Graph, node: Node, name: str) -> Constant | None:
    """Return the value of an input, if need be from the node it is linked to; None if unknown."""
    value = node.values.get(name)
    if isinstance(value, Constant):
        return value

    path: list[str] = []
    found: Constant | None = None
    at = node.links[name].node if name in node.links else None
    while at is not None and len(path) < MAX_HOPS:
        if at in graph.constants:
            found = graph.constants[at]
            break
        path.append(at)
        found, at = _given(graph.nodes.get(at))
    graph.constants.update(dict.fromkeys(path, found))
    return found


def _given(node: Node | None) -> tuple[Constant | None, str | None]:
    """Return the only value of a node, or else the node to which its only link leads."""
    if node is None:
        return None, None
    values = [value for value in node.values.values() if isinstance(value, Constant)]
    values = [value for value in values if not isinstance(value, str)] or values
    if len(values) == 1:
        return values[0], None
    only = len(node.links) == 1 and not values
    return None, next(iter(node.links.values())).node if only else None


def choices(node: Node) -> list[str] | None:
    """Return the inputs among which a node chooses; None for a node that does not choose."""
    if len(node.names) < 2:
        return None
    free = [name for name in node.names if not is_negative(name) and _may_be_chosen(node, name)]
    sided = [name for name in free if (TRUE | FALSE) & set(words(name))]
    if sided:
        return sided
    if not any(part in node.lower for part in SWITCHES):
        return None

    alike: dict[str, list[str]] = {}
    for name in free:
        if ordinal(name) is not None:
            # Where nothing but a letter is the name, it counts all the same.
            alike.setdefault(stem(name) if len(words(name)) > 1 else "", []).append(name)
    return max(alike.values(), key=len) if alike else None


def chosen(graph: Graph, node: Node, among: list[str]) -> str | None:
    """Return the input that a node chooses; an empty name for none of them, None if unknown."""
    names = [name for name in node.names if name not in among]
    selectors = [name for name in names if SELECTORS & set(words(name))]
    sided = [name for name in among if (TRUE | FALSE) & set(words(name))]
    if sided and not selectors and len(names) == 1:
        selectors = names

    values = [value for name in selectors if (value := constant(graph, node, name)) is not None]
    if len(values) != 1:
        return None
    if sided:
        wanted = TRUE if values[0] and str(values[0]).lower() not in FALSE else FALSE
        return next((name for name in sided if wanted & set(words(name))), "")
    return _numbered(values[0], among)


def has_selector(node: Node, among: list[str]) -> bool:
    """Return whether an input says which of the others is chosen; otherwise it is the first one."""
    by_name = any(SELECTORS & set(words(name)) for name in node.names if name not in among)
    return by_name or any((TRUE | FALSE) & set(words(name)) for name in among)


def _numbered(value: Constant, among: list[str]) -> str | None:
    """Return the input that a switch's value names, counts or numbers."""
    if isinstance(value, bool):
        return among[0 if value else -1] if len(among) == 2 else None
    if isinstance(value, str) and not value.strip().isdecimal():
        wanted = value.strip().lower()
        named = [name for name in among if name.lower() == wanted]
        lettered = [name for name in among if words(name)[-1:] == [wanted]]
        return next(iter(named or lettered), None)
    number = int(str(value).strip()[:9]) if isinstance(value, str) else int(value)
    return next((name for name in among if ordinal(name) == number), "")


def _may_be_chosen(node: Node, name: str) -> bool:
    """Return whether an input can hold a text: it is linked, or a text."""
    if name in node.links:
        return not SELECTORS & {head(name)} or ordinal(name) is not None
    return isinstance(node.values.get(name), str) and head(name) not in SELECTORS
