"""SDXL behind the seam gives what its parts give when they are called as diffusers calls them."""

from __future__ import annotations

import ast
import copy
from pathlib import Path

import pytest
import torch

from align.adapters.kohya import LoraFile, read_adapter
from align.adapters.lora import add_lora, lora_state
from align.adapters.lora_names import known_names, layers_of
from align.adapters.sgm_names import layout_of, sgm_name
from align.device import Compute
from align.diffusion.schedules import training_scheduler
from align.errors import WrongModel
from align.families.conditioning import Conditioning
from align.families.family import BaseNames, ModelFamily
from align.families.latent_scaling import from_unet, to_unet
from align.families.lookup import FAMILIES, family_of
from align.families.sdxl import SDXL, SDXL_UNET
from align.weights.pipeline import load_pipeline

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]


def test_a_described_model_and_its_pipeline_are_of_one_family(model, pipeline):
    assert family_of(model) is family_of(pipeline) is SDXL is FAMILIES[model.family]


def test_a_pipeline_of_no_family_is_refused():
    with pytest.raises(WrongModel, match="StableDiffusionXLPipeline, and this is a object"):
        family_of(object())


def test_everything_that_the_protocol_names_is_there():
    named = {*ModelFamily.__annotations__, *vars(ModelFamily)}
    missing = {name for name in named if not name.startswith("_") and not hasattr(SDXL, name)}
    assert not missing


def test_parts_are_those_of_the_pipeline(pipeline):
    assert isinstance(pipeline, SDXL.pipeline_class)
    assert isinstance(getattr(pipeline, SDXL.denoiser_part), SDXL.denoiser_class)
    assert family_of(pipeline.unet) is SDXL
    networks = {k for k, v in pipeline.components.items() if isinstance(v, torch.nn.Module)}
    assert networks == set(SDXL.parts)
    for tokenizer, encoder in SDXL.tokenizers.items():
        words = len(getattr(pipeline, tokenizer))
        assert words == getattr(pipeline, encoder).config.vocab_size
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


def test_a_pipeline_is_put_on_its_device_with_its_autoencoder_in_fp32(pipeline):
    half = copy.deepcopy(pipeline).to(torch.float16)
    SDXL.to_device(half, Compute(torch.device("cpu"), torch.float16, None))
    assert half.vae.dtype == torch.float32
    assert half.unet.dtype == half.text_encoder.dtype == torch.float16


@pytest.mark.parametrize("negative_prompt", ["", "a blurry image"])
@pytest.mark.parametrize("guidance", [1.0, 4.0])
def test_images_are_rendered_as_from_prompts_that_the_pipeline_encodes(
    pipeline, compute, negative_prompt, guidance
):
    how = {"num_inference_steps": 2, "guidance_scale": guidance, "output_type": "latent"}
    how |= {"width": 128, "height": 128}
    prompts = ["a cat", "a red fox"]
    inputs = SDXL.rendering_inputs(pipeline, compute, prompts, negative_prompt, guidance)
    assert all(len(tensor) == 2 for tensor in inputs.values())
    own = {"prompt": prompts}
    own |= {"negative_prompt": [negative_prompt] * 2} if negative_prompt else {}
    rendered, expected = (
        pipeline(**given, **how, generator=torch.manual_seed(0)).images for given in (inputs, own)
    )
    assert torch.equal(rendered, expected)


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


@pytest.mark.parametrize("targets", SDXL.adapter_targets)
def test_adapters_of_every_kind_change_the_unet_alone_and_load_again(
    model, compute, tmp_path, targets
):
    pipeline, fresh = (load_pipeline(model, compute) for _ in range(2))
    with torch.no_grad():
        for parameter in add_lora(pipeline.unet, 2, 0, SDXL.adapter_targets[targets]):
            parameter.add_(0.02)
    changed = {n.split(".lora_")[0] for n, _ in pipeline.unet.named_parameters() if ".lora_" in n}
    assert all(name.endswith(tuple(SDXL.adapter_targets[targets])) for name in changed)
    SDXL.save_adapter(pipeline.unet, tmp_path / "adapter.safetensors")
    fresh.load_lora_weights(
        str(tmp_path), weight_name="adapter.safetensors", adapter_name="default"
    )
    assert lora_state(fresh.unet).keys() == lora_state(pipeline.unet).keys()
    for name, weight in lora_state(pipeline.unet).items():
        assert torch.equal(lora_state(fresh.unet)[name], weight)


def test_inputs_by_shape_are_those_of_a_pass(pipeline):
    inputs = SDXL.inputs_by_shape(pipeline.unet, 128, 2, torch.float32, 24)
    texts = SDXL.encode_prompts(pipeline, ["a cat", "a red fox"])
    added = inputs["added_cond_kwargs"]
    assert inputs["encoder_hidden_states"].shape == texts["text"].shape
    assert added["text_embeds"].shape == texts["pooled"].shape
    assert added["time_ids"].shape == (2, len(SDXL.size_facts((128, 128))))
    assert inputs["sample"].shape == (2, pipeline.unet.config.in_channels, 16, 16)
    with torch.no_grad():
        assert pipeline.unet(**inputs).sample.shape == inputs["sample"].shape


def test_a_denoiser_by_shape_has_the_blocks_and_weights_of_the_loaded_one(pipeline):
    with torch.device("meta"):
        built = SDXL.build_denoiser(pipeline.unet.config)
    shapes = {name: weight.shape for name, weight in pipeline.unet.state_dict().items()}
    assert {name: weight.shape for name, weight in built.state_dict().items()} == shapes
    inside = {name for name in shapes if name.startswith(tuple(SDXL.block_names(built)))}
    assert {name.split(".")[0] for name in set(shapes) - inside} == {
        *("conv_in", "time_embedding", "add_embedding", "conv_norm_out", "conv_out")
    }


def test_layers_are_called_in_files_as_the_published_code_calls_them(model, compute, tmp_path):
    unet = load_pipeline(model, compute).unet
    layout, layers = layout_of(unet.config), layers_of(unet)
    add_lora(unet, 2, 0, SDXL.adapter_targets["all"])
    SDXL.save_adapter(unet, tmp_path / "adapter.safetensors")
    adapter = read_adapter(tmp_path / "adapter.safetensors")
    for config in (dict(unet.config), None):
        names = SDXL.published_names(adapter, config)
        assert [names(layer) for layer in layers] == [sgm_name(layer, layout) for layer in layers]
    assert SDXL.published_names(adapter, SDXL_UNET | {"layers_per_block": 0}) is None
    assert SDXL.published_names(adapter, {"no": "UNet"}) is None
    assert SDXL.layer_names(unet, layers) == known_names(unet, layers)
    assert SDXL.base_names(adapter) is None


def test_the_published_model_is_told_by_its_text():
    down = "unet.up_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.lora_A.weight"
    names = SDXL.base_names(LoraFile({down: torch.zeros(4, 2048)}, {}, {}, {}))
    assert names == BaseNames("stable-diffusion-xl-v1-base/lora", "sdxl_base_v1-0")
    with torch.device("meta"):
        assert SDXL.origin_name(SDXL.build_denoiser(SDXL_UNET)) == "SDXL"


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
