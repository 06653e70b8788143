"""Figures of a model: fidelity of its autoencoder, prompt adherence, diversity and speed.

Shapes: B images, C channels, H x W pixels, L labels, S styles.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import StableDiffusionXLPipeline
from PIL import Image
from torch import Tensor

from align.client.models import describe_model
from align.contracts.rendering import RenderItem, RenderSettings
from align.device import Compute, choose_compute
from align.emoji.autoencoder import psnr, to_signal
from align.emoji.captions import caption
from align.emoji.classifier import Classifier, classifier_labels, load_classifier
from align.emoji.emoji_images import BACKGROUNDS, read_images, sheet
from align.emoji.settings import EmojiSettings
from align.emoji.sources import STYLES
from align.files import write_json
from align.sampling.image_sampler import render_settings
from align.sampling.render import render
from align.weights.pipeline import load_pipeline, quiet_libraries

BATCH_SIZE = 16
EDGE_PIXELS = 4
"""Width of the margin that no emoji reaches."""
GRID_SUBJECTS = (
    "cat face, fox, penguin, butterfly, grinning face, robot, hamburger, birthday cake, rocket, "
    "sailboat, castle, sunflower"
).split(", ")
"""Subjects of the grid of examples, a column each."""
MAX_COLOR_DISTANCE = 40.0
"""Euclidean distance in RGB below which a background counts as being of a color."""


@dataclass(frozen=True)
class Figures:
    """Measurements of a model; shares are from 0 to 1."""

    psnr: float
    """Mean PSNR of held-out images through the autoencoder, in dB."""
    top5: float
    """Share of images whose subject is among the classifier's first five labels."""
    style: float
    """Share of images in the prompt's style, by the classifier."""
    background: float
    """Share of images on the prompt's background, by their edge."""
    unclear: float
    """Share of images, of prompts without a background, whose background is of no known color."""
    styles: dict[str, float]
    """Shares of the styles for prompts without one."""
    backgrounds: dict[str, float]
    """Shares of the backgrounds for prompts without one, by the nearest color."""
    seconds_alone: float
    """Render time of one image."""
    seconds_of_16: float
    """Render time of sixteen images in one batch."""


def measure(
    work: Path, settings: EmojiSettings, model: str | None = None, count: int | None = None
) -> Figures:
    """Measure a model with the classifier of a working folder, and write its figures there.

    Args:
        work: the working folder.
        settings: of the working folder.
        model: a name or folder; None is the embedded model.
        count: number of subjects; None is all of the classifier's.
    """
    quiet_libraries()
    images, info, compute = read_images(work), describe_model(model), choose_compute()
    pipeline, rendering = load_pipeline(info, compute), render_settings(info)
    labels = classifier_labels(images, settings.classifier)
    classifier, subjects = load_classifier(work, settings, labels), labels[:count]

    prompts = full_prompts(subjects)
    named = render_prompts(pipeline, compute, [prompt for prompt, *_ in prompts], rendering)
    free = render_prompts(pipeline, compute, subjects, rendering)
    top5, style, background = prompt_adherence(named, prompts, classifier, labels)
    unclear, styles, backgrounds = diversity(free, classifier)
    figures = Figures(
        psnr=psnr(pipeline.vae, images, settings.data),
        top5=top5,
        style=style,
        background=background,
        unclear=unclear,
        styles=styles,
        backgrounds=backgrounds,
        seconds_alone=render_seconds(pipeline, compute, subjects[:1], rendering),
        seconds_of_16=render_seconds(
            pipeline, compute, (subjects * BATCH_SIZE)[:BATCH_SIZE], rendering
        ),
    )

    sheet(named).save(work / f"asked-{info.name}.png")
    sheet(free).save(work / f"free-{info.name}.png")
    grid = render_prompts(pipeline, compute, grid_prompts(), rendering)
    sheet(grid, len(GRID_SUBJECTS)).save(work / f"grid-{info.name}.png")
    write_json(work / f"figures-{info.name}.json", asdict(figures))
    print(markdown_table(figures))
    return figures


def full_prompts(labels: Sequence[str]) -> list[tuple[str, str, str, str]]:
    """Return prompts with their subject, style and background, the latter two by rotation."""
    styles, backgrounds = list(STYLES), list(BACKGROUNDS)
    prompts = []
    for number, label in enumerate(labels):
        style, background = styles[number % len(styles)], backgrounds[number % len(backgrounds)]
        prompt = caption(label, style, background, article=False, trailing=False)
        prompts.append((prompt, label, style, background))
    return prompts


def grid_prompts() -> list[str]:
    """Return prompts of each grid subject: in every style on a background, then three without."""
    backgrounds = list(BACKGROUNDS)
    return [
        caption(
            label,
            style,
            backgrounds[(row + column) % len(backgrounds)] if style else None,
            article=False,
            trailing=False,
        )
        for row, style in enumerate((*STYLES, None, None, None))
        for column, label in enumerate(GRID_SUBJECTS)
    ]


def render_prompts(
    pipeline: StableDiffusionXLPipeline,
    compute: Compute,
    prompts: Sequence[str],
    settings: RenderSettings,
) -> list[Image.Image]:
    """Render an image of each prompt, with its index as the seed."""
    items = [RenderItem(prompt, seed) for seed, prompt in enumerate(prompts)]
    rendered: list[Image.Image] = []
    for start in range(0, len(items), BATCH_SIZE):
        rendered += render(pipeline, compute, items[start : start + BATCH_SIZE], settings)
        print(f"{len(rendered)} of {len(items)} images", flush=True)
    return rendered


def prompt_adherence(
    rendered: Sequence[Image.Image],
    prompts: Sequence[tuple[str, str, str, str]],
    classifier: Classifier,
    labels: list[str],
) -> tuple[float, float, float]:
    """Return the shares of images with the prompt's subject, style and background."""
    label_BL, style_BS = classify(rendered, classifier)
    best_B5 = label_BL.topk(min(5, len(labels)), dim=1).indices.tolist()
    styles, right = list(STYLES), Counter[str]()
    for number, (_, label, style, background) in enumerate(prompts):
        color, distance = nearest_background(rendered[number])
        right["top5"] += labels.index(label) in best_B5[number]
        right["style"] += styles[int(style_BS[number].argmax())] == style
        right["background"] += color == background and distance < MAX_COLOR_DISTANCE
    count = len(prompts)
    return right["top5"] / count, right["style"] / count, right["background"] / count


def diversity(
    rendered: Sequence[Image.Image], classifier: Classifier
) -> tuple[float, dict[str, float], dict[str, float]]:
    """Return shares for prompts without style and background: unclear ones, styles, backgrounds."""
    _, style_BS = classify(rendered, classifier)
    found = [nearest_background(image) for image in rendered]
    styles = Counter(list(STYLES)[number] for number in style_BS.argmax(dim=1).tolist())
    colors = Counter(color for color, _ in found)
    unclear = sum(distance >= MAX_COLOR_DISTANCE for _, distance in found) / len(found)
    by_style = {name: styles[name] / len(rendered) for name in STYLES}
    by_background = {name: colors[name] / len(rendered) for name in BACKGROUNDS}
    return unclear, by_style, by_background


@torch.no_grad()
def classify(rendered: Sequence[Image.Image], classifier: Classifier) -> tuple[Tensor, Tensor]:
    """Return the classifier's logits of labels and styles."""
    image_BCHW = to_signal(np.stack([np.asarray(image.convert("RGB")) for image in rendered]))
    device = next(classifier.parameters()).device
    scores = [classifier(part_BCHW.to(device)) for part_BCHW in torch.split(image_BCHW, BATCH_SIZE)]
    return (
        torch.cat([label.float().cpu() for label, _ in scores]),
        torch.cat([style.float().cpu() for _, style in scores]),
    )


def nearest_background(image: Image.Image) -> tuple[str, float]:
    """Return the background word nearest to the color of an image's edge, and its distance."""
    pixels_HW3 = np.asarray(image.convert("RGB"), dtype=np.float32)
    inside_HW = np.zeros(pixels_HW3.shape[:2], dtype=bool)
    inside_HW[EDGE_PIXELS:-EDGE_PIXELS, EDGE_PIXELS:-EDGE_PIXELS] = True
    color_3 = np.median(pixels_HW3[~inside_HW], axis=0)
    distances = {
        name: float(np.linalg.norm(color_3 - np.array(color)))
        for name, color in BACKGROUNDS.items()
    }
    best = min(distances, key=distances.__getitem__)
    return best, distances[best]


def render_seconds(
    pipeline: StableDiffusionXLPipeline,
    compute: Compute,
    prompts: Sequence[str],
    settings: RenderSettings,
) -> float:
    """Return the time to render prompts in one batch, the better of two tries."""
    items, times = [RenderItem(prompt, 0) for prompt in prompts], []
    # The first try also allocates memory and chooses kernels.
    for _ in range(2):
        started = time.perf_counter()
        render(pipeline, compute, items, settings)
        times.append(time.perf_counter() - started)
    return min(times)


def markdown_table(figures: Figures) -> str:
    """Format figures as a Markdown table."""
    lines = ["| figure | value |", "|---|---|"]
    for name, value in asdict(figures).items():
        text = (
            ", ".join(f"{key} {share:.1%}" for key, share in value.items())
            if isinstance(value, dict)
            else f"{value:.3f}"
        )
        lines.append(f"| {name} | {text} |")
    return "\n".join(lines)
