"""Keys of adapter files, split into the module and the part of its change.

Every program ends the name of a weight with the part that it is: `….lora_up.weight`,
`….hada_w1_a`, `….diff_b`. The beginning names the module, by whatever convention.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from align.client.architectures.names import strip_prefixes

ENDS: dict[str, dict[str, tuple[str, ...]]] = {
    "lora": {
        "down": ("lora_A.weight", "lora_A", "lora_down.weight", "lora_down", "lora.down.weight",
                 "lora_linear_layer.down.weight"),
        "up": ("lora_B.weight", "lora_B", "lora_up.weight", "lora_up", "lora.up.weight",
               "lora_linear_layer.up.weight"),
        "mid": ("lora_mid.weight", "lora.mid.weight"),
        "up_bias": ("lora_B.bias", "lora_up.bias", "lora.up.bias"),
        "magnitude_vector": ("lora_magnitude_vector", "lora_magnitude_vector.weight"),
    },
    "loha": {part: (f"hada_{part}",) for part in ("w1_a", "w1_b", "w2_a", "w2_b", "t1", "t2")},
    "lokr": {
        part: (f"lokr_{part}",) for part in ("w1", "w1_a", "w1_b", "w2", "w2_a", "w2_b", "t1", "t2")
    },
    "glora": {part: (f"{part}.weight",) for part in ("a1", "a2", "b1", "b2", "bm")},
    "ia3": {"on_input": ("on_input",)},
    "oft": {"blocks": ("oft_blocks",), "rescale": ("rescale",)},
    "full": {"diff": ("diff",), "diff_b": ("diff_b",), "set_weight": ("set_weight",)},
    "norm": {"w_norm": ("w_norm",), "b_norm": ("b_norm",)},
    "any": {"alpha": ("alpha",), "dora_scale": ("dora_scale",), "reshape": ("reshape_weight",),
            "weight": ("weight",), "bias": ("bias",)},
}  # fmt: skip
"""By family and part of a change: the endings that programs give to its name."""
PART_BY_END = {
    end: (family, part)
    for family, parts in ENDS.items()
    for part, ends in parts.items()
    for end in ends
}
MAX_END_WORDS = 3
TEXT_ENCODER_PREFIXES = (
    "text_encoder", "text_model", "lora_te", "lycoris_te", "te1_", "te2_", "te_", "te1.", "te2.",
    "te.", "clip_l", "clip_g", "clip_h", "cond_stage_model", "conditioner", "t5", "oft_te",
    "lora_clip", "lora_t5", "lora_prior_te",
)  # fmt: skip
EMBEDDING_PREFIXES = ("bundle_emb.",)
"""OneTrainer puts embeddings beside the LoRA that was trained with them."""
SCALE_ENDS = ("weight_scale", "scale_weight")
IGNORED_ENDS = ("scaled_fp8", "input_scale", "scale_input", "comfy_quant")
"""Notes beside 8-bit weights for the arithmetic of the program that wrote them."""
WRAPPERS = re.compile(r"\.base_layer$|\.modules_to_save\.[^.]+$")
"""PEFT appends these to the name of a layer that it has wrapped."""
ORIGINAL_MODULE = ".original_module."
"""PEFT keeps a layer as it was under it, beside the one that it trained whole."""
NON_WEIGHT_PARTS = ("any.alpha", "any.dora_scale", "any.bias", "full.diff_b", "ia3.on_input")
CHANGE_FAMILIES = ("lora", "loha", "lokr", "glora", "ia3", "oft", "full", "norm")


@dataclass
class AdapterKeys:
    """The keys of an adapter file, sorted by module and part."""

    modules: dict[str, dict[str, str]] = field(default_factory=dict)
    """By module as the file calls it: the key of each part, such as "lora.up" or "any.alpha"."""
    scales: dict[str, str] = field(default_factory=dict)
    """By key of an 8-bit tensor: the key of its scale."""
    text_encoders: int = 0
    """Number of keys that belong to text encoders."""
    tunes_text: bool = False
    """True if keys of an adapter are among them."""
    embeddings: set[str] = field(default_factory=set)
    others: list[str] = field(default_factory=list)
    """Keys that end as no weight of an adapter does."""
    duplicates: list[str] = field(default_factory=list)
    """Keys of parts that a module has already under another name."""

    @property
    def families(self) -> set[str]:
        """Return the kinds of change that the file makes."""
        families = {part.partition(".")[0] for parts in self.modules.values() for part in parts}
        return families & set(CHANGE_FAMILIES)


def sort_keys(keys: Collection[str]) -> AdapterKeys:
    """Sort the keys of a file by module and part."""
    adapter, scales = AdapterKeys(), []
    for key in keys:
        module, part = split_key(key)
        end = key.rpartition(".")[2]

        if key.startswith(EMBEDDING_PREFIXES):
            adapter.embeddings.add(key.split(".")[1][:80])
        elif strip_prefixes(key).startswith(TEXT_ENCODER_PREFIXES):
            adapter.text_encoders += 1
            adapter.tunes_text |= part is not None and part.partition(".")[0] in CHANGE_FAMILIES
        elif end in SCALE_ENDS:
            scales.append(key)
        elif end in IGNORED_ENDS or ORIGINAL_MODULE in key:
            continue
        elif part is None:
            adapter.others.append(key)
        elif adapter.modules.setdefault(module, {}).setdefault(part, key) != key:
            adapter.duplicates.append(key)

    # Once all modules are known. A scale without its tensor is an unknown key, and refused: left
    # out it would change a weight many times over.
    _sort_scales(scales, keys, adapter)
    return adapter


def _sort_scales(scales: Iterable[str], keys: Collection[str], adapter: AdapterKeys) -> None:
    """Assign each scale to its tensor, or to `others` where it has none."""
    for key in scales:
        scaled = _tensor_of_scale(key, keys, adapter)
        if scaled is None:
            adapter.others.append(key)
        else:
            adapter.scales[scaled] = key


def _tensor_of_scale(key: str, keys: Collection[str], adapter: AdapterKeys) -> str | None:
    """Return the tensor that a scale is for: of its name, or the only one of its module."""
    stem = key.rpartition(".")[0]
    for name in (f"{stem}.weight", stem):
        if name in keys:
            return name
    parts = adapter.modules.get(stem, {})
    tensors = [name for part, name in parts.items() if part not in NON_WEIGHT_PARTS]
    return tensors[0] if len(tensors) == 1 else None


def split_key(key: str) -> tuple[str, str | None]:
    """Split a key into its module and part; the part is None for no weight of an adapter."""
    # Attention processors say to_q_lora.down.weight.
    words = key.replace("_lora.down.", ".lora.down.").replace("_lora.up.", ".lora.up.").split(".")
    own = _ending(words, [])
    if own and not own[1].startswith("any."):
        return own
    if words[-2:-1] in (["weight"], ["bias"]):
        # Beside a tensor, such as lora_A.weight.absmax: no adapter's name.
        return key, None

    # PEFT puts an adapter's name, mostly "default", behind the part: lora_A.default.weight.
    last = words[-1:] if words[-1] in ("weight", "bias") else []
    named = _ending(words[: len(words) - 1 - len(last)], last)
    if named and not named[1].startswith("any."):
        return named
    return (WRAPPERS.sub("", own[0]), own[1]) if own else (key, None)


def _ending(words: list[str], last: list[str]) -> tuple[str, str] | None:
    """Split words by the longest known ending, which `last` is added to; None without any."""
    for count in range(min(MAX_END_WORDS, len(words) - 1), 0, -1):
        if found := PART_BY_END.get(".".join([*words[-count:], *last])):
            return ".".join(words[:-count]), ".".join(found)
    return None
