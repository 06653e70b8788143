"""A preview is a small image of latents that resembles what they will be."""

import base64
import io
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn.functional import adaptive_avg_pool2d

from align.contracts.rendering import RenderItem
from align.families.lookup import family_of
from align.sampling.image_sampler import render_settings
from align.sampling.latent_preview import (
    LARGEST_SIDE,
    LatentPreview,
    data_url,
    fit_preview,
    preview_of,
)
from align.sampling.render import render_latents
from align.sampling.steps import CleanLatents

pytestmark = pytest.mark.slow
ITEMS = [RenderItem("a red apple", 1), RenderItem("a blue fish on water", 2)]


def correlation(first, second) -> float:
    first, second = first - first.mean(), second - second.mean()
    return float((first * second).sum() / (first.norm() * second.norm()))


@pytest.fixture(scope="module")
def finished(emoji_pipeline, emoji, compute):
    """Latents that are done, and the images that they decode to, one pixel for a latent pixel."""
    latents = render_latents(emoji_pipeline, compute, ITEMS, render_settings(emoji))
    with torch.inference_mode():
        decoded = family_of(emoji_pipeline).decode_latents(emoji_pipeline, compute, latents)
    return latents, adaptive_avg_pool2d(decoded, tuple(latents.shape[2:]))


def test_a_fitted_preview_resembles_the_decoded_image(emoji_pipeline, compute, finished):
    latents, small = finished
    preview = preview_of(emoji_pipeline, compute)
    for image, decoded in zip(preview.images(latents), small, strict=True):
        pixels = torch.tensor(np.asarray(image), dtype=torch.float32)
        assert correlation(pixels, decoded.permute(1, 2, 0)) > 0.85


def test_a_map_is_fitted_alike_each_time(emoji_pipeline, compute):
    first, second = (fit_preview(emoji_pipeline, compute) for _ in range(2))
    torch.testing.assert_close(first.factors_C3, second.factors_C3)


def test_the_autoencoder_of_sdxl_has_the_published_map(compute):
    config = SimpleNamespace(
        scaling_factor=0.13025, latents_mean=None, latents_std=None, latent_channels=4
    )
    preview = preview_of(SimpleNamespace(vae=SimpleNamespace(config=config)), compute)

    latents = torch.zeros(1, 4, 1, 2)
    latents[0, 0, 0, 1] = 1.0
    [[grey, first]] = np.asarray(preview.images(latents)[0]).tolist()

    # (0.1084 + 1) * 127.5 = 141.3, and so on; the first channel adds 0.3651, 0.4232 and 0.4341.
    assert (grey, first) == ([141, 125, 127], [188, 179, 183])


def test_a_preview_is_a_small_jpeg():
    url = data_url(Image.new("RGB", (512, 256), "red"))
    head, body = url.split(",")
    assert head == "data:image/jpeg;base64"
    with Image.open(io.BytesIO(base64.b64decode(body))) as image:
        assert (image.format, image.size) == ("JPEG", (LARGEST_SIDE, LARGEST_SIDE // 2))
    assert len(url) < 8000


def test_latents_of_half_precision_have_a_preview_too():
    preview = LatentPreview(torch.ones(4, 3), torch.zeros(3))
    [image] = preview.images(torch.full((1, 4, 2, 2), 0.1, dtype=torch.bfloat16))
    assert image.size == (2, 2)


@pytest.mark.parametrize(
    "name", ["", "Euler", "Euler a", "DPM++ 2M Karras", "DPM++ 2M SDE", "Heun"]
)
def test_what_is_shown_on_the_way_is_the_image_without_its_noise(
    emoji_pipeline, emoji, compute, name, finished
):
    settings = replace(render_settings(emoji), scheduler=name, steps=12)
    shown = {}
    final = render_latents(
        emoji_pipeline,
        compute,
        ITEMS[:1],
        settings,
        lambda step: shown.setdefault(step.number / step.count, step.latents_BCHW),
    )
    assert list(shown)[-1] == 1
    half = next(latents for share, latents in shown.items() if share >= 0.5)
    assert correlation(half, final) > 0.6
    assert correlation(shown[1], final) > 0.95


def test_watching_the_steps_of_a_scheduler_changes_none():
    class Scheduler:
        config: dict = {}  # noqa: RUF012

        def step(self, output, timestep, sample, return_dict=True):
            assert return_dict
            return SimpleNamespace(prev_sample=sample + output, pred_original_sample=None)

    scheduler, ones = Scheduler(), torch.ones(1, 4, 2, 2)
    clean = CleanLatents(scheduler)
    [sample] = scheduler.step(9 * ones, 3, ones, return_dict=False)
    assert torch.equal(sample, 10 * ones)
    assert torch.equal(clean.of(sample), sample), "latents without spread are left as they are"
    noise = 14 * torch.randn(1, 4, 32, 32, generator=torch.manual_seed(0))
    assert float(clean.of(noise).std()) == pytest.approx(1.0, abs=1e-3)
