"""ComfyUI: the graph that made an image, as it was sent (`prompt`) and as drawn (`workflow`).

In WebP they stand in EXIF texts that begin with the keyword.
"""

from annotate.material.programs.graphs import prompt_of_graph
from annotate.material.programs.reader import Fields, Prompt, json_object, plain

PROGRAM = "ComfyUI"


def read(fields: Fields) -> Prompt | None:
    """Return the positive prompt of a file's graph."""
    for name in ("prompt", "workflow"):
        if name in fields and (text := prompt_of_graph(json_object(fields[name]))):
            return plain(text, PROGRAM)
    return None
