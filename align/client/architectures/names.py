"""Names of layers without the prefixes of the programs that wrote them."""

from __future__ import annotations

KOHYA = "lora_unet_"
PREFIXES = ("module.", "_orig_mod.", "base_model.model.", "model.", "diffusion_model.",
            "lora_unet.", "unet.", KOHYA, "lycoris_unet_", "lycoris_", "oft_unet_")  # fmt: skip
TRANSFORMER_PREFIXES = ("lora_prior_unet_", "lora_transformer_", "transformer.", "lora_", "net.")
MAX_PREFIX_ROUNDS = 4


def strip_prefixes(module: str) -> str:
    """Return a module's name without the prefixes of other programs, some of which come twice."""
    for _ in range(MAX_PREFIX_ROUNDS):
        if not module.startswith(PREFIXES):
            break
        for prefix in PREFIXES:
            module = module.removeprefix(prefix)
    return module


def bare_name(module: str) -> str:
    """Return a module's name without any prefix, and with underscores for dots."""
    name = strip_prefixes(module)
    for prefix in TRANSFORMER_PREFIXES:
        name = name.removeprefix(prefix)
    return name.replace(".", "_")
