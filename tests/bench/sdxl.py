"""Full-size SDXL without its weights: what fits on which card, and one real step.

    python tests/bench/sdxl.py plan                     memory by shape for 8 to 80 GB cards
    python tests/bench/sdxl.py time                     what 45 minutes buy on which card, counted
    python tests/bench/sdxl.py step [--size 256]        one LoRA step of all 2.6 B weights, here
    python tests/bench/sdxl.py journey [--small]        the loop that a user runs, through the app

The step runs the published configuration with random bf16 weights: Diffusion-DPO on one pair,
reference pass, forward, backward, AdamW. Takes about 16 GB of memory and some minutes on two cores.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from pathlib import Path

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from sdxl_journey import journey
from torch.utils.flop_counter import FlopCounterMode
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

from align.adapters.lora import add_lora, as_reference
from align.client.planning.circumstances import Circumstances
from align.client.planning.plan import plan
from align.client.planning.speeds import PlanDevice, forward_tflop
from align.diffusion.losses import denoising_error, preference_logits
from align.families.sdxl import SDXL, SDXL_UNET
from align.families.sdxl_shapes import tile
from align.files import read_json
from align.sampling.memory.by_shape import peak_bytes
from align.training.fitting.auto_batch import USABLE_FRACTION
from align.training.fitting.memory_model import GIB, plan_memory, weight_bytes
from align.weights.quantized import FORMATS

CARDS = (8, 12, 16, 24, 40, 80)
TIMED = (
    *(("RTX 4060", 8), ("RTX 3060", 12), ("RTX 4070", 12), ("RTX 4060 Ti", 16)),
    *(("RTX 3090", 24), ("RTX 4090", 24), ("H200", 140)),
)
RECOMPUTED = ("none", "some", "all")
RANK = 16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["plan", "time", "step", "journey"])
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--small", action="store_true", help="the embedded model's shapes")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep what the journey makes")
    arguments = parser.parse_args()
    if arguments.what == "journey":
        journey(arguments)
    elif arguments.what == "plan":
        print_plan()
    elif arguments.what == "time":
        print_times()
    else:
        one_step(arguments.size)


def print_plan() -> None:
    """Print what each phase takes at each size, and what each card works with."""
    sizes = (512, 768, 1024)
    print("| GB | " + " | ".join(map(str, sizes)) + " |\n|---|" + "---|" * len(sizes))
    print(table_row("encoding an image", [encoding_gb(size) for size in sizes]))
    print(table_row("the same in tiles", [encoding_gb(size, True) for size in sizes]))
    needs = {
        (size, name, again): needed_gb(size, name, again)
        for size in sizes
        for name in FORMATS
        for again in RECOMPUTED
    }
    for name in FORMATS:
        for again in RECOMPUTED:
            row = [needs[size, name, again] for size in sizes]
            print(table_row(f"a pair, base {name}, {again} recomputed", row))
    small = needed_gb(1024, "model", "all", "adamw8bit")
    print(f"with 8-bit moments {needs[1024, 'model', 'all'] - small:.2f} GB less")

    print("\n| card | " + " | ".join(map(str, sizes)) + " |\n|---|" + "---|" * len(sizes))
    for card in CARDS:
        print(f"| {card} GB | " + " | ".join(way(needs, card, size) for size in sizes) + " |")


def table_row(name: str, gigabytes: list[float]) -> str:
    return f"| {name} | " + " | ".join(f"{number:.1f}" for number in gigabytes) + " |"


def needed_gb(size: int, base_format: str, again: str, optimizer: str = "adamw") -> float:
    planned = plan_memory(
        SDXL, SDXL_UNET, size, 1, RANK, again, base_format=base_format, optimizer=optimizer
    )
    return planned.total_gib * GIB / 1e9


def encoding_gb(size: int, tiled: bool = False) -> float:
    """Text encoders in half precision, the autoencoder in fp32, and one image in it."""
    folder = ROOT / "align" / "sdxl"
    with torch.device("meta"):
        vae = AutoencoderKL.from_config(read_json(folder / "vae" / "config.json"))
        texts = [
            kind(CLIPTextConfig.from_pretrained(folder / name)).half()
            for kind, name in (
                (CLIPTextModel, "text_encoder"),
                (CLIPTextModelWithProjection, "text_encoder_2"),
            )
        ]
        pixels = torch.empty(1, 3, size, size)
    tile(vae, tiled)
    held = sum(weight_bytes(network) for network in (vae, *texts))
    return (held + peak_bytes(lambda: vae.encode(pixels).latent_dist.mean) + GIB) / 1e9


def way(needs: dict[tuple[int, str, str], float], card: int, size: int) -> str:
    """The first of the ways that `auto` tries with which a pair fits."""
    room = USABLE_FRACTION * 0.93 * card
    for base_format in FORMATS:
        if needs[size, base_format, "all"] <= room:
            again = next(a for a in RECOMPUTED if needs[size, base_format, a] <= room)
            return f"{base_format}, {again} recomputed"
    return "does not fit"


def print_times() -> None:
    """What a forward pass computes, and the default run of 100 votes on cards of each size."""
    print("| pixels | TFLOP of a forward pass, counted | by the plan |\n|---|---|---|")
    for side in (512, 768, 1024):
        print(f"| {side} | {counted_tflop(side):.2f} | {forward_tflop(side):.2f} |")
    print("\n| card | pixels | steps | each pair | minutes |\n|---|---|---|---|---|")
    for name, gib in TIMED:
        device = PlanDevice("cuda", f"NVIDIA GeForce {name}", gib * 2**30)
        told = plan("sdxl", 100, {}, Circumstances(device))
        cells = (f"{name}, {gib} GB", told["side"], told["steps"], f"{told['passes']:.0f} times")
        print(f"| {' | '.join(map(str, cells))} | {told['minutes']:.0f} |")


def counted_tflop(side: int) -> float:
    """What torch's counter sees of a forward pass of one image, on the meta device."""
    with torch.device("meta"):
        unet = SDXL.build_denoiser(SDXL_UNET).requires_grad_(False)
        inputs = SDXL.inputs_by_shape(unet, side, 1, torch.float32, 77)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        unet(**inputs)
    return counter.get_total_flops() / 1e12


def one_step(size: int) -> None:
    """One optimizer step; prints seconds of each part and the peak memory."""
    clock = Clock()
    unet = random_unet()
    parameters = add_lora(unet, RANK, seed=0)
    unet.enable_gradient_checkpointing()
    unet.train()
    optimizer = torch.optim.AdamW(parameters, lr=1e-5)
    clock.lap("building the UNet")
    inputs = real_inputs(unet, size)
    target = torch.randn_like(inputs["sample"])
    with torch.no_grad(), as_reference(unet):
        reference = denoising_error(predict(unet, inputs), target).chunk(2)
    clock.lap("reference pass")
    policy = denoising_error(predict(unet, inputs), target).chunk(2)
    clock.lap("forward")
    logits_B = preference_logits(*policy, *reference, 2500.0)
    torch.nn.functional.softplus(-logits_B).mean().backward()
    clock.lap("backward")
    norm = torch.nn.utils.clip_grad_norm_(parameters, 1.0)
    optimizer.step()
    clock.lap("optimizer")
    print(f"z at start {float(logits_B.detach()[0]):.3f}, gradient norm {float(norm):.3f}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"one pair at {size} x {size}: {clock.total:.0f} s in all, peak memory {peak:.1f} GiB")


class Clock:
    """Prints how long each part took."""

    def __init__(self) -> None:
        self._began = self._last = time.monotonic()

    def lap(self, part: str) -> None:
        now = time.monotonic()
        print(f"{part}: {now - self._last:.1f} s", flush=True)
        self._last = now

    @property
    def total(self) -> float:
        return self._last - self._began


def random_unet() -> UNet2DConditionModel:
    """The published configuration with small random bf16 weights, never held in fp32."""
    with torch.device("meta"):
        unet = UNet2DConditionModel.from_config(SDXL_UNET).to(torch.bfloat16)
    unet = unet.to_empty(device="cpu").requires_grad_(False)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, weight in unet.named_parameters():
            if weight.dim() == 1:
                weight.fill_(1.0 if name.endswith("weight") else 0.0)
            else:
                weight.normal_(0.0, weight[0].numel() ** -0.5, generator=generator)
    return unet


def real_inputs(unet: UNet2DConditionModel, size: int) -> dict:
    inputs = SDXL.inputs_by_shape(unet, size, 2, torch.bfloat16, 77)
    inputs["timestep"] = torch.full((2,), 500)
    for name in ("sample", "encoder_hidden_states"):
        inputs[name] = torch.randn(inputs[name].shape).bfloat16()
    inputs["added_cond_kwargs"] = {
        name: torch.randn(value.shape).bfloat16()
        for name, value in inputs["added_cond_kwargs"].items()
    }
    return inputs


def predict(unet: UNet2DConditionModel, inputs: dict) -> torch.Tensor:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return unet(**inputs).sample


if __name__ == "__main__":
    main()
