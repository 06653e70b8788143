"""Layouts of metadata as programs write them, and what was asked for in each.

Fields are named by where they stand; values that are no texts stand as JSON in them.
"""

import json
from typing import Any

import pytest

Layout = dict[str, Any]
SETTINGS = "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 5, Size: 64x64, Version: v1.10.1"
HEN = "a hen at dawn"
GRAPH = {"1": {"class_type": "LoadImage", "inputs": {"image": "a.png"}}}


def table(source: str, cases: list[tuple[str, Layout, str]]) -> list[Any]:
    return [
        pytest.param(layout, words, source, id=f"{source}: {name}") for name, layout, words in cases
    ]


A1111 = table("AUTOMATIC1111", [
    ("PNG", {"parameters": f"{HEN}\nNegative prompt: fog\n{SETTINGS}"}, HEN),
    ("JPEG", {"exif:usercomment": f"{HEN}\nNegative prompt: fog\n{SETTINGS}"}, HEN),
    ("alpha", {"alpha:pnginfo": f"{HEN}\nNegative prompt: fog\n{SETTINGS}"}, HEN),
    ("no negative prompt", {"parameters": f"{HEN}\n{SETTINGS}"}, HEN),
    ("lines, tags, returns", {"parameters":
        f"(hen:1.2),\r\nBREAK dawn <lora:f:0.7>,\r\n\nNegative prompt: fog\r\n{SETTINGS}"},
        "hen, dawn"),
    ("Steps in the prompt", {"parameters": f"stairs\nSteps: 9 of stone\nmoss\n{SETTINGS}"},
        "stairs Steps: 9 of stone moss"),
    ("a sign in the prompt", {"parameters":
        f'a sign "Negative prompt: none"\nNegative prompt: fog\n{SETTINGS}'},
        'a sign "Negative prompt: none"'),
    ("prompt for high resolution", {"parameters":
        f'{HEN}\nNegative prompt: fog\n{SETTINGS}, Hires prompt: "a cow, grass"'}, HEN),
    ("template after", {"parameters":
        f"{HEN}\nNegative prompt: fog\n{SETTINGS}\nTemplate: a {{hen|cow}}\nNegative Template: x"},
        HEN),
    ("schedule in steps", {"parameters": "a [cow:hen:12]\nSteps: 40, Sampler: DDIM, Seed: 1"},
        "a hen"),
    ("a keyword of a tool's own", {"infotext": f"{HEN}\nNegative prompt: fog\n{SETTINGS}"}, HEN),
    ("one line", {"parameters": f"{HEN}, Negative prompt: fog, {SETTINGS}"}, HEN),
    ("reForge", {"parameters": f"{HEN}\n{SETTINGS[:-7]}f1.0.0v2-v1.10.1RC-latest-2498-g5120e679"},
        HEN),
    ("SD.Next", {"parameters": f"{HEN}\nNegative prompt: fog\nTemplate: a __bird__\n"
        "Steps: 20, Size: 64x64, Seed: 2, App: SD.Next, Version: 56a8aea, Pipeline: XL"}, HEN),
    ("Krita", {"parameters": f"{HEN} <lora:x:0.5>\nNegative prompt: \nSteps: 20, Sampler: Euler - "
        "euler_a, CFG scale: 7.5, Seed: 1, Size: 64x64, Model hash: unknown, Model: m"}, HEN),
    ("begins with a brace", {"parameters": f"{{bird}} hen\nNegative prompt: x\n{SETTINGS}"},
        "{bird} hen"),
    ("begins with brackets", {"parameters": f"[[hen]], (dawn:0.8) AND hay :0.5\n{SETTINGS}"},
        "hen, dawn, hay"),
    ("begins with a choice", {"parameters": f"[hen|cow], [1boy::0.9]\n{SETTINGS}"},
        "hen and cow, 1boy"),
    ("beside a graph", {"parameters": f"{HEN}\n{SETTINGS}", "prompt": GRAPH}, HEN),
])  # fmt: skip

SWARM: Layout = {"negativeprompt": "fog", "seed": 1, "steps": 20, "swarm_version": "0.9.6"}


def swarm(prompt: str, **more: Any) -> Layout:
    return {"sui_image_params": SWARM | {"prompt": prompt}, "sui_extra_data": more}


SWARMUI = table("SwarmUI", [
    ("PNG", {"parameters": swarm(HEN), "prompt": GRAPH}, HEN),
    ("JPEG", {"exif:usercomment": swarm(HEN)}, HEN),
    ("older, EXIF's Model", {"exif:model": {"sui_image_params": {"prompt": HEN}}}, HEN),
    ("filled in", {"parameters": swarm(HEN, original_prompt="a <random:hen,cow> at dawn")}, HEN),
    ("refined parts", {"parameters": swarm(
        "a hen <lora:x> at (dawn:1.2) <segment:face,0.6//cid=11> a cow's face")}, HEN),
    ("regions", {"parameters": swarm(
        "a yard <region:0,0,0.5,1//cid=11> a hen <object:0,0,1,1,0.5> a cow <refiner//cid=1> x")},
        "a yard, a hen, a cow"),
    ("alternation", {"parameters": swarm("[hen|cow] and [day:night:0.2] <break> <3")},
        "hen and cow and night, <3"),
    ("raw tags", {"parameters": swarm(
        "<setvar[c,false]:red>a <alternate:hen, cow> <fromto[0.7]:day||night> <wildcard:x/y>")},
        "a hen and cow day"),
])  # fmt: skip

NAI = {"prompt": HEN, "steps": 28, "scale": 5.0, "uc": "fog", "noise_schedule": "karras"}
V4 = NAI | {"v4_prompt": {"caption": {"base_caption": "2girls, rain", "char_captions": [
    {"char_caption": "girl, red coat", "centers": [{"x": 0.5, "y": 0.5}]},
    {"char_caption": "girl, {blue} coat"}]}}}  # fmt: skip
V4_WORDS = "2girls, rain, girl, red coat, girl, blue coat"
NOVELAI = table("NovelAI", [
    ("version 1", {"title": "AI generated image", "description": HEN, "software": "NovelAI",
        "source": "Stable Diffusion 1D44365E", "comment": {"steps": 50, "uc": "fog"}}, HEN),
    ("version 3", {"description": HEN, "software": "NovelAI", "comment": NAI}, HEN),
    ("version 4", {"description": "2girls", "software": "NovelAI", "comment": V4}, V4_WORDS),
    ("WebP", {"exif:usercomment": {"Comment": json.dumps(V4), "Software": "NovelAI",
        "Description": "2girls, rain"}}, V4_WORDS),
    ("alpha", {"alpha:pnginfo": {"Description": HEN, "Software": "NovelAI",
        "Comment": json.dumps(NAI)}}, HEN),
    ("nothing but the settings", {"exif:usercomment": NAI}, HEN),
    ("broken settings", {"software": "NovelAI", "description": HEN, "comment": "{\"prom"}, HEN),
    ("weights", {"software": "NovelAI", "comment": NAI | {"prompt":
        "{{hen}}, [dawn], 1.3::gold sky::, -2::fog ::, 0.5::hay:: (old), a|b"}},
        "hen, dawn, gold sky, hay (old), a, b"),
])  # fmt: skip

JOB = "Job ID: 0a1b2c3d-1111-2222-3333-444455556666"
MIDJOURNEY = table("Midjourney", [
    ("PNG", {"description": f"{HEN} --ar 2:3 --v 6 {JOB}", "author": "ada"},
        f"{HEN} --ar 2:3 --v 6"),
    ("JPEG", {"exif:imagedescription": f"{HEN} {JOB}"}, HEN),
    ("XMP", {"xmp:description": f"{HEN} --niji 6"}, f"{HEN} --niji 6"),
    ("IPTC", {"iptc:caption": f"{HEN} --stylize 250"}, f"{HEN} --stylize 250"),
    ("with an image", {"description": f"https://s.mj.run/x_Y {HEN} --iw 2 {JOB}"},
        f"{HEN} --iw 2"),
])  # fmt: skip

DRAWN = {"c": HEN, "uc": "fog", "model": "sd_xl.ckpt", "seed": 1, "steps": 20, "v2": {"a": 1}}
DRAW_THINGS = table("Draw Things", [
    ("XMP", {"xmp:usercomment": DRAWN, "xmp:creatortool": "Draw Things"}, HEN),
    ("EXIF", {"exif:usercomment": DRAWN}, HEN),
    ("PNG", {"comment": DRAWN, "software": "Draw Things", "description": f"{HEN}\n-fog\n..."}, HEN),
    ("description alone", {"exif:imagedescription":
        f"{HEN}\n-fog, (rain)\nSteps: 20, Sampler: DPM++ 2M, Guidance Scale: 7.0, Seed: 1"}, HEN),
])  # fmt: skip

FOCUS = {"prompt": HEN, "negative_prompt": "", "full_prompt": [f"cinematic still {HEN}", "x"],
         "base_model": "m", "adm_guidance": "(1, 1)", "version": "Fooocus v2.5.5"}  # fmt: skip
FOOOCUS = table("Fooocus", [
    ("PNG", {"parameters": FOCUS, "fooocus_scheme": "fooocus"}, HEN),
    ("JPEG", {"exif:usercomment": FOCUS, "exif:software": "Fooocus v2.5.5"}, HEN),
    ("scheme a1111", {"parameters": f"cinematic still {HEN}\nNegative prompt: fog\nSteps: 30, "
        f'Sampler: DPM++ 2M, Seed: 1, Raw prompt: "{HEN}, gold", Version: Fooocus v2.5.5',
        "fooocus_scheme": "a1111"}, f"{HEN}, gold"),
    ("MRE", {"comment": {"prompt": HEN, "real_prompt": ["x"], "positive_prompt_strength": 1.0}},
        HEN),
    ("wildcards", {"parameters": FOCUS | {"prompt": "a __bird__", "full_prompt": ["a red hen"]}},
        "a red hen"),
    ("weights", {"parameters": FOCUS | {"prompt": "(hen:1.1) at dawn <lora:a:0.5>"}},
        "hen at dawn"),
]) + table("RuinedFooocus", [
    ("PNG", {"parameters": {"Prompt": HEN, "Negative": "fog", "software": "RuinedFooocus"}}, HEN),
])  # fmt: skip

CALLED = {"positive_prompt": HEN, "negative_prompt": "fog", "app_version": "6.10.0"}
INVOKE_NODES = {
    "a": {"type": "string", "value": HEN},
    "b": {"type": "string", "value": "fog"},
    "c": {"type": "sdxl_compel_prompt", "prompt": "", "style": ""},
    "d": {"type": "sdxl_compel_prompt", "prompt": "fog and a very long text"},
    "e": {"type": "denoise_latents", "steps": 30},
}


def edge(source: str, target: str, field: str) -> Layout:
    return {"source": {"node_id": source, "field": "value"},
            "destination": {"node_id": target, "field": field}}  # fmt: skip


EDGES = [
    edge("b", "d", "prompt"), edge("a", "c", "prompt"), edge("a", "c", "style"),
    edge("d", "e", "negative_conditioning"), edge("c", "e", "positive_conditioning"),
]  # fmt: skip
DRAWN_NODES = [
    {"id": key, "data": {"type": node["type"], "inputs": {
        name: {"name": name, "value": value} for name, value in node.items() if name != "type"}}}
    for key, node in INVOKE_NODES.items()
]  # fmt: skip
DRAWN_EDGES = [
    {"source": one["source"]["node_id"], "target": one["destination"]["node_id"],
     "targetHandle": one["destination"]["field"]}
    for one in EDGES
]  # fmt: skip
INVOKEAI = table("InvokeAI", [
    ("version 6", {"invokeai_metadata": CALLED, "invokeai_graph": {"nodes": {}}}, HEN),
    ("style apart", {"invokeai_metadata": CALLED | {"positive_style_prompt": "oil paint"}},
        f"{HEN}, oil paint"),
    ("the same as style", {"invokeai_metadata": CALLED | {"positive_style_prompt": HEN}}, HEN),
    ("graph", {"invokeai_metadata": {"app_version": "6"},
        "invokeai_graph": {"nodes": INVOKE_NODES, "edges": EDGES}}, HEN),
    ("workflow", {"invokeai_workflow": {"nodes": DRAWN_NODES, "edges": DRAWN_EDGES}}, HEN),
    ("JPEG made of it", {"comment": {"invokeai_metadata": json.dumps(CALLED)}}, HEN),
    ("version 2", {"sd-metadata": {"image": {"prompt": [
        {"prompt": HEN, "weight": 1.0}, {"prompt": "fog", "weight": -0.5}]}}}, HEN),
    ("version 1", {"dream": f'dream> "{HEN} [fog]" -s 50 -S 1 -W 512'}, HEN),
    ("version 1 without quotes", {"dream": f"{HEN} -s50 -S1"}, HEN),
    ("Compel", {"invokeai_metadata": CALLED | {"positive_prompt":
        'hen++ at (dawn)1.2, a cow.swap(horse), (hay)-- \\(old\\), a well-kept yard'}},
        "hen at dawn, a horse, hay (old), a well-kept yard"),
    ("conjunction", {"invokeai_metadata": CALLED | {"positive_prompt":
        '("a hen", "gold (light)1.1").and(1, 0.5)'}}, "a hen, gold light"),
])  # fmt: skip

MORE = json.dumps({"prompt": HEN, "negativePrompt": "fog", "steps": 20})
CIVITAI = table("Civitai", [
    ("text", {"exif:usercomment": f"{HEN}\nNegative prompt: fog\n{SETTINGS}, Civitai resources: "
        '[{"type":"checkpoint"}], Civitai metadata: {}'}, HEN),
    ("graph", {"exif:usercomment": GRAPH | {"extra": {"airs": []}, "extraMetadata": MORE}}, HEN),
    ("no graph", {"exif:usercomment": {"extraMetadata": MORE}}, HEN),
    ("extra", {"exif:usercomment": GRAPH | {"extra": {"prompt": HEN, "steps": 20}}}, HEN),
    ("within", {"exif:usercomment": GRAPH | {
        "extraMetadata": {"params": {"prompt": HEN, "negativePrompt": "fog"}}}}, HEN),
])  # fmt: skip

EASY = {"prompt": HEN, "negative_prompt": "fog", "seed": "1", "num_inference_steps": "25",
        "use_stable_diffusion_model": "sd-v1"}  # fmt: skip
EASY_DIFFUSION = table("Easy Diffusion", [
    ("PNG", EASY, HEN),
    ("PNG in words", {"prompt": HEN, "negative prompt": "fog", "seed": "1",
        "stable diffusion model": "sd"}, HEN),
    ("JPEG", {"exif:usercomment": EASY}, HEN),
    ("JPEG in words", {"exif:usercomment": {"Prompt": HEN, "Negative Prompt": "fog", "Seed": 1,
        "Stable Diffusion model": "sd"}}, HEN),
])  # fmt: skip

LIST = "Include in Image: {}; Exclude from Image: fog; Model: m; Steps: 20; Seed: 1"
REST = (
    table("Mochi Diffusion", [
        ("IPTC", {"iptc:caption": LIST.format(HEN)}, HEN),
        ("semicolons", {"iptc:caption": LIST.format("a hen; at dawn")}, "a hen; at dawn"),
        ("no more", {"iptc:caption": f"Include in Image: {HEN}"}, HEN),
    ])
    + table("Tensor.Art", [
        ("PNG", {"generation_data": json.dumps({"prompt": HEN, "negativePrompt": "fog"}) + "\0",
            "prompt": GRAPH}, HEN),
    ])
    + table("Stability Matrix", [
        ("PNG", {"parameters-json": {"PositivePrompt": HEN, "NegativePrompt": "fog"}}, HEN),
    ])
    + table("another program", [
        ("a service", {"parameters": {"prompt": HEN, "negative_prompt": "fog", "Model": "m"}}, HEN),
        ("a script", {"prompt": HEN}, HEN),
        ("text chunks", {"positive prompt": HEN, "negative prompt": "fog"}, HEN),
        ("camel's case", {"exif:usercomment": {"positivePrompt": HEN, "seed": 1}}, HEN),
        ("any text", {"parameters": "a hen (old) at dawn"}, "a hen (old) at dawn"),
    ])
    + table("the image's description", [
        ("EXIF", {"exif:imagedescription": HEN, "exif:make": "Canon"}, HEN),
        ("XMP", {"xmp:description": "A hen (old) at dawn."}, "A hen (old) at dawn."),
        ("IPTC in Japanese", {"iptc:caption": "夜明けの鶏"}, "夜明けの鶏"),
    ])
)  # fmt: skip

ALL = (A1111 + SWARMUI + NOVELAI + MIDJOURNEY + DRAW_THINGS + FOOOCUS + INVOKEAI + CIVITAI
       + EASY_DIFFUSION + REST)  # fmt: skip
