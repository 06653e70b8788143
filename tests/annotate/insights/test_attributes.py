"""Image attributes, each checked on images that were painted for it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from annotate.errors import BrokenImage
from annotate.insights.attributes import ATTRIBUTES, NAMES, attributes, to_lab

Saved = Callable[[Image.Image], dict[str, float]]


@pytest.fixture
def measured(tmp_path: Path) -> Saved:
    """Measure an image through a file."""

    def measure(image: Image.Image) -> dict[str, float]:
        path = tmp_path / "image.png"
        image.save(path)
        return dict(zip(NAMES, attributes(path), strict=True))

    return measure


def plain(colour: str, side: int = 64) -> Image.Image:
    return Image.new("RGB", (side, side), colour)


def spot(ground: str, box: tuple[int, int, int, int], colour: str = "black") -> Image.Image:
    image = plain(ground)
    ImageDraw.Draw(image).rectangle(box, fill=colour)
    return image


def noise(seed: int = 0, side: int = 64) -> Image.Image:
    values = np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
    return Image.fromarray(values)


MIDDLE, CORNER, LARGE = (24, 24, 39, 39), (4, 4, 15, 15), (8, 8, 55, 55)
EQUAL_PARTS = Image.fromarray(np.tile(np.array([[0, 255]], np.uint8), (64, 32)))


@pytest.mark.parametrize(
    ("name", "more", "less"),
    [
        ("brightness", plain("white"), plain("black")),
        ("brightness", plain("#888"), plain("#777")),
        ("contrast", spot("white", LARGE), plain("white")),
        ("saturation", plain("red"), plain("#a88")),
        ("colourfulness", spot("red", LARGE, "blue"), plain("gray")),
        ("warmth", plain("orange"), plain("skyblue")),
        ("hue_red", plain("red"), plain("yellow")),
        ("hue_yellow", plain("yellow"), plain("green")),
        ("hue_green", plain("lime"), plain("cyan")),
        ("hue_cyan", plain("cyan"), plain("blue")),
        ("hue_blue", plain("blue"), plain("magenta")),
        ("hue_pink", plain("hotpink"), plain("#888")),
        ("sharpness", noise(), noise().filter(ImageFilter.GaussianBlur(2))),
        ("edges", EQUAL_PARTS.convert("RGB"), plain("white")),
        ("subject_size", spot("white", LARGE), spot("white", MIDDLE)),
        ("centred", spot("white", MIDDLE), spot("white", CORNER)),
        ("symmetry", spot("white", MIDDLE), spot("white", CORNER)),
        ("background_even", spot("white", MIDDLE), noise()),
        ("background_brightness", spot("white", MIDDLE), spot("navy", MIDDLE)),
        ("background_red", spot("pink", MIDDLE), spot("palegreen", MIDDLE)),
        ("background_yellow", spot("khaki", MIDDLE), spot("lightblue", MIDDLE)),
    ],
)
def test_each_number_says_what_its_name_says(
    measured: Saved, name: str, more: Image.Image, less: Image.Image
) -> None:
    assert measured(more)[name] > measured(less)[name] + 1e-3


def test_every_attribute_has_its_image_above() -> None:
    cases = test_each_number_says_what_its_name_says.pytestmark[0].args[1]
    assert {name for name, *_ in cases} == set(NAMES) == {one.name for one in ATTRIBUTES}


def test_a_subject_on_the_middle_is_centred_and_its_size_is_its_share(measured: Saved) -> None:
    found = measured(spot("white", MIDDLE))
    assert found["centred"] == pytest.approx(1)
    assert found["subject_size"] == pytest.approx((16 / 64) ** 2)
    assert found["symmetry"] == pytest.approx(1)


@pytest.mark.parametrize(
    ("colour", "lab"),
    [((255, 0, 0), (53.24, 80.09, 67.20)), ((0, 0, 255), (32.30, 79.19, -107.86))],
)
def test_cielab_is_the_published_one(colour: tuple[int, ...], lab: tuple[float, ...]) -> None:
    pixel = np.array([[colour]]) / 255
    assert to_lab(pixel)[0, 0] == pytest.approx(lab, abs=0.02)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "LA", "1", "CMYK"])
def test_any_mode_and_the_smallest_image_give_finite_numbers(tmp_path: Path, mode: str) -> None:
    for size in ((1, 1), (1, 9), (700, 300)):
        path = tmp_path / "image.tiff"
        Image.new("RGB", size, "teal").convert(mode).save(path)
        found = attributes(path)
        assert found.shape == (len(NAMES),) and np.isfinite(found).all()


def test_what_is_transparent_is_seen_on_white(measured: Saved) -> None:
    assert measured(Image.new("RGBA", (32, 32), (0, 0, 0, 0)))["brightness"] == pytest.approx(1)


def test_a_file_that_is_no_image_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n and then nothing")
    for name in ("torn.png", "gone.png"):
        with pytest.raises(BrokenImage, match=name):
            attributes(tmp_path / name)
