"""Large images are sent as WebP at the size that they are shown, and as PNG for a close look."""

import io
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from annotate.web.image_response import SIDES, ImageResponses, as_side, as_webp, image_response


@cache
def photograph(width: int, height: int, mode: str = "RGB") -> bytes:
    """A PNG of smooth colors under fine grain, with what a program wrote into it."""
    across, down = np.linspace(0, 255, width), np.linspace(0, 255, height)[:, None]
    levels = np.stack([across + 0 * down, down + 0 * across, 0.5 * (across + down)], -1)
    grain = np.random.default_rng(0).normal(0, 2, levels.shape)
    image = Image.fromarray(np.clip(levels + grain, 0, 255).astype(np.uint8)).convert(mode)
    note, content = PngInfo(), io.BytesIO()
    note.add_text("parameters", "secretmodel")
    exif = Image.Exif()
    exif[0x010E] = "secretmodel"
    image.save(content, "PNG", pnginfo=note, exif=exif, compress_level=1)
    return content.getvalue()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "image.png").write_bytes(photograph(1024, 768))
    return tmp_path / "image.png"


def test_a_page_elsewhere_gets_webp_no_larger_than_it_shows(file: Path) -> None:
    answer = ImageResponses().response(file, "700")
    assert answer.media_type == "image/webp"
    assert "immutable" in answer.headers["cache-control"]
    with Image.open(io.BytesIO(bytes(answer.body))) as image:
        assert image.size == (768, 576)
    assert len(answer.body) < len(file.read_bytes()) / 5


def test_beside_the_name_of_a_version_an_image_is_as_small_as_it_is_asked_for(file: Path) -> None:
    answer = ImageResponses().response(file, "128")
    with Image.open(io.BytesIO(bytes(answer.body))) as image:
        assert image.size == (128, 96)


def test_whoever_names_no_size_gets_the_png_byte_by_byte(file: Path) -> None:
    for side in ("", "-1", "1e3", "700px", "9" * 9):
        answer = ImageResponses().response(file, side)
        assert answer.media_type == "image/png" and answer.body == image_response(file).body


def test_webp_has_no_trace_of_what_made_the_image(file: Path) -> None:
    for side in (*SIDES, 0):
        made = as_webp(file.read_bytes(), side)
        assert made and b"secretmodel" not in made
        with Image.open(io.BytesIO(made)) as image:
            assert not {"exif", "xmp", "parameters"} & image.info.keys()


def test_small_images_and_what_webp_cannot_keep_stay_png(tmp_path: Path) -> None:
    deep = Image.fromarray(np.arange(1024 * 600, dtype=np.uint16).reshape(600, 1024))
    sixteen_bits = io.BytesIO()
    deep.save(sixteen_bits, "PNG")
    for content in (photograph(128, 128), sixteen_bits.getvalue(), b"no image", b""):
        assert as_webp(content, 768) == b""
        (tmp_path / "image.png").write_bytes(content)
        assert ImageResponses().response(tmp_path / "image.png", "768").media_type == "image/png"
    assert ImageResponses().response(None, "768").status_code == 404
    assert ImageResponses().response(tmp_path / "gone.png", "768").status_code == 404


def test_an_image_of_few_colors_stays_png_where_that_is_smaller() -> None:
    content = io.BytesIO()
    checks = (np.indices((1024, 1024)).sum(0) % 2 * 255).astype(np.uint8)
    Image.fromarray(checks).save(content, "PNG", optimize=True)
    assert as_webp(content.getvalue(), 0) == b""


@pytest.mark.parametrize("mode", ["RGBA", "L", "LA", "P"])
def test_images_of_other_color_modes_are_shown_as_well(mode: str) -> None:
    with Image.open(io.BytesIO(as_webp(photograph(800, 600, mode), 512))) as image:
        assert image.size == (512, 384)


def test_an_image_has_few_sizes_and_none_is_enlarged(file: Path) -> None:
    wanted = {0: 512, 1: 512, 512: 512, 513: 768, 2048: 2048, 2049: 0}
    assert {side: as_side(side) for side in wanted} == wanted
    with Image.open(io.BytesIO(as_webp(file.read_bytes(), 1536))) as image:
        assert image.size == (1024, 768)


def test_webp_is_made_once_and_memory_stays_within_bounds(file: Path, tmp_path: Path) -> None:
    one = ImageResponses().response(file, "768").body
    images = ImageResponses(cache_bytes=2 * len(one))
    first = images.response(file, "768").body
    assert images.response(file, "768").body is first
    for place in range(3):
        (tmp_path / f"{place}.png").write_bytes(file.read_bytes())
        images.response(tmp_path / f"{place}.png", "768")
    assert images.response(file, "768").body is not first
    assert sum(map(len, images._made.values())) <= 2 * len(one)
