"""Images of several aspect ratios in one run."""

from __future__ import annotations

import pytest
import torch
from PIL import Image
from toy_runs import write_shapes

from align.contracts.image_sizes import ImageOrigin
from align.data.batch import Batcher, NoiseSample, pair_errors
from align.data.buckets import SizedImage, images_of_pairs, size_facts_of
from align.data.encode import encode_pairs, ignore_progress, read_image
from align.data.latent_cache import TensorCache
from align.data.snapshot import PreferencePair, read_snapshot
from align.diffusion.schedules import training_scheduler
from align.errors import SnapshotError
from align.families.sdxl import SDXL

pytestmark = pytest.mark.slow

SIDE = 64
"""The small model's."""
SHAPES = [(64, 64), (48, 96), (96, 48), (64, 64), (52, 76), (150, 300)]
PORTRAIT, LANDSCAPE = (48, 88), (88, 48)


@pytest.fixture
def mixed(tmp_path):
    """A snapshot with pairs of three aspect ratios, two of each; each pair has one shape."""
    return write_shapes(tmp_path / "snapshot", [(shape, shape) for shape in SHAPES])


@pytest.fixture
def encoded(mixed, pipeline, compute, tmp_path):
    pairs, cache = read_snapshot(mixed).pairs, TensorCache(tmp_path / "kept")
    return encode_pairs(pipeline, compute, pairs, (SIDE, SIDE), cache, ignore_progress)


@pytest.fixture
def batcher(encoded, pipeline, compute):
    return Batcher(encoded, training_scheduler(pipeline.scheduler), compute, 3, 0.0)


def test_every_pair_keeps_its_shape_and_both_its_images_have_one_size(encoded):
    assert [width < height for width, height in encoded.sizes] == [
        width < height for width, height in SHAPES
    ]
    assert {(64, 64)} < set(encoded.sizes) and len(set(encoded.sizes)) >= 4
    for row, (width, height) in enumerate(encoded.sizes):
        for side in (encoded.chosen, encoded.rejected):
            assert encoded.latents[side[row]].shape[1:] == (height // 8, width // 8)


def test_batches_hold_one_size_each_and_lose_no_noise_sample(batcher, encoded):
    samples = [NoiseSample(row, index) for index in range(3) for row in range(len(SHAPES))]
    batches = batcher.micro_batches(samples, 4)
    assert all(len({encoded.sizes[s.row] for s in batch}) == 1 for batch in batches)
    assert max(map(len, batches)) == 4
    assert sorted((s.row, s.index) for batch in batches for s in batch) == sorted(
        (s.row, s.index) for s in samples
    )
    alike = [NoiseSample(row, index) for index in range(3) for row in (0, 3)]
    assert batcher.micro_batches(alike, 4) == [alike[:4], alike[4:]]


def test_errors_of_a_pair_are_those_of_a_batch_of_one(batcher, pipeline, compute):
    samples = [NoiseSample(row, index) for index in range(2) for row in range(len(SHAPES))]
    with torch.no_grad():
        for batch in batcher.micro_batches(samples, 8):
            together = torch.stack(pair_errors(pipeline.unet, batcher.build(batch), compute))
            for place, sample in enumerate(batch):
                pair = batcher.build([sample])
                alone = torch.stack(pair_errors(pipeline.unet, pair, compute))
                assert torch.allclose(together[:, [place]], alone, rtol=0, atol=1e-5)


def test_the_unet_is_told_the_sizes_of_the_pair_that_it_is_given(batcher, encoded):
    told = batcher.build([NoiseSample(1, 0)]).conditioning["sizes"]
    width, height = encoded.sizes[1]
    assert told[0].tolist()[:2] == [96, 48] and told[0].tolist()[4:] == [height, width]
    assert torch.equal(told[0], told[1])


def test_an_image_is_told_of_by_its_own_size_and_crop_as_the_public_script_does():
    """Podell et al. 2.2: the original height and width, the crop's top and left, the target's."""
    tall = SizedImage((576, 1728), "tall.png")
    assert size_facts_of(SDXL, tall, (512, 1536)).tolist() == [1536, 512, 0, 0, 1728, 576]
    wide = SizedImage((1024, 1024), "wide.png")
    assert size_facts_of(SDXL, wide, (1000, 600)).tolist() == [600, 1000, 0, 341, 1024, 1024]


def test_what_an_import_cut_off_counts_as_cut_off():
    # Of 4000 x 3000 an import kept the middle 1024 x 1024 at a scale of 1024 / 3000.
    origin = ImageOrigin((4000, 3000), (170, 0))
    facts = size_facts_of(SDXL, SizedImage((1024, 1024), "x.png"), (1024, 1024), origin)
    assert facts.tolist() == [3000, 4000, 0, 170, 1024, 1024]
    half = size_facts_of(SDXL, SizedImage((512, 512), "x.png"), (1024, 1024), origin)
    assert half.tolist() == [3000, 4000, 0, 85, 512, 512]


def test_two_shapes_of_a_pair_meet_at_one_size_whichever_was_chosen(tmp_path):
    for path, size in (("portrait", PORTRAIT), ("landscape", LANDSCAPE)):
        Image.new("RGB", size).save(tmp_path / f"{path}.png")
    portrait, landscape = tmp_path / "portrait.png", tmp_path / "landscape.png"
    pairs = [
        PreferencePair("1", "a cat", portrait, landscape),
        PreferencePair("2", "a cat", landscape, portrait),
    ]
    shown = images_of_pairs(pairs, SIDE * SIDE)
    assert {image.size for image in (*shown.chosen, *shown.rejected)} == {(64, 64)}
    facts = shown.size_facts(SDXL, shown.every)
    assert facts.tolist() == [[48, 88, 0, 26, 64, 64], [88, 48, 26, 0, 64, 64]]


def test_one_image_in_pairs_of_two_shapes_is_encoded_at_both(tmp_path):
    for path, size in (("square", (64, 64)), ("portrait", PORTRAIT)):
        Image.new("RGB", size).save(tmp_path / f"{path}.png")
    square, portrait = tmp_path / "square.png", tmp_path / "portrait.png"
    pairs = [
        PreferencePair("1", "a cat", square, portrait),
        PreferencePair("2", "a cat", square, square),
    ]
    shown = images_of_pairs(pairs, SIDE * SIDE)
    assert len(shown.every) == 3 and len({image.path for image in shown.every}) == 2


def test_at_fewer_pixels_an_image_is_scaled_down_and_told_in_its_own_size(tmp_path):
    for name, size in (("square", (1024, 1024)), ("tall", (832, 1216))):
        Image.new("RGB", size).save(tmp_path / f"{name}.png")
    square, tall = tmp_path / "square.png", tmp_path / "tall.png"
    pairs = [
        PreferencePair("1", "a cat", square, square),
        PreferencePair("2", "a cat", tall, tall),
    ]
    shown = images_of_pairs(pairs, 1024 * 1024, 768)
    assert [image.size for image in shown.chosen] == [(768, 768), (640, 928)]
    square_facts, tall_facts = shown.size_facts(SDXL, shown.chosen).tolist()
    assert square_facts == [1024, 1024, 0, 0, 768, 768]
    # 832 x 1216 covers 640 x 928 as 640 x 935: 4 rows are cut off at the top.
    assert tall_facts == [1216, 832, 4, 0, 928, 640]
    assert images_of_pairs(pairs, 1024 * 1024, 2048) == images_of_pairs(pairs, 1024 * 1024)


def test_an_image_is_read_at_the_crop_that_is_told(tmp_path):
    image = Image.new("RGB", (100, 60), "white")
    image.paste("black", (20, 0, 80, 60))
    image.save(tmp_path / "x.png")
    pixels = read_image(tmp_path / "x.png", (60, 60))
    assert pixels.shape == (3, 60, 60) and bool((pixels == -1).all())


@pytest.mark.parametrize(
    "more",
    [
        {"sizes": [[1, 2]]},
        {"sizes": [[1, 2], [3, 0]]},
        {"sizes": [[1, 2], [3]]},
        {"sizes": 7},
        {"sizes": [[9, 9], [9, 9]], "crops": [[0, -1], [0, 0]]},
        {"sizes": [["9", "9"], ["9", "9"]]},
    ],
)
def test_sizes_that_cannot_be_are_refused_by_their_line(tmp_path, more):
    folder = write_shapes(tmp_path / "odd", [((64, 64), (64, 64))], **more)
    with pytest.raises(SnapshotError, match=r"line 1, is not a vote"):
        read_snapshot(folder)


def test_sizes_of_a_row_belong_to_its_images(tmp_path):
    more = {"sizes": [[400, 300], [640, 640]], "crops": [[7, 0], [0, 0]]}
    (pair,) = read_snapshot(write_shapes(tmp_path / "s", [((64, 64), (64, 64))], **more)).pairs
    assert pair.origins == {
        pair.chosen: ImageOrigin((400, 300), (7, 0)),
        pair.rejected: ImageOrigin((640, 640)),
    }
