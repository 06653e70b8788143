"""A model of the embedded one's kind with next to no weights, for what does not depend on them."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from diffusers import UNet2DConditionModel

from align.client.models import describe_model
from align.files import read_json

UNET = {
    "block_out_channels": [16, 32, 32],
    "attention_head_dim": [1, 2, 2],
    "norm_num_groups": 8,
    "sample_size": 8,
}


def write_small_model(folder: Path) -> Path:
    """Write a pipeline that renders 64 x 64 pixels, and return its folder.

    Everything but the UNet is that of the embedded model; the UNet's weights are random, and the
    same ones each time.
    """
    source = Path(describe_model().load_path)
    others = shutil.ignore_patterns("*.py", "unet", "few_steps*")
    shutil.copytree(source, folder, ignore=others)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        config = read_json(source / "unet" / "config.json")
        UNet2DConditionModel.from_config(config | UNET).save_pretrained(folder / "unet")
    return folder
