"""The positive prompt in a ComfyUI graph, for programs that put one into metadata of their own."""

from typing import Any

from annotate.material.programs.comfyui import graphs_of, prompt_of


def prompt_of_graph(*forms: Any) -> str | None:
    """Return the positive prompt of a graph, given in either form or in both; None without one.

    Raises NoPrompt where a node makes it when it runs, so that the graph does not hold it.
    """
    return prompt_of(graphs_of(*forms))
