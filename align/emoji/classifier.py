"""A network that names images, trained on real ones: the judge behind the figures.

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
from align.emoji.settings import ClassifierSettings, LoopSettings, Settings
from align.emoji.sources import STYLES
from align.emoji.training_loop import averaged, train, training_compute

FILE, JUDGED = "classifier.pt", "judged.txt"
GROUPS = 8


class Classifier(nn.Module):
    """What an image shows and in which style."""

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
        """Scores of the labels [B, L] and of the styles [B, S]."""
        seen_BCHW = image_BCHW
        for stage in self.stages:
            seen_BCHW = stage(seen_BCHW)
        seen_BC = seen_BCHW.mean(dim=(2, 3))
        return self.label(seen_BC), self.style(seen_BC)


def judged_labels(images: EmojiImages, settings: ClassifierSettings) -> list[str]:
    """The subjects that the figures are about: those of `judged.txt` that there are images of.

    They were drawn by lot once, out of those in every style, and stay the same for every model.
    """
    shown = {row.label for row in images.rows if row.drawn}
    listed = (Path(__file__).parent / JUDGED).read_text("utf-8").split("\n")
    return [label for label in listed if label in shown][: settings.subjects]


def train_classifier(work: Path, settings: Settings) -> None:
    """Train the judge of a working folder, from its last checkpoint on."""
    wanted, images, compute = settings.classifier, read_images(work), training_compute()
    labels = judged_labels(images, wanted)
    numbers = [n for n, row in enumerate(images.rows) if row.drawn and row.label in labels]
    torch.manual_seed(wanted.loop.seed)
    network = build(wanted, labels).to(compute.device)

    def loss(step: int) -> Tensor:
        random = np.random.default_rng((wanted.loop.seed, step))
        numbers_B = random.choice(numbers, wanted.loop.batch)
        image_BCHW = to_signal(compose_batch(images, numbers_B, random, settings.data))
        image_BCHW = blurred(image_BCHW, wanted.loop, step).to(compute.device)
        rows = [images.rows[number] for number in numbers_B]
        with compute.autocasting():
            label_BL, style_BS = network(image_BCHW)
        label_B, style_B = (target.to(compute.device) for target in answers(rows, labels))
        return F.cross_entropy(label_BL.float(), label_B) + F.cross_entropy(
            style_BS.float(), style_B
        )

    train(network, wanted.loop, work / FILE, loss)


def blurred(image_BCHW: Tensor, settings: LoopSettings, step: int) -> Tensor:
    """Images a little soft and noisy by chance, as drawn ones are."""
    random = torch.Generator().manual_seed(counter_key(settings.seed, "soft", step))
    size = image_BCHW.shape[-2:]
    small_BCHW = F.avg_pool2d(image_BCHW, 2)
    soft_BCHW = F.interpolate(small_BCHW, size=size, mode="bilinear", align_corners=False)
    share_B111 = torch.rand(len(image_BCHW), 1, 1, 1, generator=random)
    noise_BCHW = torch.randn(image_BCHW.shape, generator=random)
    level_B111 = 0.1 * torch.rand(len(image_BCHW), 1, 1, 1, generator=random)
    return image_BCHW.lerp(soft_BCHW, share_B111) + level_B111 * noise_BCHW


def answers(rows: list[EmojiImage], labels: list[str]) -> tuple[Tensor, Tensor]:
    """Numbers of the right labels and styles."""
    styles = list(STYLES)
    return (
        torch.tensor([labels.index(row.label) for row in rows]),
        torch.tensor([styles.index(row.style) for row in rows]),
    )


def build(settings: ClassifierSettings, labels: list[str]) -> Classifier:
    """An untrained judge of these labels."""
    return Classifier(settings.channels, len(labels), len(STYLES))


def load_classifier(work: Path, settings: Settings, labels: list[str]) -> Classifier:
    """The trained judge of a working folder."""
    network = build(settings.classifier, labels)
    averaged(network, work / FILE)
    return network
