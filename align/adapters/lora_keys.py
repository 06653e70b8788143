"""Take the names of an adapter file apart: which module, and which part of its change.

Every program ends the name of a weight with what it is: `….lora_up.weight`, `….hada_w1_a`,
`….diff_b`. What stands before it names the module, by whatever convention.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from align.adapters.lora_names import bare

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
"""By family: the parts of a module's change, and how programs end their names."""
BY_END = {
    end: (family, part)
    for family, parts in ENDS.items()
    for part, ends in parts.items()
    for end in ends
}
LONGEST_END = 3
"""Words of the longest ending."""
TEXT_ENCODERS = ("text_encoder", "text_model", "lora_te", "lycoris_te", "te1_", "te2_", "te_",
                 "te1.", "te2.", "te.", "clip_l", "clip_g", "clip_h", "cond_stage_model",
                 "conditioner", "t5", "oft_te", "lora_clip", "lora_t5",
                 "lora_prior_te")  # fmt: skip
"""How the names of what belongs to a text encoder begin."""
EMBEDDINGS = ("bundle_emb.",)
"""How those of embeddings begin that OneTrainer puts beside the LoRA that was trained with them."""
SCALES = ("weight_scale", "scale_weight")
NO_MATTER = ("scaled_fp8", "input_scale", "scale_input", "comfy_quant")
"""What programs note beside 8-bit weights for their own arithmetic."""
WRAPPERS = re.compile(r"\.base_layer$|\.modules_to_save\.[^.]+$")
"""What PEFT puts behind the name of a layer that it has wrapped."""
FROZEN = ".original_module."
"""Where PEFT keeps a layer as it was, beside the one that it trained whole."""
SETTINGS = ("any.alpha", "any.dora_scale", "any.bias", "full.diff_b", "ia3.on_input")
OWN_FAMILY = ("lora", "loha", "lokr", "glora", "ia3", "oft", "full", "norm")


@dataclass
class Adapter:
    """The names of a file, sorted."""

    modules: dict[str, dict[str, str]] = field(default_factory=dict)
    """By module as the file calls it: the key of each part, such as "lora.up" or "any.alpha"."""
    scales: dict[str, str] = field(default_factory=dict)
    """By key of an 8-bit tensor, the key of the number that it is multiplied with."""
    text_encoders: int = 0
    tunes_text: bool = False
    """Whether what belongs to text encoders is an adapter's, too."""
    embeddings: set[str] = field(default_factory=set)
    others: list[str] = field(default_factory=list)
    """Keys that end as no weight of an adapter does."""
    twice: list[str] = field(default_factory=list)
    """Keys of parts that a module has already under another name."""

    @property
    def families(self) -> set[str]:
        """What kinds of change there are."""
        parts = {part.partition(".")[0] for parts in self.modules.values() for part in parts}
        return parts & set(OWN_FAMILY)


def sort_keys(keys: Collection[str]) -> Adapter:
    """Sort the weights of a file by module and part."""
    adapter, scales = Adapter(), []
    for key in keys:
        module, part = take_apart(key)
        end = key.rpartition(".")[2]
        if key.startswith(EMBEDDINGS):
            adapter.embeddings.add(key.split(".")[1][:80])
        elif bare(key).startswith(TEXT_ENCODERS):
            adapter.text_encoders += 1
            adapter.tunes_text |= part is not None and part.partition(".")[0] in OWN_FAMILY
        elif end in SCALES:
            scales.append(key)
        elif end in NO_MATTER or FROZEN in key:
            continue
        elif part is None:
            adapter.others.append(key)
        elif adapter.modules.setdefault(module, {}).setdefault(part, key) != key:
            adapter.twice.append(key)
    _sort_scales(scales, keys, adapter)
    return adapter


def _sort_scales(scales: Iterable[str], keys: Collection[str], adapter: Adapter) -> None:
    """Find the tensor of each scale: one that is left out would change a weight many times over."""
    for key in scales:
        scaled = scaled_by(key, keys, adapter)
        if scaled is None:
            adapter.others.append(key)
        else:
            adapter.scales[scaled] = key


def scaled_by(key: str, keys: Collection[str], adapter: Adapter) -> str | None:
    """Return the tensor that a scale is for: of its name, or the only one of its module."""
    stem = key.rpartition(".")[0]
    for name in (f"{stem}.weight", stem):
        if name in keys:
            return name
    parts = adapter.modules.get(stem, {})
    tensors = [name for part, name in parts.items() if part not in SETTINGS]
    return tensors[0] if len(tensors) == 1 else None


def take_apart(key: str) -> tuple[str, str | None]:
    """Return the module of a weight and the part that it is; None for no weight of an adapter."""
    # Attention processors are called to_q_lora.down.weight.
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
    """Return the module and the part that the words of a name, and what follows, stand for."""
    for count in range(min(LONGEST_END, len(words) - 1), 0, -1):
        if found := BY_END.get(".".join([*words[-count:], *last])):
            return ".".join(words[:-count]), ".".join(found)
    return None
