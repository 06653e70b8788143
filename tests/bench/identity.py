"""How long it takes to say what a model of SDXL's size is: its header, samples, configurations.

$ python tests/bench/identity.py DIR          fp16, 6.8 GB of random weights in DIR for a while
$ python tests/bench/identity.py DIR fp32     13.5 GB

The names and shapes are SDXL's own, from the meta device. The disk is warm: the files were
written a moment before.
"""

from __future__ import annotations

import json
import shutil
import struct
import sys
import time
from pathlib import Path

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from sdxl import SDXL_UNET
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from align.client.models import PARTS, describe_model
from align.contracts.models import embedded_folder

BLOCK = 8_000_000
TYPES = {"fp16": ("F16", "<f2"), "fp32": ("F32", "<f4")}


def main(place: str, precision: str = "fp16") -> None:
    """Write the model, describe it three times, and remove it."""
    folder = Path(place) / "sdxl-of-random-weights"
    try:
        count = write_model(folder, *TYPES[precision])
        size = sum(file.stat().st_size for file in folder.rglob("*.safetensors"))
        print(f"{count} tensors, {size / 1e9:.1f} GB as {precision}")
        for _ in range(3):
            started, used = time.perf_counter(), time.process_time()
            identity = describe_model(str(folder)).identity
            wall, cpu = time.perf_counter() - started, time.process_time() - used
            print(f"{wall:.2f} s, {cpu:.2f} s of it computing: {identity}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_model(folder: Path, name: str, dtype: str) -> int:
    """Write a pipeline folder of random weights; returns how many tensors it has."""
    clip = CLIPTextConfig(hidden_size=768, intermediate_size=3072, num_attention_heads=12)
    large = CLIPTextConfig(
        hidden_size=1280, intermediate_size=5120, num_hidden_layers=32, num_attention_heads=20,
        projection_dim=1280,
    )  # fmt: skip
    with torch.device("meta"):
        networks = {
            "unet": UNet2DConditionModel.from_config(SDXL_UNET),
            "text_encoder": CLIPTextModel(clip),
            "text_encoder_2": CLIPTextModelWithProjection(large),
        }
    for part in ("scheduler", "vae"):
        shutil.copytree(embedded_folder() / part, folder / part)
    shutil.copy(embedded_folder() / "model_index.json", folder)
    (folder / "unet").mkdir()
    shutil.copy(embedded_folder() / "unet" / "config.json", folder / "unet")
    block = (np.random.default_rng(0).standard_normal(BLOCK) * 0.05).astype(dtype)
    for part, network in networks.items():
        (folder / part).mkdir(exist_ok=True)
        shapes = {key: tuple(value.shape) for key, value in network.state_dict().items()}
        write_weights(folder / part / f"{PARTS[part]}.safetensors", shapes, name, block)
    return sum(len(network.state_dict()) for network in networks.values())


def write_weights(
    file: Path, shapes: dict[str, tuple[int, ...]], name: str, block: np.ndarray
) -> None:
    """Write tensors of these shapes, one after the other, from a block of random numbers."""
    header, place = {}, 0
    for key, shape in shapes.items():
        size = int(np.prod(shape)) * block.itemsize
        header[key] = {"dtype": name, "shape": shape, "data_offsets": [place, place + size]}
        place += size
    text = json.dumps(header).encode()
    with file.open("wb") as stream:
        stream.write(struct.pack("<Q", len(text)) + text)
        for number, shape in enumerate(shapes.values()):
            count, start = int(np.prod(shape)), number % 1000
            while count > 0:
                piece = block[start : start + count]
                stream.write(piece.tobytes())
                count -= len(piece)


if __name__ == "__main__":
    main(*sys.argv[1:])
