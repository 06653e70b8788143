"""What a card renders of SDXL: images at once and what is off the card, counted by shape.

    python tests/bench/sampler_cards.py                  bf16
    python tests/bench/sampler_cards.py --fp16           before Ampere: the VAE in fp32

No card is needed and none was measured. A desktop and the driver are taken to hold 1 GiB, and
images to be guided, so that each is two rows of a pass.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "align")]

from counted_card import CountedCard, full_size_pipeline

from align.device import Compute
from align.sampling.memory.plan import GIB, MemoryPlan, Offload
from align.sampling.memory.planner import Planner
from align.sampling.render import batches

CARDS = (6, 8, 10, 12, 16, 24)
SIZES = ((512, 512), (768, 768), (1024, 1024), (1536, 1536))
HELD = GIB
OFF = {
    Offload.NOTHING: "",
    Offload.ENCODERS: "encoders and VAE off",
    Offload.DENOISER: "all off, UNet in parts",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fp16", action="store_true")
    half = torch.float16 if parser.parse_args().fp16 else torch.bfloat16
    compute, pipeline = Compute(torch.device("meta"), half, half), full_size_pipeline(half)

    counted = Planner(pipeline, compute, CountedCard(24 * GIB))
    print("| card | " + " | ".join(f"{w} x {h}" for w, h in SIZES) + " |")
    print("|---" * (len(SIZES) + 1) + "|")
    for card in CARDS:
        planner = Planner(pipeline, compute, CountedCard(card * GIB, HELD))
        planner._needs = counted._needs
        cells = [cell(planner.plan(size, guided=True), size) for size in SIZES]
        print(f"| {card} GB | " + " | ".join(cells) + " |")

    for size, needs in counted._needs.items():
        amounts = (2 * needs.row, needs.decode, needs.tiled_decode)
        gib = [f"{amount / GIB:.2f}" for amount in amounts]
        print(f"{size[0]} x {size[1]}: image {gib[0]}, decoding {gib[1]}, in tiles {gib[2]} GiB")
    weights = counted._weights
    encoders = sum(weights.text_encoders)
    for name, size in (
        *(("UNet", weights.denoiser), ("encoders", encoders), ("VAE", weights.autoencoder)),
        *(("largest unit", weights.unit), ("UNet outside of units", weights.unstreamed)),
        ("encoders outside of units", weights.unstreamed_encoders),
    ):
        print(f"{name}: {size / GIB:.2f} GiB")


def cell(plan: MemoryPlan | None, size: tuple[int, int]) -> str:
    """The images at once, as `batches` bounds them, and what the plan does without."""
    if plan is None:
        return "does not fit"
    largest = max(map(len, batches(100, size[0] * size[1] / 1e6, most=plan.images(size, True))))
    tiled = plan.tiled and max(size) > 512
    doings = [str(largest), "tiles" if tiled else "", OFF[plan.offload]]
    return ", ".join(filter(None, doings))


if __name__ == "__main__":
    main()
