"""SDXL behind the seam gives what its parts give when they are called as diffusers calls them."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import torch

from align.diffusion.noise import training_scheduler
from align.errors import WrongModel
from align.families.family import Conditioning
from align.families.latent_scaling import from_unet, to_unet
from align.families.lookup import FAMILIES, family_of
from align.families.sdxl import SDXL

ROOT = Path(__file__).parents[3]


def test_a_described_model_and_its_pipeline_are_of_one_family(model, pipeline):
    assert family_of(model) is family_of(pipeline) is SDXL is FAMILIES[model.family]


def test_a_pipeline_of_no_family_is_refused():
    with pytest.raises(WrongModel, match="StableDiffusionXLPipeline, and this is a object"):
        family_of(object())


def test_parts_are_those_of_the_pipeline(pipeline):
    assert SDXL.denoiser(pipeline) is pipeline.unet
    assert SDXL.autoencoder(pipeline) is pipeline.vae
    assert SDXL.text_encoders(pipeline) == [pipeline.text_encoder, pipeline.text_encoder_2]


def test_prompts_are_encoded_as_the_pipeline_does(pipeline):
    prompts = ["a cat", "a red fox"]
    encoded = SDXL.encode_prompts(pipeline, prompts)
    text_BSD, _, pooled_BE, _ = pipeline.encode_prompt(prompts, do_classifier_free_guidance=False)
    assert torch.equal(encoded["text"], text_BSD.detach().cpu())
    assert torch.equal(encoded["pooled"], pooled_BE.detach().cpu())
    assert len(encoded) == 2


def test_images_are_encoded_and_decoded_as_the_autoencoder_does(pipeline, compute):
    pixels_BCHW = torch.rand(2, 3, 128, 128, generator=torch.manual_seed(0)) * 2 - 1
    latents_BCHW = SDXL.encode_images(pipeline, compute, pixels_BCHW)
    with torch.no_grad():
        mean_BCHW = pipeline.vae.encode(pixels_BCHW).latent_dist.mean
        own_BCHW = from_unet(pipeline.vae, latents_BCHW)
        assert torch.equal(latents_BCHW, to_unet(pipeline.vae, mean_BCHW))
        decoded_BCHW = SDXL.decode_latents(pipeline, compute, latents_BCHW)
        assert torch.equal(decoded_BCHW, pipeline.vae.decode(own_BCHW).sample)


def test_the_denoiser_is_called_as_the_pipeline_calls_it(pipeline):
    texts = SDXL.encode_prompts(pipeline, ["a cat", "a red fox"])
    conditioning = SDXL.with_size(texts, SDXL.size_facts((256, 128)))
    noisy_BCHW = torch.randn(2, pipeline.unet.config.in_channels, 16, 16)
    timesteps_B = torch.tensor([10, 900])
    with torch.no_grad():
        predicted_BCHW = SDXL.predict(pipeline.unet, noisy_BCHW, timesteps_B, conditioning)
        own_BCHW = pipeline.unet(
            noisy_BCHW,
            timesteps_B,
            encoder_hidden_states=texts["text"],
            added_cond_kwargs={
                "text_embeds": texts["pooled"],
                "time_ids": torch.tensor([[128.0, 256, 0, 0, 128, 256]]).repeat(2, 1),
            },
        ).sample
    assert torch.equal(predicted_BCHW, own_BCHW)


def test_size_facts_are_those_that_the_pipeline_makes(pipeline):
    own = pipeline._get_add_time_ids(
        (128, 256), (0, 0), (128, 256), torch.float32, pipeline.text_encoder_2.config.projection_dim
    )
    assert torch.equal(SDXL.size_facts((256, 128)), own[0])


def test_the_training_schedule_is_the_pipelines(pipeline):
    scheduler, own = SDXL.training_scheduler(pipeline), training_scheduler(pipeline.scheduler)
    assert scheduler.config == own.config
    assert torch.equal(scheduler.alphas_cumprod, own.alphas_cumprod)


def test_rows_of_a_conditioning_keep_together():
    texts = Conditioning({"a": torch.arange(6).view(3, 2), "b": torch.arange(3)})
    picked = texts.rows(torch.tensor([2, 0, 2]))
    assert picked["a"].tolist() == [[4, 5], [0, 1], [4, 5]]
    assert picked["b"].tolist() == [2, 0, 2]
    again = Conditioning.stack([texts.row(number) for number in range(3)])
    assert Conditioning.cat([texts.rows(slice(1)), texts.rows(slice(1, 3))])["a"].equal(again["a"])
    assert texts.rows(slice(1)).expand(4)["a"].shape == (4, 2)
    assert len(texts) == 3


def test_no_other_room_calls_a_denoiser_with_sdxls_own_arguments():
    strays = {
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sorted((ROOT / "align").rglob("*.py"))
        if path.parent.name != "families"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.keyword) and node.arg in ARGUMENTS)
        or (isinstance(node, ast.Constant) and node.value in ARGUMENTS)
    }
    assert not strays


ARGUMENTS = ("added_cond_kwargs", "text_embeds", "time_ids", "encoder_hidden_states")
