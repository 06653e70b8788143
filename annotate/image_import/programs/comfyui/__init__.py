"""ComfyUI: the graph that made an image, as it was sent (`prompt`) and as drawn (`workflow`).

In WebP they stand in EXIF texts that begin with the keyword. The graph that was sent is what ran;
the one that was drawn has the names of outputs, and the texts that nodes showed when they ran.
"""

from typing import Any

from annotate.image_import.programs.comfyui.drawn import graph_of_workflow, is_workflow
from annotate.image_import.programs.comfyui.enriched import enriched
from annotate.image_import.programs.comfyui.graph import Graph, mapping
from annotate.image_import.programs.comfyui.samplers import find_prompt
from annotate.image_import.programs.comfyui.sent import is_sent, sent
from annotate.image_import.programs.prompt_marks import shown
from annotate.image_import.programs.reader import (
    MAX_JSON_LENGTH,
    Fields,
    FoundPrompt,
    NoPrompt,
    json_object,
)

PROGRAM = "ComfyUI"
BROKEN = "a ComfyUI graph that cannot be read"
EMPTY = "a ComfyUI graph without a prompt"
MADE = "a ComfyUI graph whose prompt is made by {maker} when it runs"
MAX_KIND_LENGTH = 60


def read(fields: Fields) -> FoundPrompt | None:
    """Return the positive prompt of a file's graph; raises NoPrompt for a graph without one."""
    texts = [fields.get(name, "") for name in ("prompt", "workflow")]
    values = [json_object(text) for text in texts]
    graphs = graphs_of(*values)
    if graphs:
        written = (prompt_of(graphs) or "").strip()
        text = shown(written)
        if not text:
            raise NoPrompt(EMPTY)
        return FoundPrompt(text, written, PROGRAM)
    if any(_is_broken(text) for text, value in zip(texts, values, strict=True) if not value):
        raise NoPrompt(BROKEN)

    return None


def graphs_of(*values: Any) -> list[Graph]:
    """Return the graphs among some values, what was sent before what was drawn."""
    values = tuple(form for value in values for form in _forms(value))
    as_sent = [sent(value) for value in values if is_sent(value)]
    from_screen: list[Graph] = []
    for value in filter(is_workflow, values):
        try:
            from_screen.append(graph_of_workflow(value))
        except NoPrompt:
            if not as_sent:
                raise
    return [enriched(graph, from_screen) for graph in as_sent] + from_screen


def prompt_of(graphs: list[Graph]) -> str | None:
    """Return the prompt of the first graph that tells it; None where none has one.

    Where the first does not, the next is asked for what it is sure of: it is the same graph. Raises
    NoPrompt where there is a prompt and no graph tells it.
    """
    reason: NoPrompt | None = None
    for graph in graphs:
        try:
            node_text = find_prompt(graph)
        except NoPrompt as error:
            reason = reason or error
            continue
        if (
            node_text is not None
            and node_text.text.strip()
            and (node_text.sure or graph is graphs[0])
        ):
            return node_text.text
        if node_text is not None and node_text.maker:
            kind = "".join(c for c in node_text.maker if c.isprintable())[:MAX_KIND_LENGTH]
            reason = reason or NoPrompt(MADE.format(maker=kind))

    if reason is not None:
        raise reason
    return None


def _forms(value: Any) -> list[Any]:
    """Return a value, and the two forms of a graph that some programs put into one object."""
    inner = mapping(value)
    return [value, *(inner[name] for name in ("prompt", "workflow") if name in inner)]


def _is_broken(text: str) -> bool:
    """Return whether a text begins like a graph, in JSON that is cut off or too long."""
    start = "".join(text[:200].split())
    return start.startswith('{"') or len(text) > MAX_JSON_LENGTH
