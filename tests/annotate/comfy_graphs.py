"""ComfyUI graphs in a few lines each: {"t Kind": {"text": "a fox", "clip": "@m.1"}}.

The key is a node's id and its kind, "@m.1" a link to output 1 of the node with id m.
"""

from typing import Any

from annotate.image_import.programs.comfyui import graphs_of, prompt_of

Nodes = dict[str, dict[str, Any]]

LINE = {
    "m CheckpointLoaderSimple": {"ckpt_name": "sd_xl_base_1.0.safetensors"},
    "n CLIPTextEncode": {"text": "worst quality, and a longer text than any", "clip": "@m.1"},
    "l EmptyLatentImage": {"width": 64, "height": 64, "batch_size": 1},
    "d VAEDecode": {"samples": "@k", "vae": "@m.2"},
    "s SaveImage": {"filename_prefix": "my images", "images": "@d"},
}  # fmt: skip
SAMPLER = {"seed": 1, "steps": 20, "cfg": 7.0, "sampler_name": "euler", "scheduler": "normal",
           "denoise": 1.0, "model": "@m", "latent_image": "@l"}  # fmt: skip


def prompt_of_graph(*forms: Any) -> str | None:
    """The positive prompt of a graph, given in either form or in both; None without one."""
    return prompt_of(graphs_of(*forms))


def sent(nodes: Nodes) -> dict[str, Any]:
    """A graph as it is sent to be run."""
    return {
        name.split(" ", 1)[0]: {
            "class_type": name.split(" ", 1)[1],
            "inputs": {inlet: linked(value) for inlet, value in inputs.items()},
        }
        for name, inputs in nodes.items()
    }


def of_conditioning(nodes: Nodes, positive: str = "@p") -> dict[str, Any]:
    """A whole graph whose sampler has its positive conditioning from one of some nodes."""
    sampler = {"k KSampler": SAMPLER | {"positive": positive, "negative": "@n"}}
    return sent(LINE | sampler | nodes)


def of_text(nodes: Nodes, text: str = "@t") -> dict[str, Any]:
    """A whole graph whose positive encoder has its text from one of some nodes."""
    return of_conditioning({"p CLIPTextEncode": {"text": text, "clip": "@m.1"}} | nodes)


def linked(value: Any) -> Any:
    """A value as a graph holds it: "@m.1" is a link."""
    if isinstance(value, str) and value.startswith("@"):
        number, _, slot = value[1:].partition(".")
        return [number, int(slot or 0)]
    return value


def drawn(nodes: Nodes, **more: Any) -> dict[str, Any]:
    """A graph as it is drawn.

    Beside links, a node has values in "=" (a list as older files have it, an object where every
    input is named), outputs in ">" ("NAME:TYPE NAME"), and what else stands at a node.
    """
    rows: list[Any] = []
    outlets = {
        name.split(" ", 1)[0]: _outlets(spec.get(">", "OUT")) for name, spec in nodes.items()
    }
    return {
        "nodes": [_drawn(name, spec, rows, outlets) for name, spec in nodes.items()],
        "links": rows,
        **more,
    }


def subgraph(name: str, inlets: str, nodes: Nodes, *ends: str) -> dict[str, Any]:
    """A definition of a subgraph: names of inputs, the nodes, and what leads to its outputs.

    Inside, "@-10.0" is what comes in at its first input.
    """
    inside = drawn(nodes)
    links = [
        {"id": row[0], "origin_id": row[1], "origin_slot": row[2], "target_id": row[3],
         "target_slot": row[4], "type": row[5]}
        for row in inside["links"]
    ]  # fmt: skip
    for slot, end in enumerate(ends):
        origin, origin_slot = linked(end)
        links.append({"id": 1000 + slot, "origin_id": _id(origin), "origin_slot": origin_slot,
                      "target_id": -20, "target_slot": slot, "type": "*"})  # fmt: skip
    inputs = [{"id": str(n), "name": inlet, "type": "*"} for n, inlet in enumerate(inlets.split())]
    return {"id": name, "nodes": inside["nodes"], "links": links, "inputs": inputs, "outputs": []}


def _drawn(name: str, spec: dict[str, Any], rows: list[Any], outlets: Any) -> dict[str, Any]:
    number, kind = name.split(" ", 1)
    inputs: list[Any] = []
    for inlet, value in spec.items():
        if isinstance(value, str) and value.startswith("@"):
            origin, slot = linked(value)
            kinds = outlets.get(origin, [])
            of = kinds[slot]["type"] if slot < len(kinds) else "*"
            rows.append([len(rows) + 1, _id(origin), slot, _id(number), len(inputs), of])
            inputs.append({"name": inlet, "type": of, "link": len(rows)})
    values = spec.get("=", [])
    if isinstance(values, dict):
        for inlet in inputs:
            inlet |= {"widget": {"name": inlet["name"]}} if inlet["name"] in values else {}
        named = {inlet["name"] for inlet in inputs}
        inputs += [{"name": inlet, "type": "*", "link": None, "widget": {"name": inlet}}
                   for inlet in values if inlet not in named]  # fmt: skip
        order = [inlet["name"] for inlet in inputs if "widget" in inlet]
        values = [values[inlet] for inlet in order]
    others = {key: value for key, value in spec.items() if key in ("mode", "title", "properties")}
    return {"id": _id(number), "type": kind, "inputs": inputs, "outputs": outlets[number],
            "widgets_values": values, **others}  # fmt: skip


def _outlets(names: str) -> list[dict[str, str]]:
    pairs = [name.partition(":") for name in names.split()]
    return [{"name": name, "type": of or name} for name, _, of in pairs]


def _id(number: str) -> Any:
    return int(number) if number.lstrip("-").isdecimal() else number
