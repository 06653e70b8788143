"""Follow links through a graph: each question may ask others, and no stack grows by it."""

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field, replace
from itertools import islice

from annotate.image_import.programs.comfyui.graph import Graph, Link
from annotate.image_import.programs.reader import MAX_TEXT_LENGTH, NoPrompt

MAX_STEPS = 30_000
"""Of questions, four inputs and 250 characters each; a graph that people draw takes hundreds."""
MAX_PARALLEL = 50
"""Texts beside each other."""


@dataclass(frozen=True, slots=True)
class Told:
    """What is known of the text at an output."""

    text: str = ""
    maker: str = ""
    """The kind of the node that makes the text when it runs, so that the graph does not hold it."""
    sure: bool = True
    """Whether the nodes behind it are understood; else it is what their inputs hold."""
    parts: tuple[str, ...] = ()
    """The texts of which it was combined, where it was."""
    final: bool = False
    """Whether that is all there is to find at its node, be it nothing."""

    def __bool__(self) -> bool:
        return bool(self.text.strip() or self.maker)


NOTHING = Told()
Asking = Generator[Link, Told, Told]
"""Yields links, is sent what is told at each, and returns what it makes of that."""


def joined(told: Iterable[Told], delimiter: str = ", ", keep_empty: bool = False) -> Told:
    """Return texts as one; half of it would be the prompt of another image, so all or none."""
    parts = [part for part in told if keep_empty or part]
    made = next((part for part in parts if part.maker), None)
    if made is not None:
        return made
    text = ""
    for number, part in enumerate(parts):
        text += (delimiter if number else "") + part.text
        if len(text) > MAX_TEXT_LENGTH:
            break
    return Told(text[:MAX_TEXT_LENGTH], sure=all(part.sure for part in parts))


def combined(told: Iterable[Told]) -> Told:
    """Return texts that are combined into one conditioning, each once; all or none."""
    found = [part for part in told if part]
    texts = dict.fromkeys(text for part in found for text in part.parts or (part.text,))
    parts = tuple(islice(texts, MAX_PARALLEL))
    made = next((part for part in found if part.maker), None)
    whole = joined(Told(text) for text in parts)
    return made or replace(whole, parts=parts, sure=all(part.sure for part in found))


def parallel(told: Iterable[Told]) -> Told:
    """Return texts that stand beside each other as one, without those that another one holds."""
    parts = [replace(part, text=part.text.strip()) for part in told if part][:MAX_PARALLEL]
    kept: list[Told] = []
    for part in parts:
        if part.maker or not any(part.text in other.text for other in kept):
            kept = [other for other in kept if other.maker or other.text not in part.text]
            kept.append(part)
    return joined(kept)


@dataclass
class Budget:
    """How much more may be done for one file."""

    left: int = MAX_STEPS

    def spend(self, steps: int = 1) -> None:
        """Take steps; raises NoPrompt where none are left."""
        self.left -= steps
        if self.left < 0:
            raise NoPrompt("a ComfyUI graph that is too large to follow")


@dataclass
class Follower:
    """Answers questions about a graph, each once."""

    graph: Graph
    rules: Callable[[Graph, Link], Asking]
    budget: Budget = field(default_factory=Budget)
    answers: dict[Link, Told] = field(default_factory=dict)

    def told(self, asking: Asking) -> Told:
        """Return what somebody who asks finds out; depth first, a circle tells nothing."""
        stack: list[tuple[Link | None, Asking]] = [(None, asking)]
        open_links: set[Link] = set()
        answer: Told | None = None
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
