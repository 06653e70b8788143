"""Every family of models is told by the names that its authors gave to its weights."""

from __future__ import annotations

import time

import pytest
from header_files import write_header
from published_names import DIFFUSERS_NAMES, LDM, SDXL, SDXL_ENCODERS, VAE, WRONG, behind, unet

from align.client.architectures.families import ARCHITECTURES, by_gguf, by_pipeline
from align.client.architectures.recognize import Holding, recognize
from align.client.models import describe_model
from align.errors import WrongModel


@pytest.mark.parametrize(("name", "weights"), WRONG.items(), ids=WRONG)
def test_a_wrong_kind_is_refused_by_its_name_within_two_seconds(name, weights, tmp_path):
    file = write_header(tmp_path / "model.safetensors", weights, size=6_500_000_000)
    began = time.perf_counter()
    with pytest.raises(WrongModel) as refused:
        describe_model(str(file))
    assert time.perf_counter() - began < 2
    family = next(family for family in ARCHITECTURES if family.name == name)
    assert str(refused.value).startswith(f"{file} is ")
    assert f"{name}, {family.what}, {family.cannot}. {family.advice}" in str(refused.value)


def test_no_two_kinds_share_a_sentence():
    refused = [family for family in ARCHITECTURES if family.what and not family.opens]
    assert len({family.reason for family in refused if family.name in WRONG}) >= 40
    for family in refused:
        assert family.advice.endswith(".") and family.cannot.startswith("and ")


@pytest.mark.parametrize("name", [name for name in WRONG if name != "AnimateDiff"])
@pytest.mark.parametrize("prefix", ["", LDM, "diffusion_model.", "unet."])
def test_a_denoiser_is_recognized_behind_any_prefix(name, prefix):
    denoiser = {
        key.removeprefix(LDM).removeprefix("net.").removeprefix("model.model."): shape
        for key, shape in WRONG[name].items()
        if not key.startswith(("cond_stage", "conditioner", "first_stage", "text_enc", "vae."))
    }
    found = recognize(behind(prefix, denoiser))
    assert (found.architecture and found.architecture.name, found.holding) == (
        name,
        Holding.DENOISER,
    )


def test_sdxl_and_its_namesakes_are_recognized():
    assert recognize(SDXL).architecture.name == "SDXL"
    edm = recognize(SDXL | {"edm_mean": (4,), "edm_std": (4,)}).architecture
    assert edm.opens and edm.name.startswith("Playground v2.5")
    small = behind(LDM, unet(192, 2, conditions=896)) | SDXL_ENCODERS | VAE
    assert recognize(small).architecture.name == "SDXL"


@pytest.mark.parametrize(("name", "weights"), DIFFUSERS_NAMES.items(), ids=DIFFUSERS_NAMES)
def test_a_denoiser_is_recognized_by_diffusers_names(name, weights):
    assert recognize(weights).architecture.name == name


PIPELINES = {
    "StableDiffusionPipeline": "Stable Diffusion 1.5 or 2",
    "StableDiffusionInpaintPipeline": "Stable Diffusion with more input channels",
    "StableDiffusionXLImg2ImgPipeline": "the SDXL refiner",
    "StableDiffusionXLInpaintPipeline": "SDXL inpainting",
    "StableDiffusionXLInstructPix2PixPipeline": "SDXL instruct-pix2pix",
    "StableDiffusionXLControlNetPipeline": "SDXL with a ControlNet",
    "StableDiffusion3Pipeline": "Stable Diffusion 3",
    "StableVideoDiffusionPipeline": "Stable Video Diffusion",
    "FluxPipeline": "FLUX.1", "FluxKontextPipeline": "FLUX.1", "Flux2Pipeline": "FLUX.2",
    "KolorsPipeline": "Kolors", "ZImagePipeline": "Z-Image", "QwenImageEditPipeline": "Qwen-Image",
    "Lumina2Pipeline": "Lumina", "AuraFlowPipeline": "AuraFlow", "PixArtSigmaPipeline": "PixArt",
    "HunyuanDiTPipeline": "HunyuanDiT", "HunyuanVideoPipeline": "HunyuanVideo",
    "HunyuanImagePipeline": "HunyuanImage", "WanPipeline": "Wan", "LTXPipeline": "LTX-Video",
    "ChromaPipeline": "Chroma", "HiDreamImagePipeline": "HiDream", "CogVideoXPipeline": "CogVideoX",
    "CogView4Pipeline": "CogView", "StableCascadePriorPipeline": "Stable Cascade",
    "KandinskyV22Pipeline": "Kandinsky", "KandinskyPipeline": "Kandinsky",
    "Kandinsky5T2IPipeline": "Kandinsky 5", "Cosmos2TextToImagePipeline": "Cosmos",
    "SanaPipeline": "Sana", "MochiPipeline": "Mochi", "IFPipeline": "DeepFloyd IF",
}  # fmt: skip


@pytest.mark.parametrize(("kind", "name"), PIPELINES.items())
def test_a_pipeline_of_another_kind_is_refused_by_its_name(kind, name, tmp_path):
    (tmp_path / "model_index.json").write_text(f'{{"_class_name": "{kind}"}}')
    with pytest.raises(WrongModel) as refused:
        describe_model(str(tmp_path))
    family = by_pipeline(kind)
    assert family is not None
    assert str(refused.value) == f"{tmp_path} holds a {kind}: {name}{family.reason}"


def test_an_unheard_of_pipeline_is_refused_by_its_class(tmp_path):
    (tmp_path / "model_index.json").write_text('{"_class_name": "NovelPipeline"}')
    with pytest.raises(WrongModel, match="holds a NovelPipeline, and Palate tunes a StableDiff"):
        describe_model(str(tmp_path))


def test_names_of_architectures_in_gguf_files_are_known():
    known = ("flux", "sd1", "sdxl", "sd3", "aura", "hidream", "cosmos", "ltxv", "hyvid", "wan",
             "lumina2", "qwen_image")  # fmt: skip
    assert all(by_gguf(name) for name in known)
    assert by_gguf("novel") is None


def test_what_opens_is_sdxl_alone():
    openable = {family.name for family in ARCHITECTURES if family.opens}
    assert openable == {"SDXL", "Pony (SDXL)", "Illustrious (SDXL)",
                        "Playground v2.5 (SDXL with EDM's schedule)"}  # fmt: skip
