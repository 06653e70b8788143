"""Read adapter files of every common format and convert them to diffusers' form.

lora_keys      names taken apart        lora_names     layers, by all conventions
other_files    what is no adapter       lora_origins   for which base it was made
lora_changes   the tensors, checked     lora_forms     an adapter, or all weights of a UNet
low_rank and lycoris: the mathematics.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from align.adapters.kohya import most_common
from align.adapters.lora_changes import LayerChange, ShapeMismatch, read_changes
from align.adapters.lora_keys import AdapterKeys, sort_keys
from align.adapters.lora_names import (
    layers_of,
    plain_name,
    shorten,
    weight_shapes,
)
from align.adapters.lora_origins import AdapterOrigin, origin_of
from align.adapters.lora_settings import peft_config
from align.adapters.other_files import describe_non_lora, other_adapter
from align.client.architectures.names import KOHYA, strip_prefixes
from align.client.architectures.purposes import other_purpose
from align.contracts.models import ModelInfo
from align.contracts.weights import WeightFacts
from align.errors import NotImportable
from align.families.family import DenoiserNetwork
from align.families.lookup import family_of
from align.weights.dora import SCALE_NOTE
from align.weights.lora_forms import (
    LowRankLayer,
    adapter_metadata,
    adapter_weights,
    as_layers,
    changes_row_lengths,
    magnitudes_from_scales,
    whole_weights,
)

Shapes = Mapping[str, tuple[int, ...]]
TYPE_NAMES = {
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
MAX_NAME_PARTS = 20
"""Parts of a layer's name between dots that are compared."""


def read_lora(
    path: Path,
    shapes: Shapes,
    metadata: dict[str, str],
    unet: DenoiserNetwork,
    model: ModelInfo,
) -> tuple[WeightFacts, dict[str, Tensor], dict[str, str]]:
    """Read an adapter: its description, its weights in one of two forms, and their metadata.

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
    refuse_non_lora(adapter, shapes, metadata, title, model)
    what, origin = adapter_type(adapter, shapes), origin_of(adapter.modules, shapes, metadata)
    if origin and origin.name == family.origin_name(unet):
        # Of the base's architecture, but with other layers: the error is to name those.
        origin = None
    places = match_layers(adapter, family.layer_names(unet, known), what, origin, title, model)
    refuse_unknown_weights(adapter, what, title)

    config = peft_config(path, metadata, shapes)
    try:
        changes = read_changes(path, places, adapter, config, known, model.name)
    except ShapeMismatch:
        if origin is None:
            raise
        raise made_for_another(what, origin, "", title, model) from None
    if not changes:
        raise NotImportable(f"{title} changes nothing of {model.name}: its layers have rank 0.")
    if SCALE_NOTE.keys() & metadata.keys():
        changes = magnitudes_from_scales(changes, model)
    facts: WeightFacts = {
        "kind": "whole",
        "form": form_of(adapter),
        "family": what,
        "layers": len(changes),
        "text_encoder_weights_left_out": adapter.text_encoders,
        "embeddings_left_out": sorted(adapter.embeddings),
    }
    layers = as_layers(changes, layers_of(unet))
    if layers is None:
        weights, said = whole_weights(changes, model, title)
        return facts, weights, said
    refuse_zero_change(layers, changes, title, model)
    facts["kind"] = "lora"
    facts["rank"] = most_common(layer.rank for layer in layers.values())
    facts["alpha"] = most_common(change.alpha for change in changes.values())
    return facts, adapter_weights(layers), adapter_metadata(layers)


def refuse_non_lora(
    adapter: AdapterKeys, shapes: Shapes, metadata: Mapping[str, str], title: str, model: ModelInfo
) -> None:
    """Raise NotImportable for a file without an adapter of a UNet, with what it is instead."""
    if adapter.families:
        # A face adapter, for one, holds LoRAs among other things.
        if kind := other_purpose(shapes, even_tuned=True):
            raise NotImportable(f"{title} is {kind}. Bring a LoRA file.")
        return

    found = next(filter(None, map(other_adapter, shapes)), None)
    if found:
        raise unmergeable(title, found)
    if adapter.tunes_text or adapter.embeddings:
        raise NotImportable(f"{title} holds no LoRA for a UNet, and Palate tunes the UNet alone.")
    if adapter.modules.keys() and not (adapter.others or has_weight_changes(adapter)):
        raise NotImportable(
            f"{title} holds nothing but settings of a LoRA, such as {shorten(next(iter(shapes)))}: "
            "its weights are missing. Copy or download it again."
        )
    strange = next((key for key in shapes if "lora" in key.lower()), None)
    if strange and other_purpose(shapes) is None:
        origin = origin_of({key: {} for key in shapes}, shapes, metadata)
        raise made_for_another("LoRA", origin, strange, title, model)
    raise NotImportable(f"{title} {describe_non_lora(shapes)}.")


def has_weight_changes(adapter: AdapterKeys) -> bool:
    """Return whether a file holds whole weights or biases, which are changes by themselves."""
    return any(parts.keys() & {"any.weight", "any.bias"} for parts in adapter.modules.values())


def unmergeable(title: str, kind: str) -> NotImportable:
    """Return the error for a kind of adapter that cannot be merged here."""
    return NotImportable(
        f"{title} is an adapter of another kind than LoRA ({kind}). Merge it into its model with "
        "the program that made it, and bring that model's folder in diffusers' form."
    )


def match_layers(
    adapter: AdapterKeys,
    names: Mapping[str, str],
    what: str,
    origin: AdapterOrigin | None,
    title: str,
    model: ModelInfo,
) -> dict[str, dict[str, str]]:
    """Return the file's key of each part, by the base's names of the layers.

    Raises:
        NotImportable: a layer that the base does not have, or that the file holds twice.
    """
    places: dict[str, dict[str, str]] = {}
    for module, parts in adapter.modules.items():
        name = names.get(plain_name(module))
        if name is None and lies_in_a_layer(module, names):
            raise unknown_part(next(iter(parts.values())), what, title)
        if name is None:
            raise made_for_another(what, origin, module, title, model)

        twice = parts.keys() & places.get(name, {}).keys()
        if twice:
            raise NotImportable(f"{title} holds {name} twice. Copy or download it again.")
        places.setdefault(name, {}).update(parts)
    return places


def made_for_another(
    what: str, origin: AdapterOrigin | None, module: str, title: str, model: ModelInfo
) -> NotImportable:
    """Return the error for an adapter of another base, with that base where it is recognized."""
    bring = f"Bring one that was trained on {model.name}."

    if origin is None:
        return NotImportable(
            f"{title} was made for another model: {model.name} has no {shorten(module)}. {bring}"
        )
    return NotImportable(
        f"{title} is a {what} for {origin.name} ({origin.evidence}), and {model.name} is another "
        f"model. {bring}"
    )


def refuse_unknown_weights(adapter: AdapterKeys, what: str, title: str) -> None:
    """Raise NotImportable for weights beside an adapter that are not known here."""
    if adapter.duplicates:
        raise NotImportable(
            f"{title} holds more than one change of a layer ({shorten(adapter.duplicates[0])}): "
            "two adapters in one file, or one saved twice. Save each as a file of its own."
        )
    if not adapter.others:
        return

    found = next(filter(None, map(other_adapter, adapter.others)), None)
    if found:
        raise unmergeable(title, found)
    raise unknown_part(adapter.others[0], what, title)


def lies_in_a_layer(module: str, names: Mapping[str, str]) -> bool:
    """Return whether a module's name begins with a layer's: an adapter's part inside a layer."""
    words = strip_prefixes(module).split(".")[:MAX_NAME_PARTS]
    return any(plain_name(".".join(words[:count])) in names for count in range(1, len(words)))


def unknown_part(key: str, what: str, title: str) -> NotImportable:
    """Return the error for a part of an adapter that is not known here."""
    return NotImportable(
        f"{title} holds {shorten(key)}, which is no part of a {what} that Palate "
        "knows. Merge it into its model with the program that made it, and bring that model's "
        "folder."
    )


def refuse_zero_change(
    layers: Mapping[str, LowRankLayer],
    changes: Mapping[str, LayerChange],
    title: str,
    model: ModelInfo,
) -> None:
    """Raise NotImportable for an adapter that changes nothing."""
    if any(layer.up.any() and layer.down.any() for layer in layers.values()):
        return
    if changes_row_lengths(layers, model):
        return
    off = all(change.alpha == 0 for change in changes.values())
    why = "its alpha is 0" if off else "its weights are 0: it was never trained"
    raise NotImportable(f"{title} changes nothing of {model.name}, since {why}. Bring another one.")


def form_of(adapter: AdapterKeys) -> str:
    """Return the program whose names a file uses."""
    if any(module.startswith((KOHYA, "oft_unet_")) for module in adapter.modules):
        return "kohya"
    if any(module.startswith("lycoris_") for module in adapter.modules):
        return "LyCORIS"
    if any(module.startswith("diffusion_model.") for module in adapter.modules):
        return "ComfyUI"
    return "diffusers"


def adapter_type(adapter: AdapterKeys, shapes: Shapes) -> str:
    """Return the usual name of an adapter's type, such as "DoRA" or "LoKr"."""
    parts = {part: key for parts in adapter.modules.values() for part, key in parts.items()}
    found = adapter.families
    if "any.dora_scale" in parts or "lora.magnitude_vector" in parts:
        return "DoRA" if "lora" in found else f"{_type_names(found)} with DoRA's magnitudes"
    if "lora.mid" in parts or found == {"lora", "norm"}:
        return "LoCon"
    if "oft.blocks" in parts and len(shapes[parts["oft.blocks"]]) == BOFT_AXES:
        return "BOFT"
    return _type_names(found)


def _type_names(found: set[str]) -> str:
    return " and ".join(name for family, name in TYPE_NAMES.items() if family in found)
