"""What an output of a node tells of the prompt, by the node's structure, not by a list of nodes.

The first rule that finds something is believed. Only what is not negative is ever asked.
"""

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import replace

from annotate.material.programs.comfyui.constants import (
    Constant,
    choices,
    chosen,
    constant,
    has_selector,
)
from annotate.material.programs.comfyui.following import (
    NOTHING,
    Asking,
    Told,
    joined,
    parallel,
)
from annotate.material.programs.comfyui.graph import Graph, Link, Node
from annotate.material.programs.comfyui.made import (
    draws_lots,
    is_maker,
    is_read,
    shown_text,
    shows,
    throws_dice,
)
from annotate.material.programs.comfyui.names import head, is_negative, is_prose, is_text, words
from annotate.material.programs.comfyui.operations import in_order, made_of
from annotate.material.programs.reader import LONGEST_TEXT

Rule = Callable[[Graph, Node, Link], Asking]
NO_TEXTS = frozenset("none no yes true false enable disable on off auto default".split())
NAMELESS = ("", "any", "anything", "source", "data")
"""Names of inputs that may be for anything; of those that are typed, only what goes before or
after a text is one."""
ASIDE_TEXTS = frozenset("prefix suffix prepend append".split())
UNWORDED = frozenset("style styles mode type preset version select lora".split())
PROMPTS = frozenset("prompt prompts positive".split())
JOINING = ("concat", "join", "combin", "append", "merge", "multi", "encode", "replace", "format")


def tell(graph: Graph, link: Link) -> Asking:
    """Find out what is known of the text or the conditioning at an output."""
    node = graph.nodes.get(link.node)
    if node is None or is_negative(node.output(link.slot)) or "zeroout" in node.lower:
        return NOTHING

    told = yield from _first(graph, node, link, RULES)
    if told.maker or not told.sure:
        return _seen_elsewhere(graph, link) or told
    return told


def tell_sampler(graph: Graph, number: str) -> Asking:
    """Find out of which prompt a sampler made an image."""
    node = graph.nodes[number]
    return (yield from _first(graph, node, Link(number, 0), SAMPLER_RULES))


def tell_service(graph: Graph, number: str) -> Asking:
    """Find out of which prompt a node made an image that has no sampler: a program behind it.

    Other texts are written into images, or are names and colors.
    """
    node = graph.nodes[number]
    names = [name for name in node.named("positive", "text") if PROMPTS & set(words(name))]
    return parallel((yield from _inputs(graph, node, names)))


def _first(graph: Graph, node: Node, link: Link, rules: Sequence[Rule]) -> Asking:
    for rule in rules:
        told = yield from rule(graph, node, link)
        if told or told.final:
            return told
    return NOTHING


def _seen_elsewhere(graph: Graph, link: Link) -> Told | None:
    """The text at an output that another node, which is linked to it, has shown."""
    for number in graph.users.get(link, ()):
        node = graph.nodes[number]
        texts = set(shown_text(node)) if shows(node) else set()
        if len(texts) == 1:
            return Told(texts.pop())
    return None


def _shown(graph: Graph, node: Node, link: Link) -> Asking:
    """A node that shows a text: the text is known behind it, or it was saved when it was shown."""
    if not shows(node):
        return NOTHING
    told = joined((yield from _inputs(graph, node, node.linked("text", "other"))))
    texts = list(dict.fromkeys(shown_text(node)))
    if (told.sure and told.text) or not texts:
        return told
    return Told(texts[0]) if len(texts) == 1 else Told(maker=node.kind)


def _populated(graph: Graph, node: Node, link: Link) -> Asking:
    """A node with wildcards: what they were filled with."""
    names = [name for name in node.names if "populated" in name.lower()]
    return joined((yield from _inputs(graph, node, names)))


def _switched(graph: Graph, node: Node, link: Link) -> Asking:
    """A node that passes on one of its inputs."""
    among = choices(node)
    if not among:
        return NOTHING
    name = chosen(graph, node, among)
    if name is not None:
        told = (yield from _input(graph, node, name)) if name else NOTHING
        return replace(told, final=True)

    told_of = yield from _inputs(graph, node, among)
    if not has_selector(node, among):
        return next(filter(None, told_of), NOTHING)
    return told_of[0] if len(set(told_of)) == 1 else Told(maker=node.kind)


def _same_name(graph: Graph, node: Node, link: Link) -> Asking:
    """A node with several texts and an output for each: the input of the output's name."""
    if len(node.outputs) < 2:
        return NOTHING
    outputs = {name.lower() for name in node.outputs}
    names = {name.lower(): name for name in node.named("text", "positive", "conditioning")}
    wanted = node.output(link.slot).lower()
    if len(outputs & names.keys()) < 2 or wanted not in names:
        return NOTHING
    return (yield from _input(graph, node, names[wanted]))


def _made(graph: Graph, node: Node, link: Link) -> Asking:
    """A node that makes its text when it runs."""
    yield from ()
    return Told(maker=node.kind) if is_maker(node) or is_read(node) else NOTHING


def _positive(graph: Graph, node: Node, link: Link) -> Asking:
    """A node that tells positive from negative: loaders, stylers, samplers, ControlNets."""
    return parallel((yield from _inputs(graph, node, in_order(node.named("positive")))))


def _conditioned(graph: Graph, node: Node, link: Link) -> Asking:
    """A node that changes or joins conditioning: every text that goes into it."""
    names = in_order(node.linked("conditioning"))
    if "average" in node.lower:
        names = _averaged(graph, node, names)
    return joined(dict.fromkeys((yield from _inputs(graph, node, names))))


def _piped(graph: Graph, node: Node, link: Link) -> Asking:
    """A node that takes the prompt out of a bundle of everything: the first that has one.

    Of samplers for parts of an image, and their prompts, all.
    """
    names = node.linked("pipe")
    if names and all("sampler" in name for name in names):
        names += node.linked("text")
        return joined(dict.fromkeys((yield from _inputs(graph, node, names))))
    told = yield from _inputs(graph, node, names)
    texts = [part for part in told if part.text]
    return next(filter(None, texts or told), NOTHING)


def _texts(graph: Graph, node: Node, link: Link) -> Asking:
    """A node with texts: what it makes of them."""
    names = [name for name in node.names if _is_part(node, name)]
    if node.named("positive") or not any(_is_plainly_text(node, name) for name in names):
        return NOTHING
    if picked := _by_slot(graph, node, link, names):
        names = [picked]

    parts = dict(zip(names, (yield from _inputs(graph, node, names)), strict=True))
    settings = _settings(graph, node, names)
    made = made_of(node, parts, settings)
    if throws_dice(graph, node, made.text) or draws_lots(node, made.text, len(names)):
        return Told(maker=node.kind)
    known = not settings or any(part in node.lower for part in JOINING)
    return replace(made, sure=made.sure and known, final=True)


def _passed(graph: Graph, node: Node, link: Link) -> Asking:
    """A node that nobody knows: what is linked to it, or else values that read like a text."""
    names = node.linked("other")
    if names or node.linked("conditioning", "positive", "pipe"):
        told = joined((yield from _inputs(graph, node, names)))
        return replace(told, sure=False, final=True)
    typed = [name for name in node.named("other") if not UNWORDED & set(words(name))]
    prose = [value for name in typed if is_prose(value := node.values.get(name))]
    numbers = [v for v in node.values.values() if isinstance(v, int | float)]
    if len(node.values) == len(numbers) == 1 and not node.links:
        return Told(str(numbers[0]))
    if prose:
        return Told(", ".join(prose)[:LONGEST_TEXT], sure=False)
    return Told(maker=node.kind) if node.kind and not node.named("positive", "text") else NOTHING


def _inputs(graph: Graph, node: Node, names: Iterable[str]) -> Generator[Link, Told, list[Told]]:
    """The texts of several inputs."""
    told = []
    for name in names:
        told.append((yield from _input(graph, node, name)))
    return told


def _input(graph: Graph, node: Node, name: str) -> Asking:
    """The text of one input, typed or linked."""
    if name in node.links:
        return (yield node.links[name])
    value = node.values.get(name)
    if not is_text(value):
        return NOTHING
    return Told(maker=node.kind) if throws_dice(graph, node, value) else Told(value[:LONGEST_TEXT])


def _is_plainly_text(node: Node, name: str) -> bool:
    return node.roles[name] == "text" or name not in node.links


def _is_part(node: Node, name: str) -> bool:
    """Whether an input is part of a node's text: by its name, or as it has none to speak of."""
    nameless = node.roles[name] == "other" and head(name) in NAMELESS
    if name in node.links:
        return nameless or node.roles[name] == "text"
    value = node.values.get(name)
    if not isinstance(value, str) or value.strip().lower() in NO_TEXTS or "elect the" in value[:30]:
        return False
    return node.roles[name] == "text" or (nameless and bool(ASIDE_TEXTS & set(words(name))))


def _by_slot(graph: Graph, node: Node, link: Link, names: list[str]) -> str | None:
    """The one of a node's texts that an output passes on, where each has an output."""
    if len(names) < 2 or node.named("delimiter") or any(part in node.lower for part in JOINING):
        return None
    several = len(graph.slots.get(link.node, ())) > 1 or link.slot > 0
    return names[link.slot] if several and 0 <= link.slot < len(names) else None


def _settings(graph: Graph, node: Node, texts: list[str]) -> dict[str, Constant]:
    """What a node is told besides its texts."""
    names = [name for name in node.named("delimiter", "other") if name not in texts]
    found = {name: constant(graph, node, name) for name in names}
    return {name: value for name, value in found.items() if value is not None}


def _averaged(graph: Graph, node: Node, names: list[str]) -> list[str]:
    """The inputs of an average that count: with all of one, none of the other."""
    strength = next((constant(graph, node, n) for n in node.names if "strength" in words(n)), None)
    ends = {1.0: "to", 0.0: "from"}
    wanted = ends.get(float(strength)) if isinstance(strength, int | float) else None
    kept = [name for name in names if wanted in words(name)]
    return kept or sorted(names, key=lambda name: "from" in words(name))


RULES: tuple[Rule, ...] = (
    _shown, _populated, _switched, _same_name, _made, _positive, _conditioned, _piped, _texts,
    _passed,
)  # fmt: skip
SAMPLER_RULES: tuple[Rule, ...] = (_positive, _conditioned, _piped, _populated, _texts)
