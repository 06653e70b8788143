"""Pipeline folders with real names and shapes that fit together, and next to no weights."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np

STEMS = {
    "unet": "diffusion_pytorch_model",
    "vae": "diffusion_pytorch_model",
    "text_encoder": "model",
    "text_encoder_2": "model",
}
SCHEDULER = {"_class_name": "EulerDiscreteScheduler", "prediction_type": "epsilon"}
DTYPES = {np.dtype("<f4"): "F32", np.dtype("<f2"): "F16", np.dtype("<i8"): "I64"}
DTYPES[np.dtype("<u2")] = "BF16"
Weights = Mapping[str, np.ndarray]


def tiny_weights(part: str) -> dict[str, np.ndarray]:
    """Weights of fp32 that differ from part to part, more of them than are sampled of one."""
    if part.startswith("text_encoder"):
        names = {"text_model.embeddings.token_embedding.weight": (300, 200)}
        names["text_model.final_layer_norm.bias"] = (200,)
    else:
        names = {"conv_in.weight": (64, 4, 3, 3), "mid.proj.weight": (256, 300), "out.bias": (4,)}
    weights = {}
    for number, (name, shape) in enumerate(names.items()):
        count = int(np.prod(shape))
        place = np.arange(count, dtype=np.float64) + 7919 * number + len(part)
        weights[name] = (np.sin(place * 12.9898) * 0.05).astype("<f4").reshape(shape)
    return weights


def safetensors(weights: Weights) -> bytes:
    """A safetensors file; arrays of uint16 are bf16."""
    header, place = {}, 0
    for name, values in weights.items():
        span = [place, place + values.nbytes]
        dtype = DTYPES[values.dtype]
        header[name] = {"dtype": dtype, "shape": list(values.shape), "data_offsets": span}
        place = span[1]
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + b"".join(v.tobytes() for v in weights.values())


def write_tiny_model(folder: Path, weights: Mapping[str, Weights] | None = None) -> Path:
    """Write a pipeline folder, with these weights of some parts; the folder is returned."""
    for part, stem in STEMS.items():
        (folder / part).mkdir(parents=True)
        content = safetensors((weights or {}).get(part) or tiny_weights(part))
        (folder / part / f"{stem}.safetensors").write_bytes(content)
    configs = {
        "model_index.json": {"_class_name": "StableDiffusionXLPipeline"},
        "unet/config.json": {"sample_size": 16},
        "vae/config.json": {"block_out_channels": [8, 8, 8, 8]},
        "text_encoder/config.json": {"num_hidden_layers": 12},
        "text_encoder_2/config.json": {"num_hidden_layers": 32},
        "scheduler/scheduler_config.json": SCHEDULER,
    }
    (folder / "scheduler").mkdir()
    for name, config in configs.items():
        (folder / name).write_text(json.dumps(config), encoding="utf-8")
    return folder
