"""Settings of every stage, for a training from scratch; `made_with*.json` holds the differences."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from align.client.models import FEW_STEP_SEGMENTS
from align.errors import InvalidSettings
from align.files import read_json, write_json


@dataclass(frozen=True)
class DataSettings:
    """Sizes and selection of the images."""

    side: int = 128
    """Width and height of a composed image, in pixels."""
    emoji_side: int = 112
    """Width and height of an emoji alone."""
    least_margin: int = 4
    """Least distance of an emoji's square from an edge; the largest follows from the sides."""
    held_out: float = 0.08
    """Share of the subjects that no training sees: the figures are taken on them."""
    least_styles: int = 4
    """Number of styles that a subject must exist in to be learned."""
    seed: int = 0


@dataclass(frozen=True)
class LoopSettings:
    """Settings of the training loop, for any network."""

    steps: int = 10_000
    batch: int = 16
    learning_rate: float = 2e-3
    orthogonal: bool = True
    """Muon, which needs fewer steps, instead of AdamW."""
    warmup: int = 200
    """Steps over which the learning rate rises."""
    cooldown: float = 0.4
    """Share of the steps, at the end, over which the learning rate falls to zero."""
    beta2: float = 0.99
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    averaging: float = 0.999
    """EMA decay of the averaged weights, per step."""
    checkpoint_minutes: float = 5.0
    seed: int = 0


@dataclass(frozen=True)
class TokenizerSettings:
    """A byte-level vocabulary learned on all captions."""

    vocabulary: int = 2000
    length: int = 24
    """Tokens that a prompt is truncated or padded to."""


@dataclass(frozen=True)
class AutoencoderSettings:
    """16×16×8 latents of 128×128 images."""

    channels: tuple[int, ...] = (32, 64, 96, 128)
    layers: int = 1
    groups: int = 8
    latent_channels: int = 8
    """SDXL has four; for images this small eight keep more detail."""
    crop: int = 64
    """Side of the crops it is trained on at first: a quarter of the work of whole images."""
    whole: float = 0.25
    """Share of the steps, at the end, on whole images: fewer of them, but as many pixels."""
    gradients: float = 0.5
    """Weight of the error of horizontal and vertical gradients, at three scales."""
    squares: float = 2.0
    """Weight of the squared error beside the absolute one."""
    divergence: float = 2e-4
    """Weight of the KL divergence per latent number."""
    loop: LoopSettings = field(default_factory=lambda: LoopSettings(steps=5_500, batch=8))
    decoder: LoopSettings = field(default_factory=lambda: LoopSettings(steps=1_500, batch=2))
    """Loop that trains the decoder further, alone and on whole images."""


@dataclass(frozen=True)
class CaptionSettings:
    """Probabilities of the parts of a caption."""

    tag: float = 0.2
    """A tag of the subject instead of its name."""
    style: float = 0.5
    background: float = 0.5
    article: float = 0.5
    trailing: float = 0.15
    """Style and background after the subject, between commas."""


@dataclass(frozen=True)
class DenoiserSettings:
    """Architecture and training of the UNet and the text encoders."""

    channels: tuple[int, ...] = (64, 128, 192)
    heads: tuple[int, ...] = (2, 4, 6)
    layers: int = 1
    transformers: int = 1
    groups: int = 16
    text_width: int = 96
    text_layers: int = 2
    text_heads: int = 4
    variants: int = 8
    """Encoded copies of an image, each on another background and at another position."""
    prediction: str = "v_prediction"
    no_signal_at_end: bool = True
    """Zero terminal SNR: the noise schedule ends in pure noise (Lin et al. 2023, 2305.08891)."""
    snr_limit: float = 5.0
    """Min-SNR limit: weights fall with the signal-to-noise ratio beyond it; 0 weighs all alike."""
    noisier: float = 1.0
    """Shift of timesteps towards noise: at 2 every second one is above 667 of 1,000."""
    everything: float = 0.5
    """Share of the steps on all subjects; the other steps are on those of labels.txt."""
    drop_condition: float = 0.1
    """Share of the captions replaced by zeros, the unconditional case for guidance."""
    style_guidance: float = 1.0
    """Amplification of the difference that a named style makes; 1 changes nothing."""
    start_share: float = 0.0
    """Share of the earlier model's weights in those exported (Wortsman et al. 2022, 2109.01903)."""
    captions: CaptionSettings = field(default_factory=CaptionSettings)
    loop: LoopSettings = field(
        default_factory=lambda: LoopSettings(
            steps=12_000, batch=64, averaging=0.9995, weight_decay=0.01
        )
    )


@dataclass(frozen=True)
class FewStepsSettings:
    """Training of the adapter with which four steps are enough."""

    rank: int = 16
    targets: str = "all"
    """Layers that it changes: "attention", or "all" linear and convolutional ones."""
    stretches: int = FEW_STEP_SEGMENTS
    """Segments of the denoising path. Every border adds its error to those before: with 40, images
    became grainy."""
    guidance: float = 1.7
    """Guidance of the teacher; the adapter renders without any."""
    huber: float = 0.001
    """Width of the pseudo-Huber loss: larger errors count absolute, smaller ones squared."""
    loop: LoopSettings = field(
        default_factory=lambda: LoopSettings(
            steps=300,
            batch=32,
            learning_rate=2e-4,
            orthogonal=False,
            warmup=20,
            averaging=0.98,
        )
    )


@dataclass(frozen=True)
class ClassifierSettings:
    """Architecture and training of the classifier for the figures; it is no part of the model."""

    channels: tuple[int, ...] = (32, 64, 128, 192)
    subjects: int = 200
    loop: LoopSettings = field(default_factory=lambda: LoopSettings(steps=1_200, batch=64))


@dataclass(frozen=True)
class EmojiSettings:
    """All settings of the embedded model's training."""

    start: str = ""
    """An earlier model to take vocabulary and fitting weights from; empty is none."""
    data: DataSettings = field(default_factory=DataSettings)
    tokenizer: TokenizerSettings = field(default_factory=TokenizerSettings)
    autoencoder: AutoencoderSettings = field(default_factory=AutoencoderSettings)
    denoiser: DenoiserSettings = field(default_factory=DenoiserSettings)
    few_steps: FewStepsSettings = field(default_factory=FewStepsSettings)
    classifier: ClassifierSettings = field(default_factory=ClassifierSettings)


def settings_from_json(value: dict[str, Any]) -> EmojiSettings:
    """Build settings from a dict; whatever it leaves out stays at its default.

    Raises:
        InvalidSettings: a name that is no setting, or a value of another kind.
    """
    settings: EmojiSettings = _filled(EmojiSettings(), value, "")
    return settings


def read_settings(work: Path) -> EmojiSettings:
    """Read the settings of a working folder, or write the defaults there the first time."""
    path = work / "settings.json"
    stored = read_json(path)
    settings = settings_from_json(stored or {})
    if stored is None:
        work.mkdir(parents=True, exist_ok=True)
        write_json(path, asdict(settings))
    return settings


def _filled(default: Any, value: dict[str, Any], where: str) -> Any:
    """Return `default` with the fields of `value` replaced, in nested dataclasses as well."""
    known = {item.name: getattr(default, item.name) for item in fields(default)}
    changes = {}
    for name, new in value.items():
        if name not in known:
            raise InvalidSettings(f"There is no setting {where + name}. Known: {', '.join(known)}.")
        old = known[name]
        if hasattr(old, "__dataclass_fields__"):
            changes[name] = _filled(old, new, f"{where}{name}.")
        else:
            changes[name] = _of_kind(old, new, where + name)
    return type(default)(**known | changes)


def _of_kind(old: Any, new: Any, name: str) -> Any:
    kind = type(old)
    if kind is tuple and isinstance(new, list):
        return tuple(new)
    if kind is float and isinstance(new, int) and not isinstance(new, bool):
        return float(new)
    if not isinstance(new, kind) or isinstance(new, bool) != (kind is bool):
        raise InvalidSettings(f"{name} must be of type {kind.__name__}, got {new!r}.")
    return new
