"""Write an SDXL checkpoint of random weights: the published names and shapes, nothing learned.

    python tests/bench/random_checkpoint.py FILE [--side 256] [--small]

`--side` is the size in pixels that the file says it is made for, `--small` gives the embedded
model's shapes in place of SDXL's. Tensor by tensor, in 0.7 GB of memory.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import struct
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

from align.client.models import describe_model
from align.client.single_file.configs import STORED, sdxl_config
from align.device import choose_compute
from align.weights.checkpoint_writer import checkpoint_weights, stored_metadata
from align.weights.pipeline import load_pipeline

PUBLISHED = ROOT / "tests" / "align" / "weights" / "sdxl_published_names.txt.gz"
"""A name and a shape a line, as `tests/bench/published_names.py` writes them."""
HALF_BYTES = 2
CHUNK = 1 << 24
"""Numbers that are made at once: 64 MB in fp32."""
UNET, PIXELS_PER_LATENT = "unet/config.json", 8
Shapes = dict[str, tuple[int, ...]]


def main() -> None:
    """Write a file and print its size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--side", type=int, default=1024)
    parser.add_argument("--small", action="store_true")
    arguments = parser.parse_args()
    if arguments.small:
        shapes, metadata = embedded_shapes()
    else:
        shapes, metadata = published_shapes(), side_metadata(arguments.side)
    size = write_random_checkpoint(arguments.file, shapes, metadata)
    print(f"{size / 1e9:.2f} GB, {len(shapes):,} weights")


def published_shapes() -> Shapes:
    """Return the shapes of SDXL's published checkpoint by the names of its weights."""
    lines = gzip.decompress(PUBLISHED.read_bytes()).decode().splitlines()
    named = (line.split(" ", 1) for line in lines)
    return {name: tuple(json.loads(shape)) for name, shape in named}


def side_metadata(side: int) -> dict[str, str]:
    """Return metadata that says for which size a file of SDXL's shapes is made."""
    config = sdxl_config(UNET) | {"sample_size": side // PIXELS_PER_LATENT}
    return {STORED: json.dumps({UNET: config})}


def embedded_shapes() -> tuple[Shapes, dict[str, str]]:
    """Return the shapes of the embedded model as one file, and its configurations as metadata."""
    pipeline = load_pipeline(describe_model(), choose_compute("fp32"))
    shapes = {name: tuple(weight.shape) for name, weight in checkpoint_weights(pipeline).items()}
    return shapes, stored_metadata(pipeline)


def write_random_checkpoint(
    path: Path, shapes: Shapes, metadata: Mapping[str, str], seed: int = 0
) -> int:
    """Write a .safetensors file in fp16; return its bytes.

    safetensors' own writer wants all tensors in memory. Its format is a length, a JSON header of
    types, shapes and places, and the numbers one after the other.
    """
    header: dict[str, object] = {"__metadata__": dict(metadata)}
    end = 0
    for name, shape in shapes.items():
        start, end = end, end + HALF_BYTES * math.prod(shape)
        header[name] = {"dtype": "F16", "shape": list(shape), "data_offsets": [start, end]}

    written = json.dumps(header, separators=(",", ":")).encode()
    written += b" " * (-len(written) % 8)
    generator = torch.Generator().manual_seed(seed)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(written)) + written)
        for name, shape in shapes.items():
            for numbers in random_weight(name, shape, generator):
                file.write(numbers.numpy().tobytes())
    return path.stat().st_size


def random_weight(
    name: str, shape: tuple[int, ...], generator: torch.Generator
) -> Iterator[torch.Tensor]:
    """Yield a weight's numbers in pieces: normal by a layer's inputs; norms change nothing.

    Activations keep about unit variance through such layers, so that no image is without numbers.
    """
    count = math.prod(shape)
    if len(shape) < 2:
        # Norms, biases, and OpenCLIP's scale.
        yield torch.full((count,), 0.0 if "bias" in name else 1.0, dtype=torch.float16)
        return
    deviation = math.prod(shape[1:]) ** -0.5
    for start in range(0, count, CHUNK):
        numbers = torch.randn(min(CHUNK, count - start), generator=generator)
        yield numbers.mul_(deviation).half()


if __name__ == "__main__":
    main()
