"""Image files as image programs write them, metadata and all."""

import io
import json
import random
import zlib
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, PngImagePlugin

A1111 = (
    "{prompt} <lora:fluffy_v3:0.8>\nNegative prompt: blurry, {{worst quality}}\n"
    "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: {seed}, Size: 64x64, Model hash: abc, "
    'Model: secret-model, Lora hashes: "fluffy_v3: 0123", Version: v1.10.1'
)


def scene(seed: int, size: tuple[int, int] = (64, 64)) -> Image.Image:
    """An image that looks like no other seed's."""
    chance = random.Random(seed)
    image = Image.new("RGB", size, tuple(chance.randrange(256) for _ in range(3)))
    draw = ImageDraw.Draw(image)
    for _ in range(12):
        xs, ys = (sorted(chance.randrange(side) for _ in range(2)) for side in size)
        colour = tuple(chance.randrange(256) for _ in range(3))
        draw.rectangle((xs[0], ys[0], xs[1] + 1, ys[1] + 1), fill=colour)
    return image


def save_png(path: Path, image: Image.Image, **texts: str) -> Path:
    """A PNG with text chunks; a name with an underscore stands for one with a hyphen."""
    info = PngImagePlugin.PngInfo()
    for name, text in texts.items():
        (info.add_text if text.isascii() else info.add_itxt)(name.replace("_", "-"), text)
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, "PNG", pnginfo=info)
    return path


def a1111(path: Path, prompt: str, seed: int) -> Path:
    """A PNG as AUTOMATIC1111 and Forge write it."""
    return save_png(path, scene(seed), parameters=A1111.format(prompt=prompt, seed=seed))


def user_comment(text: str, order: str = "utf-16-be") -> Image.Exif:
    """EXIF with a UserComment, as AUTOMATIC1111 writes it into JPEG and WebP."""
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\x00" + text.encode(order)
    return exif


def comfy_graph(prompt: str, seed: int) -> dict[str, Any]:
    """What ComfyUI sends to be run: a sampler, two encoders, a detour for the positive one."""
    return {
        "3": {"class_type": "KSampler", "inputs": {
            "seed": seed, "steps": 20, "cfg": 8.0, "sampler_name": "euler", "scheduler": "normal",
            "denoise": 1, "model": ["4", 0], "positive": ["12", 0], "negative": ["7", 0],
            "latent_image": ["5", 0]}},
        "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "secret.ckpt"}},
        "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64}},
        "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "watermark", "clip": ["4", 1]}},
        "6": {"class_type": "CLIPTextEncode", "inputs": {"text": prompt, "clip": ["4", 1]}},
        "12": {"class_type": "ControlNetApply", "inputs": {
            "conditioning": ["6", 0], "control_net": ["13", 0], "image": ["14", 0]}},
        "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
        "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "C", "images": ["8", 0]}},
    }  # fmt: skip


def comfy_workflow(prompt: str) -> dict[str, Any]:
    """The same as it is drawn in ComfyUI."""
    inlet = lambda name, link: {"name": name, "type": "X", "link": link}  # noqa: E731
    return {
        "last_node_id": 9,
        "nodes": [
            {"id": 7, "type": "CLIPTextEncode", "inputs": [inlet("clip", 5)],
             "widgets_values": ["text, watermark"]},
            {"id": 6, "type": "CLIPTextEncode", "inputs": [inlet("clip", 3)],
             "widgets_values": [prompt]},
            {"id": 3, "type": "KSampler", "widgets_values": [1, "randomize", 20, 8, "euler"],
             "inputs": [inlet("model", 1), inlet("positive", 4), inlet("negative", 6)]},
            {"id": 4, "type": "CheckpointLoaderSimple", "widgets_values": ["secret.safetensors"]},
        ],
        "links": [[1, 4, 0, 3, 0, "MODEL"], [3, 4, 1, 6, 0, "CLIP"], [5, 4, 1, 7, 0, "CLIP"],
                  [4, 6, 0, 3, 1, "CONDITIONING"], [6, 7, 0, 3, 2, "CONDITIONING"]],
    }  # fmt: skip


def comfy(path: Path, prompt: str, seed: int) -> Path:
    """A PNG as ComfyUI writes it."""
    return save_png(
        path,
        scene(seed),
        prompt=json.dumps(comfy_graph(prompt, seed)),
        workflow=json.dumps(comfy_workflow(prompt)),
    )


def png_bomb(path: Path) -> Path:
    """A PNG that says it is 30,000 pixels wide and high."""
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16)).save(buffer, "PNG")
    content = bytearray(buffer.getvalue())
    content[16:24] = (30_000).to_bytes(4) * 2
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4)
    path.write_bytes(content)
    return path
