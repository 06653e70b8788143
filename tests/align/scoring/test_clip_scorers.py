"""Scores by tiny CLIPs with random weights, saved as the published ones are, against hand sums."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import load_file, save_file
from torch.testing import assert_close
from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel, CLIPProcessor, CLIPTokenizer

from align.contracts.models import embedded_folder
from align.errors import BrokenModel, InvalidSettings, ModelNotFound, SnapshotError, WrongModel
from align.scoring.clip import (
    AESTHETIC_HEAD,
    AESTHETIC_LAYERS,
    AESTHETIC_WIDTHS,
    aesthetic_scores,
    clip_scores,
    load_aesthetic,
    load_clip_score,
    load_pickscore,
    pick_scores,
)

pytestmark = pytest.mark.slow

WIDTH = 12
PROMPTS = ["a cat", "a rocket in the sky", "a cat", "a tree " * 20]
COLOURS = ["red", "navy", "gold", "white"]


def tiny_config(tokenizer: CLIPTokenizer) -> CLIPConfig:
    layers = {
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
    }
    words = {
        "vocab_size": len(tokenizer),
        "max_position_embeddings": 20,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    eyes = {"image_size": 32, "patch_size": 8}
    return CLIPConfig(text_config=layers | words, vision_config=layers | eyes, projection_dim=WIDTH)


@pytest.fixture(scope="session")
def clip_folder(tmp_path_factory) -> Path:
    """A whole CLIP, too small to know anything."""
    folder = tmp_path_factory.mktemp("clip")
    tokenizer = CLIPTokenizer.from_pretrained(embedded_folder() / "tokenizer")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = CLIPModel(tiny_config(tokenizer))
        for parameter in model.parameters():
            # Fresh weights are so small that every image looks alike.
            parameter.data = parameter.data + 0.3 * torch.randn_like(parameter)
        model.logit_scale.data = torch.tensor(math.log(100.0))
    model.save_pretrained(folder)
    side = {"height": 32, "width": 32}
    processor = CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size=side)
    CLIPProcessor(processor, tokenizer).save_pretrained(folder)
    return folder


@pytest.fixture
def images(tmp_path) -> list[Path]:
    paths = [tmp_path / f"{colour}.png" for colour in COLOURS]
    for number, (path, colour) in enumerate(zip(paths, COLOURS, strict=True)):
        image = Image.new("RGB", (48 + 8 * number, 48), colour)
        image.paste("green", (10 * number, 8, 10 * number + 16, 30))
        image.save(path)
    return paths


@pytest.fixture
def own_folder(clip_folder, tmp_path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(clip_folder, tmp_path / "own"))


def head_state(first: int = WIDTH) -> dict[str, torch.Tensor]:
    """The aesthetic network's weights under their published names, made by PyTorch's own layers."""
    generator = torch.Generator().manual_seed(1)
    state, width = {}, first
    for place, out in zip(AESTHETIC_LAYERS, AESTHETIC_WIDTHS, strict=True):
        weight = torch.randn(out, width, generator=generator) / width**0.5
        state |= {
            f"layers.{place}.weight": weight,
            f"layers.{place}.bias": torch.randn(out, generator=generator) * 0.1,
        }
        width = out
    return state


def by_hand(folder: Path, prompts: list[str], images: list[Path]):
    """CLIP's own forward pass, one image and prompt at a time: its logits and features."""
    model = CLIPModel.from_pretrained(folder)
    tokenizer = CLIPTokenizer.from_pretrained(folder)
    processor = CLIPImageProcessorPil.from_pretrained(folder)
    logits, features = [], []
    for prompt, path in zip(prompts, images, strict=True):
        text = tokenizer([prompt], truncation=True, max_length=20, return_tensors="pt")
        pixels = processor(
            images=[Image.open(path).convert("RGB")], return_tensors="pt"
        ).pixel_values
        with torch.no_grad():
            output = model(**text, pixel_values=pixels)
        logits.append(output.logits_per_image.squeeze())
        features.append(output.image_embeds.squeeze(0))
    return torch.stack(logits), torch.stack(features)


def test_pickscore_is_what_clips_own_forward_pass_gives(clip_folder, images, compute):
    scorer = load_pickscore(clip_folder, compute)
    logits_N, _ = by_hand(clip_folder, PROMPTS, images)
    scores_N = scorer.score(PROMPTS, images)
    assert_close(scores_N, logits_N, atol=1e-3, rtol=1e-4)
    assert scores_N.dtype == torch.float32
    assert scores_N.std() > 0.1


def test_the_clip_score_is_the_cosine_in_hundredths_and_never_below_zero(
    clip_folder, images, compute
):
    prompts = PROMPTS * 2
    logits_N, _ = by_hand(clip_folder, prompts, images * 2)
    scores_N = load_clip_score(clip_folder, compute).score(prompts, images * 2)
    # With a logit scale of 100 CLIP's logits are cosines times 100.
    assert_close(scores_N, logits_N.clamp(min=0), atol=1e-3, rtol=1e-4)


@pytest.mark.parametrize("ending", ["pth", "safetensors"])
def test_the_aesthetic_score_is_a_chain_of_matrices_on_unit_features(
    own_folder, images, compute, ending
):
    state = head_state()
    save = {"pth": torch.save, "safetensors": save_file}[ending]
    save(state, own_folder / f"{AESTHETIC_HEAD}.{ending}")
    _, values = by_hand(own_folder, PROMPTS, images)
    for place in AESTHETIC_LAYERS:
        values = values @ state[f"layers.{place}.weight"].T + state[f"layers.{place}.bias"]
    scores_N = load_aesthetic(own_folder, compute).score([""] * 4, images)
    assert_close(scores_N, values[:, 0], atol=1e-4, rtol=1e-4)
    assert scores_N.std() > 1e-4


def test_formulas_with_vectors_whose_cosine_is_three_fifths():
    image_ND, text_ND = torch.tensor([[3.0, 4.0], [3.0, 4.0]]), torch.tensor([[2.0, 0], [-7.0, 0]])
    scale = torch.tensor(math.log(100.0))
    assert_close(pick_scores(image_ND, text_ND, scale), torch.tensor([60.0, -60.0]))
    assert_close(clip_scores(image_ND, text_ND), torch.tensor([60.0, 0.0]))
    layers = [(torch.tensor([[1.0, 1.0]]), torch.tensor([5.0]))]
    assert_close(aesthetic_scores(image_ND, layers), torch.tensor([6.4, 6.4]))


@given(st.floats(0.01, 100.0), st.floats(0.01, 100.0))
def test_the_length_of_features_does_not_matter(first, second):
    image_ND, text_ND = torch.tensor([[1.0, 2.0, -3.0]]), torch.tensor([[0.5, 1.0, 2.0]])
    layers = [(torch.tensor([[1.0, -2.0, 0.5]]), torch.tensor([0.0]))]
    scale = torch.tensor(2.0)
    assert_close(
        pick_scores(first * image_ND, second * text_ND, scale),
        pick_scores(image_ND, text_ND, scale),
    )
    assert_close(aesthetic_scores(first * image_ND, layers), aesthetic_scores(image_ND, layers))


def test_half_precision_features_are_scored_in_fp32():
    image_ND, text_ND = torch.randn(5, 64).bfloat16(), torch.randn(5, 64).bfloat16()
    scores_N = pick_scores(image_ND, text_ND, torch.tensor(0.0).bfloat16())
    assert scores_N.dtype == torch.float32
    assert_close(scores_N, torch.cosine_similarity(image_ND.float(), text_ND.float()))


def test_a_score_does_not_depend_on_order_or_neighbours(clip_folder, images, compute):
    scorer = load_pickscore(clip_folder, compute)
    together_N = scorer.score(PROMPTS * 5, images * 5)
    alone = [scorer.score([p], [path]) for p, path in zip(PROMPTS, images, strict=True)]
    assert_close(together_N[-4:], torch.cat(alone), atol=1e-4, rtol=1e-5)
    assert scorer.score([], []).shape == (0,)


def test_the_processor_may_lie_in_a_folder_of_its_own(own_folder, clip_folder, images, compute):
    expected = load_pickscore(clip_folder, compute).score(PROMPTS, images)
    (own_folder / "processor").mkdir()
    for name in ("tokenizer.json", "tokenizer_config.json", "processor_config.json"):
        (own_folder / name).rename(own_folder / "processor" / name)
    assert torch.equal(load_pickscore(own_folder, compute).score(PROMPTS, images), expected)


@pytest.mark.parametrize(
    ("load", "weights"),
    [
        (load_pickscore, "yuvalkirstain/PickScore_v1"),
        (load_pickscore, "laion/CLIP-ViT-H-14-laion2B-s32B-b79K"),
        (load_clip_score, "openai/clip-vit-base-patch32"),
        (load_aesthetic, "openai/clip-vit-large-patch14"),
        (load_aesthetic, "improved-aesthetic-predictor"),
    ],
)
def test_without_weights_the_error_says_which_and_where_from(tmp_path, compute, load, weights):
    for folder in (None, tmp_path / "nowhere"):
        with pytest.raises(ModelNotFound, match=weights) as caught:
            load(folder, compute)
        assert "pass their folder" in str(caught.value)


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "processor_config.json"])
def test_a_file_that_is_missing_is_not_made_up(own_folder, compute, name):
    (own_folder / name).unlink()
    with pytest.raises(ModelNotFound, match="PickScore_v1"):
        load_pickscore(own_folder, compute)


def test_weights_that_lack_a_layer_are_not_filled_with_noise(own_folder, compute):
    state = load_file(own_folder / "model.safetensors")
    del state["text_projection.weight"]
    save_file(state, own_folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(BrokenModel, match="not those of a whole CLIP"):
        load_pickscore(own_folder, compute)


def test_weights_cut_short_are_called_broken(own_folder, compute):
    path = own_folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(BrokenModel, match="cannot be loaded"):
        load_pickscore(own_folder, compute)


def test_an_aesthetic_network_that_is_missing_damaged_or_another_is_named(own_folder, compute):
    path = own_folder / f"{AESTHETIC_HEAD}.pth"
    with pytest.raises(ModelNotFound, match=AESTHETIC_HEAD.replace("+", r"\+")):
        load_aesthetic(own_folder, compute)
    path.write_bytes(b"not a checkpoint")
    with pytest.raises(BrokenModel, match="cannot be read"):
        load_aesthetic(own_folder, compute)
    for shape in ((7, 1024), (128, 7)):
        torch.save(head_state() | {"layers.2.weight": torch.zeros(shape)}, path)
        with pytest.raises(BrokenModel, match="not the network"):
            load_aesthetic(own_folder, compute)
    torch.save(head_state(first=768), path)
    with pytest.raises(WrongModel, match=r"gives 12 numbers an image.*takes 768"):
        load_aesthetic(own_folder, compute)


def test_a_file_that_is_no_image_and_a_prompt_too_many_are_refused(
    clip_folder, images, compute, tmp_path
):
    scorer = load_clip_score(clip_folder, compute)
    (tmp_path / "note.png").write_text("no image")
    with pytest.raises(SnapshotError, match=r"note\.png"):
        scorer.score(["a cat"], [tmp_path / "note.png"])
    with pytest.raises(InvalidSettings, match="5 prompts for 4 images"):
        scorer.score([*PROMPTS, "one more"], images)
