"""Near-duplicates are told from images that differ."""

import io
import random

import pytest
from image_files_made import scene
from PIL import Image, ImageEnhance

from annotate.rendering.similarity import fingerprint_of, look_alike


def again(image: Image.Image, kind: str, **options: int) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return Image.open(buffer)


@pytest.mark.parametrize("seed", range(20))
def test_another_encoding_or_size_of_an_image_is_alike(seed: int) -> None:
    image = scene(seed, (128, 128))
    mine = fingerprint_of(image)
    assert look_alike(mine, fingerprint_of(again(image, "JPEG", quality=75)))
    assert look_alike(mine, fingerprint_of(again(image, "WEBP", quality=80)))
    assert look_alike(mine, fingerprint_of(image.resize((96, 96), Image.Resampling.LANCZOS)))
    assert look_alike(mine, fingerprint_of(ImageEnhance.Brightness(image).enhance(0.97)))


def test_different_images_are_not_alike() -> None:
    prints = [fingerprint_of(scene(seed)) for seed in range(80)]
    pairs = [(a, b) for a in range(80) for b in range(a)]
    assert not any(look_alike(prints[a], prints[b]) for a, b in pairs)


def test_a_recoloured_or_mirrored_image_is_another_one() -> None:
    plain, pink = Image.new("RGB", (64, 64), "white"), Image.new("RGB", (64, 64), "pink")
    assert not look_alike(fingerprint_of(plain), fingerprint_of(pink))
    image = scene(random.Random(1).randrange(100))
    mirrored = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    assert not look_alike(fingerprint_of(image), fingerprint_of(mirrored))
