"""Starting point of a search: the sampler that made the saved image."""

from collections import deque
from collections.abc import Iterable

from annotate.image_import.programs.comfyui.constants import choices, chosen, constant
from annotate.image_import.programs.comfyui.following import Budget, Follower, NodeText
from annotate.image_import.programs.comfyui.graph import Graph, Node
from annotate.image_import.programs.comfyui.names import is_negative, words
from annotate.image_import.programs.comfyui.rules import (
    find_sampler_text,
    find_service_text,
    find_text,
)
from annotate.image_import.programs.reader import NoPrompt

SAVING = ("save", "send")
AWAY = frozenset(
    "model clip vae control controlnet net mask masks upscale seed noise lora vision ipadapter "
    "text prompt string prefix filename sigmas positive conditioning bbox segm sam".split()
)
"""Words in the names of inputs that do not lead to what an image is made of."""
SEVERAL = "a ComfyUI graph that saves images of several prompts"


def find_prompt(graph: Graph) -> NodeText | None:
    """Return the positive prompt of a graph; None where there is none.

    Raises NoPrompt for a graph that made images of several prompts, one of which is the file's.
    """
    follower = Follower(graph, find_text, Budget())
    saving = [number for number in graph.ends if _saves(graph.nodes[number])]
    showing = [number for number in graph.ends if not _samples(graph.nodes[number])]
    samplers = [number for number, node in graph.nodes.items() if "sampler" in node.lower]
    for ends in (saving, showing, samplers, graph.ends):
        if node_text := _agreed(filter(None, (_of_end(follower, end) for end in ends))):
            return node_text
    return _lone_encoder(follower)


def _of_end(follower: Follower, end: str) -> NodeText | None:
    """Return the prompt of the image at an end of the graph; None without one."""
    samplers, others = _behind(follower, [end])
    if not samplers:
        if not _saves(follower.graph.nodes[end]):
            others.remove(end)
        asked = (follower.run(find_service_text(follower.graph, number)) for number in others)
        return next(filter(None, asked), None)
    return _agreed(_begun_by(follower, number) for number in samplers)


def _begun_by(follower: Follower, number: str) -> NodeText:
    """Find the prompt of a sampler's image: that of the sampler that began it.

    Where several did, with different prompts, the one that goes over all of it tells.
    """
    waiting, seen = [number], {number}
    firsts: dict[NodeText, None] = {}
    while waiting:
        at = waiting.pop()
        before: list[str] = []
        if _refines(follower.graph, follower.graph.nodes[at]):
            before, _ = _behind(follower, _image_inputs(follower.graph, at))
        waiting += [other for other in before if other not in seen]
        seen.update(before)
        if not before and (node_text := follower.run(find_sampler_text(follower.graph, at))):
            firsts[node_text] = None

    if len(firsts) == 1:
        return next(iter(firsts))
    return follower.run(find_sampler_text(follower.graph, number))


def _agreed(node_texts: Iterable[NodeText]) -> NodeText | None:
    """Return what all tell that tell something; raises NoPrompt where they differ."""
    found = {" ".join(part.text.split()): part for part in node_texts if part}
    made = next((part for part in found.values() if part.maker), None)
    if made is None and len(found) > 1:
        raise NoPrompt(SEVERAL)
    return made or next(iter(found.values()), None)


def _behind(follower: Follower, begin: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the nearest samplers behind an image, and the other nodes in between."""
    graph, waiting, seen = follower.graph, deque(begin), set[str]()
    samplers, others = [], []
    while waiting:
        number = waiting.popleft()
        if number in seen or number not in graph.nodes:
            continue
        seen.add(number)
        follower.budget.spend()
        if _samples(graph.nodes[number]):
            samplers.append(number)
        else:
            others.append(number)
            waiting += _image_inputs(graph, number)

    return samplers, others


def _image_inputs(graph: Graph, number: str) -> list[str]:
    """Return the nodes that give a node its image or latents."""
    node = graph.nodes[number]
    names = [name for name in node.linked("text", "aside", "other") if _leads_to_image(name)]
    among = choices(node)
    if among and (name := chosen(graph, node, among)) is not None:
        names = [name] if name in node.links else []
    return [node.links[name].node for name in names]


def _leads_to_image(name: str) -> bool:
    return not AWAY & set(words(name)) and not is_negative(name)


def _samples(node: Node) -> bool:
    """Return whether a node samples an image from conditioning."""
    names = node.linked("positive", "conditioning", "pipe")
    among = choices(node)
    return any(among is None or name in among for name in names) and not _saves(node)


def _refines(graph: Graph, node: Node) -> bool:
    """Return whether a sampler starts from an image or latents of another sampler."""
    if any({"image", "images"} & set(words(name)) for name in node.links):
        return True
    start = constant(graph, node, "start_at_step")
    if isinstance(start, int) and start > 0:
        return True
    sigmas = graph.nodes.get(node.links["sigmas"].node) if "sigmas" in node.links else None
    strengths = (constant(graph, n, "denoise") for n in (node, sigmas) if n is not None)
    return any(isinstance(value, int | float) and value < 1 for value in strengths)


def _saves(node: Node) -> bool:
    named = any("filename" in name.lower() for name in node.names)
    return any(part in node.lower for part in SAVING) or (named and "load" not in node.lower)


def _lone_encoder(follower: Follower) -> NodeText | None:
    """Return the text of the only encoder in a graph without a sampler: it must be the prompt."""
    graph = follower.graph
    refused = {
        link.node for node in graph.nodes.values() for name, link in node.links.items()
        if is_negative(name)
    }  # fmt: skip
    encoders = [
        number for number, node in graph.nodes.items()
        if "textencode" in node.lower and number not in refused and not is_negative(node.title)
    ]  # fmt: skip
    return follower.run(find_sampler_text(graph, encoders[0])) if len(encoders) == 1 else None
