"""List the weights of SDXL's published checkpoint, with their shapes, from the original code.

    python tests/bench/published_names.py GENERATIVE_MODELS TARGET

GENERATIVE_MODELS is a checkout of Stability-AI/generative-models; open_clip, einops, omegaconf and
PyYAML have to be installed. The networks are built on the meta device by their own classes, from
configs/inference/sd_xl_base.yaml. TARGET is a gzipped text, a name and a shape a line.

CLIP's text encoder comes from transformers, which today leaves out the buffer position_ids.
"""

from __future__ import annotations

import gzip
import importlib
import json
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

PACKAGES = ("sgm", "sgm.modules", "sgm.modules.diffusionmodules", "sgm.modules.autoencoding")
"""Their own __init__ would import all that training needs."""
UNET, VAE = "model.diffusion_model.", "first_stage_model."
CLIP, OPEN_CLIP = "conditioner.embedders.0.transformer.", "conditioner.embedders.1.model."


def main(checkout: Path, target: Path) -> None:
    """Write the list."""
    sys.path.insert(0, str(checkout))
    for name in PACKAGES:
        package = types.ModuleType(name)
        package.__path__ = [str(checkout / name.replace(".", "/"))]
        sys.modules[name] = package
    with torch.device("meta"):
        lines = sorted(f"{name} {list(weight.shape)}" for name, weight in all_weights(checkout))
    content = "\n".join(lines) + "\n"
    target.write_bytes(gzip.compress(content.encode(), mtime=0))
    print(f"{len(lines):,} weights")


def all_weights(checkout: Path) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield every weight of the checkpoint by its name."""
    yaml = importlib.import_module("yaml")
    path = checkout / "configs" / "inference" / "sd_xl_base.yaml"
    params = yaml.safe_load(path.read_text())["model"]["params"]

    unet_code = importlib.import_module("sgm.modules.diffusionmodules.openaimodel")
    unet = unet_code.UNetModel(**params["network_config"]["params"])
    yield from named(UNET, unet)
    yield from named(VAE, autoencoder(params["first_stage_config"]["params"]))

    yield from named(OPEN_CLIP, open_clip_encoder(params["conditioner_config"]["params"]))
    transformers = importlib.import_module("transformers")
    config = transformers.CLIPTextConfig(
        hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12
    )
    clip = transformers.CLIPTextModelWithProjection(config)
    del clip.text_projection
    yield from named(CLIP, clip)


def named(prefix: str, module: torch.nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield the weights of a module, each with a prefix."""
    yield from ((prefix + name, weight) for name, weight in module.state_dict().items())


def autoencoder(params: dict[str, Any]) -> torch.nn.Module:
    """Build the autoencoder as sgm.models.autoencoder.AutoencodingEngineLegacy does."""
    code = importlib.import_module("sgm.modules.diffusionmodules.model")
    settings, width = params["ddconfig"], params["embed_dim"]
    whole = torch.nn.Module()
    whole.encoder, whole.decoder = code.Encoder(**settings), code.Decoder(**settings)
    channels = (1 + settings["double_z"]) * settings["z_channels"]
    whole.quant_conv = torch.nn.Conv2d(channels, (1 + settings["double_z"]) * width, 1)
    whole.post_quant_conv = torch.nn.Conv2d(width, settings["z_channels"], 1)
    return whole


def open_clip_encoder(params: dict[str, Any]) -> torch.nn.Module:
    """Build the second text encoder as OpenCLIP's own CLIP does, without its eyes."""
    open_clip = importlib.import_module("open_clip")
    code = importlib.import_module("open_clip.transformer")
    name = params["emb_models"][1]["params"]["arch"]
    file = Path(open_clip.__file__).parent / "model_configs" / f"{name}.json"
    settings = json.loads(file.read_text())
    encoder: torch.nn.Module = code.TextTransformer(
        output_dim=settings["embed_dim"], **settings["text_cfg"]
    )
    encoder.logit_scale = torch.nn.Parameter(torch.ones([]))
    return encoder


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
