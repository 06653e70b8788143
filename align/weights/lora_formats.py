"""A LoRA file from elsewhere, whatever its program calls things, as one in diffusers' form.

lora_keys      names taken apart        lora_names     layers, by all conventions
other_files    what is no adapter       lora_origins   for which base it was made
lora_changes   the tensors, checked     lora_forms     an adapter, or all weights of a UNet
low_rank and lycoris: the mathematics.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from diffusers import UNet2DConditionModel
from torch import Tensor

from align.adapters.kohya import most_common
from align.adapters.lora_changes import LayerChange, ShapeMismatch, read_changes
from align.adapters.lora_keys import AdapterKeys, sort_keys
from align.adapters.lora_names import (
    KOHYA,
    layers_of,
    plain_name,
    shorten,
    strip_prefixes,
    weight_shapes,
)
from align.adapters.lora_origins import Origin, origin_of
from align.adapters.lora_settings import peft_config
from align.adapters.other_files import describe_non_lora, other_adapter, other_purpose
from align.client.models import ModelInfo
from align.errors import NotImportable
from align.families.lookup import family_of
from align.weights.dora import SCALE_NOTE
from align.weights.lora_forms import (
    LowRankLayer,
    adapter_metadata,
    adapter_weights,
    any_other_lengths,
    as_layers,
    whole_weights,
    with_lengths_of_sums,
)

Shapes = Mapping[str, tuple[int, ...]]
FAMILIES = {
    "lora": "LoRA",
    "loha": "LoHa",
    "lokr": "LoKr",
    "glora": "GLoRA",
    "ia3": "(IA)³",
    "oft": "OFT",
    "full": "full difference",
    "norm": "change of norms",
}
BOFT_AXES = 4
MOST_WORDS = 20
"""Of a layer's name, between dots."""


def read_lora(
    path: Path,
    shapes: Shapes,
    metadata: dict[str, str],
    unet: UNet2DConditionModel,
    model: ModelInfo,
) -> tuple[dict[str, Any], dict[str, Tensor], dict[str, str]]:
    """What an adapter is, its weights in one of the app's two forms, and their metadata.

    Args:
        path: the file.
        shapes: what its header says of its tensors.
        metadata: what it says of itself.
        unet: the base's, with or without its weights.
        model: the base.

    Raises:
        NotImportable: it is no adapter of this model's UNet.
    """
    family = family_of(unet)
    adapter, title, known = sort_keys(shapes), path.name, weight_shapes(unet)
    check_kind(adapter, shapes, metadata, title, model)
    what, origin = family_name(adapter, shapes), origin_of(adapter.modules, shapes, metadata)
    if origin and origin.name == family.origin_name(unet):
        # Of the base's kind, but of other layers: those are what to name.
        origin = None
    places = find_places(adapter, family.layer_names(unet, known), what, origin, title, model)
    check_others(adapter, what, title)

    config = peft_config(path, metadata, shapes)
    try:
        changes = read_changes(path, places, adapter, config, known, model.name)
    except ShapeMismatch:
        if origin is None:
            raise
        raise for_another(what, origin, "", title, model) from None
    if not changes:
        raise NotImportable(f"{title} changes nothing of {model.name}: its layers have rank 0.")
    if SCALE_NOTE.keys() & metadata.keys():
        changes = with_lengths_of_sums(changes, model)
    facts = {
        "form": form_of(adapter),
        "family": what,
        "layers": len(changes),
        "text_encoder_weights_left_out": adapter.text_encoders,
        "embeddings_left_out": sorted(adapter.embeddings),
    }
    layers = as_layers(changes, layers_of(unet))
    if layers is None:
        weights, said = whole_weights(changes, model, title)
        return {"kind": "whole", **facts}, weights, said
    check_change(layers, changes, title, model)
    strength = {
        "rank": most_common(layer.rank for layer in layers.values()),
        "alpha": most_common(change.alpha for change in changes.values()),
    }
    return {"kind": "lora", **facts, **strength}, adapter_weights(layers), adapter_metadata(layers)


def check_kind(
    adapter: AdapterKeys, shapes: Shapes, metadata: Mapping[str, str], title: str, model: ModelInfo
) -> None:
    """Refuse a file without an adapter for a UNet in it, by what it is."""
    if adapter.families:
        # A face adapter, for one, holds LoRAs among other things.
        if kind := other_purpose(shapes, even_tuned=True):
            raise NotImportable(f"{title} is {kind}. Bring a LoRA file.")
        return
    found = next(filter(None, map(other_adapter, shapes)), None)
    if found:
        raise not_merged(title, found)
    if adapter.tunes_text or adapter.embeddings:
        raise NotImportable(f"{title} holds no LoRA for a UNet, and Palate tunes the UNet alone.")
    if adapter.modules.keys() and not (adapter.others or any_weights(adapter)):
        raise NotImportable(
            f"{title} holds nothing but settings of a LoRA, such as {shorten(next(iter(shapes)))}: "
            "its weights are missing. Copy or download it again."
        )
    strange = next((key for key in shapes if "lora" in key.lower()), None)
    if strange and other_purpose(shapes) is None:
        origin = origin_of({key: {} for key in shapes}, shapes, metadata)
        raise for_another("LoRA", origin, strange, title, model)
    raise NotImportable(f"{title} {describe_non_lora(shapes)}.")


def any_weights(adapter: AdapterKeys) -> bool:
    """Return whether a file holds more than what only stands beside a change."""
    return any(parts.keys() & {"any.weight", "any.bias"} for parts in adapter.modules.values())


def not_merged(title: str, kind: str) -> NotImportable:
    """Say what an adapter is that nobody here can merge."""
    return NotImportable(
        f"{title} is an adapter of another kind than LoRA ({kind}). Merge it into its model with "
        "the program that made it, and bring that model's folder in diffusers' form."
    )


def find_places(
    adapter: AdapterKeys,
    names: Mapping[str, str],
    what: str,
    origin: Origin | None,
    title: str,
    model: ModelInfo,
) -> dict[str, dict[str, str]]:
    """Return the key of each part by our own names of the layers.

    Raises:
        NotImportable: a layer that the base does not have, or that is there twice.
    """
    places: dict[str, dict[str, str]] = {}
    for module, parts in adapter.modules.items():
        name = names.get(plain_name(module))
        if name is None and layer_around(module, names):
            raise unknown_part(next(iter(parts.values())), what, title)
        if name is None:
            raise for_another(what, origin, module, title, model)
        twice = parts.keys() & places.get(name, {}).keys()
        if twice:
            raise NotImportable(f"{title} holds {name} twice. Copy or download it again.")
        places.setdefault(name, {}).update(parts)
    return places


def for_another(
    what: str, origin: Origin | None, module: str, title: str, model: ModelInfo
) -> NotImportable:
    """Say for which base an adapter was made, as far as that can be told."""
    bring = f"Bring one that was trained on {model.name}."
    if origin is None:
        return NotImportable(
            f"{title} was made for another model: {model.name} has no {shorten(module)}. {bring}"
        )
    return NotImportable(
        f"{title} is a {what} for {origin.name} ({origin.evidence}), and {model.name} is another "
        f"model. {bring}"
    )


def check_others(adapter: AdapterKeys, what: str, title: str) -> None:
    """Refuse weights beside an adapter that nobody here knows."""
    if adapter.duplicates:
        raise NotImportable(
            f"{title} holds more than one change of a layer ({shorten(adapter.duplicates[0])}): "
            "two adapters in one file, or one saved twice. Save each as a file of its own."
        )
    if not adapter.others:
        return
    found = next(filter(None, map(other_adapter, adapter.others)), None)
    if found:
        raise not_merged(title, found)
    raise unknown_part(adapter.others[0], what, title)


def layer_around(module: str, names: Mapping[str, str]) -> bool:
    """Whether a layer of the base has this inside, which none has: a part of some adapter."""
    words = strip_prefixes(module).split(".")[:MOST_WORDS]
    return any(plain_name(".".join(words[:count])) in names for count in range(1, len(words)))


def unknown_part(key: str, what: str, title: str) -> NotImportable:
    """Say that an adapter holds something whose meaning nobody here knows."""
    return NotImportable(
        f"{title} holds {shorten(key)}, which is no part of a {what} that Palate "
        "knows. Merge it into its model with the program that made it, and bring that model's "
        "folder."
    )


def check_change(
    layers: Mapping[str, LowRankLayer],
    changes: Mapping[str, LayerChange],
    title: str,
    model: ModelInfo,
) -> None:
    """Refuse an adapter that changes nothing."""
    if any(layer.up.any() and layer.down.any() for layer in layers.values()):
        return
    if any_other_lengths(layers, model):
        return
    off = all(change.alpha == 0 for change in changes.values())
    why = "its alpha is 0" if off else "its weights are 0: it was never trained"
    raise NotImportable(f"{title} changes nothing of {model.name}, since {why}. Bring another one.")


def form_of(adapter: AdapterKeys) -> str:
    """Return whose names a file has."""
    if any(module.startswith((KOHYA, "oft_unet_")) for module in adapter.modules):
        return "kohya"
    if any(module.startswith("lycoris_") for module in adapter.modules):
        return "LyCORIS"
    if any(module.startswith("diffusion_model.") for module in adapter.modules):
        return "ComfyUI"
    return "diffusers"


def family_name(adapter: AdapterKeys, shapes: Shapes) -> str:
    """Return what a person calls this kind of adapter."""
    parts = {part: key for parts in adapter.modules.values() for part, key in parts.items()}
    found = adapter.families
    if "any.dora_scale" in parts or "lora.magnitude_vector" in parts:
        return "DoRA" if "lora" in found else f"{_family(found)} with DoRA's magnitudes"
    if "lora.mid" in parts or found == {"lora", "norm"}:
        return "LoCon"
    if "oft.blocks" in parts and len(shapes[parts["oft.blocks"]]) == BOFT_AXES:
        return "BOFT"
    return _family(found)


def _family(found: set[str]) -> str:
    return " and ".join(name for family, name in FAMILIES.items() if family in found)
