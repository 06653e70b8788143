"""A LoRA file from elsewhere, whatever its program calls things, as one in diffusers' form."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from diffusers import UNet2DConditionModel
from torch import Tensor

from align.errors import NotAdoptable
from align.files import read_json
from align.kohya import CONFIG, DOWN, PREFIX, UP, ExportError, module_alpha, read_config
from align.lora_names import KOHYA, TEXT_ENCODERS, bare, known_names, layers_of
from align.models import ModelInfo

KEY = re.compile(
    r"(?P<module>.+?)[._]lora[._](?P<part>A|B|down|up|magnitude_vector)(?:\.default)?(?:\.weight)?"
    r"|(?P<scaled>.+)\.alpha"
)
PART = {"A": "down", "B": "up"}
MAGNITUDE = ".lora_magnitude_vector"


@dataclass(frozen=True)
class Layer:
    """What a file says of one layer."""

    down: Tensor
    up: Tensor
    magnitude_vector: Tensor | None = None
    alpha: Tensor | None = None

    @property
    def rank(self) -> int:
        """How many directions it changes."""
        return int(self.down.shape[0])


@dataclass
class Found:
    """The parts of each layer by our own names, and the weights that have no place here."""

    parts: dict[str, dict[str, Tensor]] = field(default_factory=dict)
    text_encoders: int = 0
    kohya: bool = False


def read_lora(
    path: Path,
    weights: dict[str, Tensor],
    metadata: dict[str, str],
    unet: UNet2DConditionModel,
    model: ModelInfo,
) -> tuple[dict[str, Any], dict[str, Tensor], dict[str, str]]:
    """What a LoRA is, its weights in diffusers' form with alpha = rank, and their metadata.

    Raises:
        NotAdoptable: it is no LoRA of this model's UNet.
    """
    shapes = layers_of(unet)
    found = find_layers(weights, known_names(unet, shapes), path.name, model)
    layers = whole_layers(found.parts, shapes, path.name, model)
    ranks = {name: layer.rank for name, layer in layers.items()}
    config = peft_config(path, metadata)
    alphas = {
        name: module_alpha(config, name, layer.rank) if layer.alpha is None else float(layer.alpha)
        for name, layer in layers.items()
    }
    facts = {
        "kind": "lora",
        "form": "kohya" if found.kohya else "diffusers",
        "rank": most_common(ranks.values()),
        "alpha": most_common(alphas.values()),
        "layers": len(ranks),
        "text_encoder_weights_left_out": found.text_encoders,
    }
    metadata = {CONFIG: json.dumps(written_config(ranks, layers))}
    return facts, folded(layers, alphas), metadata


def find_layers(
    weights: dict[str, Tensor], names: dict[str, str], title: str, model: ModelInfo
) -> Found:
    """Sort the weights of a file by layer."""
    found, strangers = Found(), []
    for key, weight in weights.items():
        match = KEY.fullmatch(key)
        module = bare(match["module"] or match["scaled"]) if match else bare(key)
        if module.startswith(TEXT_ENCODERS):
            found.text_encoders += 1
        elif match is None:
            raise not_a_lora(key, title)
        elif module not in names:
            strangers.append(module)
        else:
            found.kohya |= module.startswith(KOHYA)
            part = "alpha" if match["scaled"] else PART.get(match["part"], match["part"])
            found.parts.setdefault(names[module], {})[part] = weight
    if strangers:
        raise NotAdoptable(
            f"{title} was made for another model: {model.name} has no {strangers[0]}. Bring a LoRA "
            f"that was trained on {model.name}."
        )
    if not found.parts:
        raise NotAdoptable(f"{title} holds no LoRA for a UNet, and Palate tunes the UNet alone.")
    return found


def not_a_lora(key: str, title: str) -> NotAdoptable:
    """Say what a file is instead of a LoRA."""
    if key.endswith(".dora_scale"):
        kind = "a DoRA in kohya's form, which programs read differently. Bring diffusers' form"
    elif any(word in key for word in ("hada_", "lokr_", "oft_", "glora", "ia3")):
        kind = "a LyCORIS of another kind than LoRA. Merge it into its model and bring the folder"
    else:
        kind = (
            f"no LoRA: it holds {key[:80]}. Bring a LoRA file, or the folder of a tuned model in "
            "diffusers' form"
        )
    return NotAdoptable(f"{title} is {kind}.")


def whole_layers(
    parts: dict[str, dict[str, Tensor]], shapes: dict[str, torch.Size], title: str, model: ModelInfo
) -> dict[str, Layer]:
    """Put the parts together; refuses half a layer, and one that does not fit its place."""
    layers = {}
    for name, known in parts.items():
        if not {"down", "up"} <= known.keys():
            raise NotAdoptable(f"{title} lacks a half of {name}. Copy or download it again.")
        layer = layers[name] = Layer(**known)
        out, into = shapes[name][0], shapes[name][1:]
        down, up = layer.down.shape, layer.up.shape
        if down[1:] != into or up[:2] != (out, layer.rank):
            raise NotAdoptable(
                f"{title} was made for another model: its {name} takes {tuple(down[1:])} and gives "
                f"{up[0]}, {model.name}'s takes {tuple(into)} and gives {out}."
            )
    return layers


def folded(layers: dict[str, Layer], alphas: dict[str, float]) -> dict[str, Tensor]:
    """The weights by diffusers' names, alpha / rank taken into the up weights.

    All are kept in their own format where alpha is the rank already, else in fp32.
    """
    plain = all(alphas[name] == layer.rank for name, layer in layers.items())
    result: dict[str, Tensor] = {}
    for name, layer in layers.items():
        kept = layer.up.dtype if plain else torch.float32
        up = layer.up.to(kept) * (alphas[name] / layer.rank)
        result[PREFIX + name + DOWN] = layer.down.to(kept).contiguous()
        result[PREFIX + name + UP] = up.contiguous()
        if layer.magnitude_vector is not None:
            result[PREFIX + name + MAGNITUDE] = layer.magnitude_vector.contiguous()
    return result


def written_config(ranks: dict[str, int], layers: dict[str, Layer]) -> dict[str, Any]:
    """The PEFT configuration: without it diffusers would scale layers of another rank."""
    rank = most_common(ranks.values())
    others = {f"^{re.escape(name)}": r for name, r in ranks.items() if r != rank}
    config = {
        "r": rank,
        "lora_alpha": rank,
        "rank_pattern": others,
        "alpha_pattern": others,
        "target_modules": sorted(ranks),
        "use_dora": any(layer.magnitude_vector is not None for layer in layers.values()),
    }
    return {PREFIX + name: value for name, value in config.items()}


def peft_config(path: Path, metadata: dict[str, str]) -> dict[str, Any]:
    """The PEFT configuration that a file carries, or that lies beside it."""
    if CONFIG in metadata:
        try:
            return read_config(path, metadata)
        except ExportError as error:
            raise NotAdoptable(str(error)) from None
    beside = path.with_name("adapter_config.json")
    try:
        config = read_json(beside)
    except ValueError:
        raise NotAdoptable(f"{beside} is not JSON. Copy or download the LoRA again.") from None
    return config if isinstance(config, dict) else {}


def most_common(values: Iterable[Any]) -> Any:
    """What occurs most often."""
    return Counter(values).most_common(1)[0][0]
