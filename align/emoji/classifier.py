"""Classifier of subjects and styles, trained on real images, for the model's figures.

Shapes: B images, C channels, H x W pixels, L labels, S styles.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from align.diffusion.noise import counter_key
from align.emoji.autoencoder import to_signal
from align.emoji.emoji_images import EmojiImage, EmojiImages, compose_batch, read_images
from align.emoji.settings import ClassifierSettings, EmojiSettings, LoopSettings
from align.emoji.sources import STYLES
from align.emoji.training_loop import load_averaged, train, training_compute

FILE, LABELS_FILE = "classifier.pt", "classifier_labels.txt"
GROUPS = 8


class Classifier(nn.Module):
    """Convolutional classifier with one head for subjects and one for styles."""

    def __init__(self, channels: tuple[int, ...], labels: int, styles: int) -> None:
        super().__init__()
        widths = (3, *channels)
        self.stages = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(before, after, 3, stride=2, padding=1),
                nn.GroupNorm(GROUPS, after),
                nn.SiLU(),
                nn.Conv2d(after, after, 3, padding=1),
                nn.GroupNorm(GROUPS, after),
                nn.SiLU(),
            )
            for before, after in zip(widths, channels, strict=False)
        )

        self.label = nn.Linear(channels[-1], labels)
        self.style = nn.Linear(channels[-1], styles)

    def forward(self, image_BCHW: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits of the labels [B, L] and of the styles [B, S]."""
        features_BCHW = image_BCHW
        for stage in self.stages:
            features_BCHW = stage(features_BCHW)
        features_BC = features_BCHW.mean(dim=(2, 3))
        return self.label(features_BC), self.style(features_BC)


def classifier_labels(images: EmojiImages, settings: ClassifierSettings) -> list[str]:
    """Return the subjects of `classifier_labels.txt` that there are images of.

    The list was sampled once from the subjects in every style; it stays, so that the figures of
    models compare.
    """
    available = {row.label for row in images.rows if row.learned}
    listed = (Path(__file__).parent / LABELS_FILE).read_text("utf-8").split("\n")
    return [label for label in listed if label in available][: settings.subjects]


def train_classifier(work: Path, settings: EmojiSettings) -> None:
    """Train the classifier of a working folder, from its last checkpoint on."""
    config, images, compute = settings.classifier, read_images(work), training_compute()
    labels = classifier_labels(images, config)
    numbers = [n for n, row in enumerate(images.rows) if row.learned and row.label in labels]
    torch.manual_seed(config.loop.seed)
    network = build(config, labels).to(compute.device)

    def loss(step: int) -> Tensor:
        random = np.random.default_rng((config.loop.seed, step))
        numbers_B = random.choice(numbers, config.loop.batch)
        image_BCHW = to_signal(compose_batch(images, numbers_B, random, settings.data))
        # Sharp training images would make it unsure of rendered ones.
        image_BCHW = softened(image_BCHW, config.loop, step).to(compute.device)
        rows = [images.rows[number] for number in numbers_B]
        with compute.autocasting():
            label_BL, style_BS = network(image_BCHW)
        label_B, style_B = (target.to(compute.device) for target in targets_of(rows, labels))
        return F.cross_entropy(label_BL.float(), label_B) + F.cross_entropy(
            style_BS.float(), style_B
        )

    train(network, config.loop, work / FILE, loss)


def softened(image_BCHW: Tensor, settings: LoopSettings, step: int) -> Tensor:
    """Blur images and add noise by random amounts, as rendered ones are soft and noisy."""
    random = torch.Generator().manual_seed(counter_key(settings.seed, "soft", step))
    size = image_BCHW.shape[-2:]
    small_BCHW = F.avg_pool2d(image_BCHW, 2)
    soft_BCHW = F.interpolate(small_BCHW, size=size, mode="bilinear", align_corners=False)
    share_B111 = torch.rand(len(image_BCHW), 1, 1, 1, generator=random)
    noise_BCHW = torch.randn(image_BCHW.shape, generator=random)
    level_B111 = 0.1 * torch.rand(len(image_BCHW), 1, 1, 1, generator=random)
    return image_BCHW.lerp(soft_BCHW, share_B111) + level_B111 * noise_BCHW


def targets_of(rows: list[EmojiImage], labels: list[str]) -> tuple[Tensor, Tensor]:
    """Return the indices of the right labels and styles."""
    styles = list(STYLES)
    return (
        torch.tensor([labels.index(row.label) for row in rows]),
        torch.tensor([styles.index(row.style) for row in rows]),
    )


def build(settings: ClassifierSettings, labels: list[str]) -> Classifier:
    """Build an untrained classifier of these labels."""
    return Classifier(settings.channels, len(labels), len(STYLES))


def load_classifier(work: Path, settings: EmojiSettings, labels: list[str]) -> Classifier:
    """Load the averaged weights of a working folder's classifier."""
    network = build(settings.classifier, labels)
    load_averaged(network, work / FILE)
    return network
