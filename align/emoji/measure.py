"""The figures of a model: how true its autoencoder is, and whether it draws what is asked for.

Shapes: B images, C channels, H x W pixels, L labels, S styles.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import StableDiffusionXLPipeline
from PIL import Image
from torch import Tensor

from align.client.models import describe_model
from align.client.render_items import RenderItem, RenderSettings
from align.device import Compute, choose_compute
from align.emoji.autoencoder import psnr, to_signal
from align.emoji.captions import caption
from align.emoji.classifier import Classifier, judged_labels, load_classifier
from align.emoji.emoji_images import BACKGROUNDS, read_images, sheet
from align.emoji.settings import Settings
from align.emoji.sources import STYLES
from align.files import write_json
from align.sampling.render import render
from align.sampling.to_folder import settings_of
from align.weights.pipeline import load_pipeline, quiet_libraries

AT_ONCE = 16
EDGE = 4
"""Pixels along the edges that no emoji reaches."""
SHOWN = (
    "cat face, fox, penguin, butterfly, grinning face, robot, hamburger, birthday cake, rocket, "
    "sailboat, castle, sunflower"
).split(", ")
"""Subjects of the grid that shows what a model draws: a column each."""
CLEAR = 40.0
"""A background is of a colour if it is nearer to it than this, in all three channels together."""


@dataclass(frozen=True)
class Figures:
    """What a model is measured by; shares are of 1."""

    psnr: float
    """Of unseen images through the autoencoder, in dB, the mean over images."""
    top5: float
    """Images whose subject is among the judge's first five of all labels."""
    style: float
    """Images in the style asked for, by the judge."""
    background: float
    """Images on the background asked for, by their edge."""
    unclear: float
    """Images, where no background was asked for, on a colour that is none of them."""
    styles: dict[str, float]
    """Shares of the styles where none was asked for."""
    backgrounds: dict[str, float]
    """Shares of the backgrounds where none was asked for: the nearest one counts."""
    seconds_alone: float
    """Time of one image, drawn alone."""
    seconds_of_16: float
    """Time of sixteen images, drawn together."""


def measure(
    work: Path, settings: Settings, model: str | None = None, count: int | None = None
) -> Figures:
    """Measure a model with the judge of a working folder and write its figures there.

    None is the model that comes with the project.
    """
    quiet_libraries()
    images, info, compute = read_images(work), describe_model(model), choose_compute()
    pipeline, drawn = load_pipeline(info, compute), settings_of(info)
    labels = judged_labels(images, settings.classifier)
    judge, shown = load_classifier(work, settings, labels), labels[:count]
    asked = prompts_of_everything(shown)
    named = draw(pipeline, compute, [prompt for prompt, *_ in asked], drawn)
    free = draw(pipeline, compute, shown, drawn)
    figures = Figures(
        psnr=psnr(pipeline.vae, images, settings.data),
        **obedience(named, asked, judge, labels),
        **variety(free, judge),
        seconds_alone=seconds(pipeline, compute, shown[:1], drawn),
        seconds_of_16=seconds(pipeline, compute, (shown * AT_ONCE)[:AT_ONCE], drawn),
    )
    sheet(named).save(work / f"asked-{info.name}.png")
    sheet(free).save(work / f"free-{info.name}.png")
    grid = draw(pipeline, compute, prompts_of_the_grid(), drawn)
    sheet(grid, len(SHOWN)).save(work / f"grid-{info.name}.png")
    write_json(work / f"figures-{info.name}.json", asdict(figures))
    print(table(figures))
    return figures


def prompts_of_everything(labels: Sequence[str]) -> list[tuple[str, str, str, str]]:
    """Prompts that name subject, style and background, with those three, all in turn."""
    styles, backgrounds = list(STYLES), list(BACKGROUNDS)
    asked = []
    for number, label in enumerate(labels):
        style, background = styles[number % len(styles)], backgrounds[number % len(backgrounds)]
        prompt = caption(label, style, background, article=False, trailing=False)
        asked.append((prompt, label, style, background))
    return asked


def prompts_of_the_grid() -> list[str]:
    """Each subject in every style on a background, then three times with nothing said of either."""
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
        for column, label in enumerate(SHOWN)
    ]


def draw(
    pipeline: StableDiffusionXLPipeline,
    compute: Compute,
    prompts: Sequence[str],
    settings: RenderSettings,
) -> list[Image.Image]:
    """An image of each prompt, with a seed of its own."""
    items = [RenderItem(prompt, seed) for seed, prompt in enumerate(prompts)]
    drawn: list[Image.Image] = []
    for start in range(0, len(items), AT_ONCE):
        drawn += render(pipeline, compute, items[start : start + AT_ONCE], settings)
        print(f"{len(drawn)} of {len(items)} images", flush=True)
    return drawn


def obedience(
    drawn: Sequence[Image.Image],
    asked: Sequence[tuple[str, str, str, str]],
    judge: Classifier,
    labels: list[str],
) -> dict[str, Any]:
    """Shares of the images that show the subject, style and background asked for."""
    label_BL, style_BS = judged(drawn, judge)
    best_B5 = label_BL.topk(min(5, len(labels)), dim=1).indices.tolist()
    styles, right = list(STYLES), Counter[str]()
    for number, (_, label, style, background) in enumerate(asked):
        colour, distance = nearest_background(drawn[number])
        right["top5"] += labels.index(label) in best_B5[number]
        right["style"] += styles[int(style_BS[number].argmax())] == style
        right["background"] += colour == background and distance < CLEAR
    return {name: right[name] / len(asked) for name in ("top5", "style", "background")}


def variety(drawn: Sequence[Image.Image], judge: Classifier) -> dict[str, Any]:
    """Shares of styles and backgrounds where the prompt left them open."""
    _, style_BS = judged(drawn, judge)
    found = [nearest_background(image) for image in drawn]
    styles = Counter(list(STYLES)[number] for number in style_BS.argmax(dim=1).tolist())
    colours = Counter(colour for colour, _ in found)
    return {
        "unclear": sum(distance >= CLEAR for _, distance in found) / len(found),
        "styles": {name: styles[name] / len(drawn) for name in STYLES},
        "backgrounds": {name: colours[name] / len(drawn) for name in BACKGROUNDS},
    }


@torch.no_grad()
def judged(drawn: Sequence[Image.Image], judge: Classifier) -> tuple[Tensor, Tensor]:
    """The judge's scores of labels and styles."""
    image_BCHW = to_signal(np.stack([np.asarray(image.convert("RGB")) for image in drawn]))
    device = next(judge.parameters()).device
    scores = [judge(part_BCHW.to(device)) for part_BCHW in image_BCHW.split(AT_ONCE)]
    return (
        torch.cat([label.float().cpu() for label, _ in scores]),
        torch.cat([style.float().cpu() for _, style in scores]),
    )


def nearest_background(image: Image.Image) -> tuple[str, float]:
    """The background word nearest to the colour of an image's edge, and how far off it is."""
    pixels_HW3 = np.asarray(image.convert("RGB"), dtype=np.float32)
    inside_HW = np.zeros(pixels_HW3.shape[:2], dtype=bool)
    inside_HW[EDGE:-EDGE, EDGE:-EDGE] = True
    colour_3 = np.median(pixels_HW3[~inside_HW], axis=0)
    distances = {
        name: float(np.linalg.norm(colour_3 - np.array(colour)))
        for name, colour in BACKGROUNDS.items()
    }
    best = min(distances, key=distances.__getitem__)
    return best, distances[best]


def seconds(
    pipeline: StableDiffusionXLPipeline,
    compute: Compute,
    prompts: Sequence[str],
    settings: RenderSettings,
) -> float:
    """Time of drawing these prompts at once, the better of two tries."""
    items, times = [RenderItem(prompt, 0) for prompt in prompts], []
    for _ in range(2):
        started = time.perf_counter()
        render(pipeline, compute, items, settings)
        times.append(time.perf_counter() - started)
    return min(times)


def table(figures: Figures) -> str:
    """The figures as a Markdown table."""
    lines = ["| figure | value |", "|---|---|"]
    for name, value in asdict(figures).items():
        said = (
            ", ".join(f"{key} {share:.1%}" for key, share in value.items())
            if isinstance(value, dict)
            else f"{value:.3f}"
        )
        lines.append(f"| {name} | {said} |")
    return "\n".join(lines)
