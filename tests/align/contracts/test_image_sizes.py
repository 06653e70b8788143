"""Sizes of images: SDXL's, and how an image fills one of them."""

from __future__ import annotations

import math

import pytest

from align.contracts.image_sizes import (
    SDXL_SIZES,
    Placement,
    bucket_of,
    common_bucket,
    place,
    sizes_at,
    training_sizes,
)

MEGAPIXEL = 1024 * 1024


def test_sizes_are_about_a_megapixel_in_steps_of_64_and_as_wide_as_tall():
    assert len(SDXL_SIZES) == len(set(SDXL_SIZES)) == 41
    assert all(side % 64 == 0 for size in SDXL_SIZES for side in size)
    assert all(0.9 * MEGAPIXEL <= width * height <= MEGAPIXEL for width, height in SDXL_SIZES)
    assert {(height, width) for width, height in SDXL_SIZES} == set(SDXL_SIZES)
    ratios = [width / height for width, height in SDXL_SIZES]
    assert ratios == sorted(ratios, reverse=True) and (ratios[0], ratios[-1]) == (4, 0.25)


@pytest.mark.parametrize("side", [64, 128, 512, 768, 1024])
def test_a_model_of_another_resolution_has_the_same_shapes_in_its_own_size(side):
    sizes = sizes_at(side * side)
    assert (side, side) in sizes and all(n % 8 == 0 for size in sizes for n in size)
    assert all(0.8 * side**2 <= width * height <= 1.2 * side**2 for width, height in sizes)
    assert sizes_at(MEGAPIXEL) == SDXL_SIZES


@pytest.mark.parametrize(
    ("image", "size"),
    [
        ((832, 1216), (832, 1216)),
        ((1080, 1920), (768, 1344)),
        ((4000, 3000), (1152, 896)),
        ((512, 1536), (576, 1728)),
        ((700, 700), (1024, 1024)),
        ((100, 5000), (512, 2048)),
    ],
)
def test_an_image_belongs_to_the_nearest_aspect_ratio(image, size):
    assert bucket_of(*image, MEGAPIXEL) == size
    width, height = size
    if width * height in (768 * 1344, 1152 * 896):
        assert bucket_of(*image[::-1], MEGAPIXEL) == size[::-1]


def test_every_size_is_its_own_bucket():
    assert all(bucket_of(*size, MEGAPIXEL) == size for size in SDXL_SIZES)
    assert all(bucket_of(*size, 128 * 128) == size for size in sizes_at(128 * 128))


def test_two_images_meet_halfway_whichever_comes_first():
    portrait, landscape = (832, 1216), (1216, 832)
    assert common_bucket([portrait, landscape], MEGAPIXEL) == (1024, 1024)
    one, other = (1024, 1024), (640, 1536)
    assert common_bucket([one, other], MEGAPIXEL) == common_bucket([other, one], MEGAPIXEL)
    assert common_bucket([portrait, portrait], MEGAPIXEL) == portrait


def test_an_image_is_scaled_to_cover_and_cropped_to_its_center():
    # 1000 x 600 covers 1024 x 1024 as 1706 x 1024: 682 columns too many, half of them at the left.
    assert place((1000, 600), (1024, 1024)) == Placement((1706, 1024), (341, 0), (1024, 1024))
    assert place((600, 1000), (1024, 1024)) == Placement((1024, 1706), (0, 341), (1024, 1024))
    assert place((512, 1536), (576, 1728)) == Placement((576, 1728), (0, 0), (576, 1728))
    assert place((512, 1536), (576, 1728)).is_whole


def test_what_is_scaled_covers_its_size_and_hardly_changes_its_shape():
    for image in [(300, 700), (1023, 1025), (64, 63), (2000, 501), (17, 4096)]:
        for size in sizes_at(MEGAPIXEL):
            placed = place(image, size)
            assert all(got >= wanted for got, wanted in zip(placed.scaled, size, strict=True))
            assert any(got == wanted for got, wanted in zip(placed.scaled, size, strict=True))
            assert min(placed.crop) >= 0
            assert (
                math.isclose(placed.scaled[0] / placed.scaled[1], image[0] / image[1], rel_tol=0.02)
                or placed.is_whole
            )


def test_fewer_pixels_keep_the_shapes_in_steps_that_the_network_can_halve():
    sizes = training_sizes(MEGAPIXEL, 768)
    assert (768, 768) in sizes and all(n % 32 == 0 for size in sizes for n in size)
    assert all(0.85 * 768**2 <= width * height <= 1.15 * 768**2 for width, height in sizes)
    assert {(height, width) for width, height in sizes} == set(sizes)
    for width, height in SDXL_SIZES:
        small = common_bucket([(width, height)], MEGAPIXEL, 768)
        assert abs(math.log(small[0] / small[1]) - math.log(width / height)) < 0.08


@pytest.mark.parametrize("resolution", [0, 1024, 2048])
def test_a_resolution_never_makes_images_larger(resolution):
    assert training_sizes(MEGAPIXEL, resolution) == SDXL_SIZES
    assert training_sizes(128 * 128, 768) == sizes_at(128 * 128)
