"""SDXL at full size, by shape, on counted cards: what the plan chooses runs a step there."""

from __future__ import annotations

import pytest
import torch
from small_device import SmallDevice
from torch.autograd.graph import _engine_run_backward

from align.adapters.lora import add_lora
from align.card_by_shape import CardByShape
from align.client.config import configure
from align.device import Compute
from align.families.sdxl import SDXL, SDXL_UNET
from align.training.fitting.auto_batch import fit_to_memory
from align.training.fitting.base_format import choose_base_format
from align.training.fitting.gradient_checkpointing import recompute
from align.training.fitting.memory_model import checkpointed_blocks, weight_bytes
from align.weights.quantized import quantize

pytestmark = pytest.mark.long

HALF = Compute(torch.device("cpu"), torch.bfloat16, torch.bfloat16)
META = torch.device("meta")
FREE = 0.93
"""Of a card's memory: a desktop and the driver take the rest."""


@pytest.mark.parametrize(
    ("gigabytes", "side", "base_format"),
    [(8, 768, "int8"), (12, 768, "model"), (16, 1024, "model")],
)
def test_a_step_fits_as_it_was_planned(gigabytes, side, base_format):
    free, size = int(FREE * gigabytes * 1e9), (side, side)
    with torch.device("meta"):
        unet = SDXL.build_denoiser(SDXL_UNET).to(torch.bfloat16).requires_grad_(False)
    config = choose_base_format(configure("sdxl", {}), unet, size, HALF, free)
    assert config.base_format == base_format
    quantize(unet, config.base_format, META)
    config = fit_to_memory(config, unet, size, HALF, free - weight_bytes(unet))

    with torch.device("meta"):
        parameters = add_lora(unet, config.rank, seed=0)
        pairs = config.micro_batch_size
        inputs = SDXL.inputs_by_shape(unet, size, 2 * pairs, torch.bfloat16, 77)
    recompute(unet.train(), checkpointed_blocks(config.gradient_checkpointing, unet, inputs))
    with SmallDevice(free, "meta") as device, CardByShape(torch.bfloat16):
        device.hold(unet)
        moments = [torch.empty_like(weight) for weight in parameters for _ in range(2)]
        loss = unet(**inputs).sample.float().square().mean()
        # A tensor's own method would leave the mode before blocks are recomputed.
        ones = (torch.empty((), device="meta"),)
        options = {"allow_unreachable": True, "accumulate_grad": True}
        _engine_run_backward((loss,), ones, False, False, (), **options)

    assert device.refused == 0
    assert all(weight.grad is not None for weight in parameters)
    assert len(moments) == 2 * len(parameters)
    print(
        f"{gigabytes} GB at {side}: {config.base_format}, {pairs} pairs, "
        f"{config.gradient_checkpointing} recomputed: {device.peak / 1e9:.1f} GB at most"
    )
