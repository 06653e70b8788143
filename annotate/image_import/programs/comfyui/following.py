"""Follow links through a graph without recursion, so that no depth exhausts the stack."""

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field, replace
from itertools import islice

from annotate.image_import.programs.comfyui.graph import Graph, Link
from annotate.image_import.programs.reader import MAX_TEXT_LENGTH, NoPrompt

MAX_STEPS = 30_000
"""Steps per file, of a link, four inputs or 250 characters; real graphs take hundreds."""
MAX_PARALLEL = 50
"""Parallel texts that are joined into one."""


@dataclass(frozen=True, slots=True)
class NodeText:
    """Text at an output of a node, as far as the graph tells it."""

    text: str = ""
    maker: str = ""
    """Kind of a node that makes its text when it runs; the graph does not hold it."""
    sure: bool = True
    """All nodes behind it are understood; otherwise it is only what their inputs hold."""
    parts: tuple[str, ...] = ()
    """Texts from which it was combined; empty if it was not."""
    final: bool = False
    """Nothing else can be found at its node, even if this is empty."""

    def __bool__(self) -> bool:
        return bool(self.text.strip() or self.maker)


NOTHING = NodeText()
TextSearch = Generator[Link, NodeText, NodeText]
"""Generator that yields links, is sent the text at each, and returns its own text."""


def joined(
    node_texts: Iterable[NodeText], delimiter: str = ", ", keep_empty: bool = False
) -> NodeText:
    """Join texts, all or none of them: half a prompt would be that of another image."""
    parts = [part for part in node_texts if keep_empty or part]
    made = next((part for part in parts if part.maker), None)
    if made is not None:
        return made
    text = ""
    for number, part in enumerate(parts):
        text += (delimiter if number else "") + part.text
        if len(text) > MAX_TEXT_LENGTH:
            break
    return NodeText(text[:MAX_TEXT_LENGTH], sure=all(part.sure for part in parts))


def combined(node_texts: Iterable[NodeText]) -> NodeText:
    """Join texts that are combined into one conditioning, each once; all or none of them."""
    found = [part for part in node_texts if part]
    texts = dict.fromkeys(text for part in found for text in part.parts or (part.text,))
    parts = tuple(islice(texts, MAX_PARALLEL))
    made = next((part for part in found if part.maker), None)
    whole = joined(NodeText(text) for text in parts)
    return made or replace(whole, parts=parts, sure=all(part.sure for part in found))


def parallel(node_texts: Iterable[NodeText]) -> NodeText:
    """Join parallel texts, without those that another one contains."""
    parts = [replace(part, text=part.text.strip()) for part in node_texts if part][:MAX_PARALLEL]
    kept: list[NodeText] = []
    for part in parts:
        if part.maker or not any(part.text in other.text for other in kept):
            kept = [other for other in kept if other.maker or other.text not in part.text]
            kept.append(part)
    return joined(kept)


@dataclass
class Budget:
    """Budget of steps for one file."""

    left: int = MAX_STEPS

    def spend(self, steps: int = 1) -> None:
        """Spend steps; raises NoPrompt if none are left."""
        self.left -= steps
        if self.left < 0:
            raise NoPrompt("a ComfyUI graph that is too large to follow")


@dataclass
class Follower:
    """Search of a graph for texts; the text at each link is found once."""

    graph: Graph
    rules: Callable[[Graph, Link], TextSearch]
    budget: Budget = field(default_factory=Budget)
    answers: dict[Link, NodeText] = field(default_factory=dict)

    def run(self, asking: TextSearch) -> NodeText:
        """Run a search and return its text: depth first, and a cycle of links gives nothing."""
        stack: list[tuple[Link | None, TextSearch]] = [(None, asking)]
        open_links: set[Link] = set()
        answer: NodeText | None = None
        while True:
            of, asks = stack[-1]
            try:
                link = next(asks) if answer is None else asks.send(answer)
            except StopIteration as stop:
                answer = stop.value
                stack.pop()
                if of is None:
                    return answer
                open_links.discard(of)
                self.answers[of] = answer
                node = self.graph.nodes.get(of.node)
                inputs = len(node.names) if node else 0
                self.budget.spend(1 + inputs // 4 + len(answer.text) // 250)
                continue

            if link in self.answers or link in open_links:
                answer = self.answers.get(link, NOTHING)
                self.budget.spend()
                continue
            open_links.add(link)
            stack.append((link, self.rules(self.graph, link)))
            answer = None
