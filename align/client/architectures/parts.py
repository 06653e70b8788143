"""Weights of a file, sorted into the parts of a model by the prefixes of their names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from align.client.architectures.names import bare_name

Shapes = Mapping[str, tuple[int, ...]]
DENOISER_PREFIXES = ("model.diffusion_model.", "diffusion_model.", "model.model.")
AUTOENCODER_PREFIXES = ("first_stage_model.", "vae.", "audio_vae.", "vocoder.")
ENCODER_PREFIXES = ("cond_stage_model.", "conditioner.", "text_encoders.", "text_encoder.",
                    "text_encoder_2.", "clip_l.", "clip_g.", "clip_vision.", "clip_l_vision.",
                    "embedder.", "t5xxl.")  # fmt: skip


@dataclass(frozen=True)
class Parts:
    """Shapes of a file's weights by part."""

    denoiser: dict[str, tuple[int, ...]]
    """By names without prefixes and endings, and with underscores for dots."""
    autoencoder: dict[str, tuple[int, ...]]
    encoders: dict[str, tuple[int, ...]]
    prefixed: bool
    """True where the names say which weights are the denoiser's."""

    @property
    def text(self) -> str:
        """Return the names of the denoiser's weights, each between two line ends."""
        return "\n" + "".join(f"{name}\n" for name in self.denoiser)


def sort_parts(shapes: Shapes) -> Parts:
    """Sort weights by the prefixes of their names; what has none counts as the denoiser's."""
    groups: dict[str, dict[str, tuple[int, ...]]] = {"own": {}, "vae": {}, "text": {}, "rest": {}}
    for name, shape in shapes.items():
        groups[_group(name)][name] = shape

    prefixed = bool(groups["own"])
    denoiser = groups["own"] or groups["rest"]
    plain = {bare_name(name.removesuffix(".weight")): shape for name, shape in denoiser.items()}
    return Parts(plain, groups["vae"], groups["text"], prefixed)


def _group(name: str) -> str:
    if name.startswith(DENOISER_PREFIXES):
        return "own"
    if name.startswith(AUTOENCODER_PREFIXES):
        return "vae"
    return "text" if name.startswith(ENCODER_PREFIXES) else "rest"
