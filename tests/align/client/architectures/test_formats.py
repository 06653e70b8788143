"""Files of other formats than safetensors, files with coarse numbers, and what is no model."""

from __future__ import annotations

import io
import os
import struct
import time

import pytest
from header_files import write_gguf, write_header, write_pickle
from published_names import FLUX_BLOCKS, LDM, SDXL, SDXL_ENCODERS, VAE, WRONG, behind, names, unet

from align.client.architectures.gguf import Unreadable, read_gguf
from align.client.architectures.sentences import kind_of_file
from align.client.models import describe_model
from align.errors import WrongModel


@pytest.mark.parametrize(
    "name", ["FLUX.1 schnell", "SDXL inpainting", "Stable Diffusion 1.5", "Wan"]
)
def test_a_gguf_file_is_told_by_its_tensors(name, tmp_path):
    kind = kind_of_file(write_gguf(tmp_path / "model.gguf", WRONG[name]))
    assert kind.name == f"{name} (GGUF)"
    assert "is a GGUF file, which Palate cannot train. Use the model's safe" in kind.refusal
    assert f" It holds {name}, stored in Q4_K, " in kind.refusal


def test_a_gguf_file_is_told_by_what_it_calls_itself(tmp_path):
    kind = kind_of_file(write_gguf(tmp_path / "model.gguf", names("x"), "sd3"))
    assert kind.name == "Stable Diffusion 3 (GGUF)"
    kind = kind_of_file(write_gguf(tmp_path / "sdxl.gguf", SDXL, "sdxl"))
    assert kind.refusal.endswith("safetensors files. It holds SDXL, stored in Q4_K.")


@pytest.mark.parametrize("cut", [5, 20, 60, 200])
def test_a_gguf_file_that_breaks_off_is_still_one(cut, tmp_path):
    file = write_gguf(tmp_path / "model.gguf", WRONG["Wan"])
    file.write_bytes(file.read_bytes()[:cut])
    assert "is a GGUF file" in kind_of_file(file).refusal


def test_a_vocabulary_in_a_gguf_file_is_skipped_quickly():
    texts = b"".join(struct.pack("<Q", n % 30) + bytes(n % 30) for n in range(262_144))
    notes = [
        key + struct.pack("<IIQ", 9, 8, 262_144) + texts
        for key in (struct.pack("<Q", 1) + b"a", struct.pack("<Q", 1) + b"b")
    ]
    name = struct.pack("<Q", 1) + b"w"
    tensor = name + struct.pack("<IQIQ", 1, 7, 0, 0)
    whole = b"GGUF" + struct.pack("<IQQ", 3, 1, 2) + b"".join(notes) + tensor
    began = time.process_time()
    assert read_gguf(io.BytesIO(whole)).shapes == {"w": (7,)}
    assert time.process_time() - began < 0.5
    with pytest.raises(Unreadable):
        read_gguf(io.BytesIO(whole[: len(whole) // 2]))


def test_a_gguf_file_with_absurd_counts_is_not_read(tmp_path):
    file = tmp_path / "model.gguf"
    file.write_bytes(b"GGUF\x03\0\0\0" + b"\xff" * 64)
    assert "is a GGUF file" in kind_of_file(file).refusal


PICKLED = {
    "SDXL": behind(LDM, unet(2048, 10, conditions=2816)) | SDXL_ENCODERS | VAE,
    "Stable Diffusion 1.5": WRONG["Stable Diffusion 1.5"],
    "Stable Diffusion 2": WRONG["Stable Diffusion 2"],
    "the SDXL refiner": WRONG["the SDXL refiner"],
    "FLUX.1 schnell": behind(LDM, FLUX_BLOCKS),
    "Stable Cascade": WRONG["Stable Cascade"],
}


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("ending", [".ckpt", ".pt", ".safetensors"])
@pytest.mark.parametrize(("name", "weights"), PICKLED.items(), ids=PICKLED)
def test_a_pickle_is_told_by_its_names_and_never_run(name, weights, ending, protocol, tmp_path):
    mark = tmp_path / "ran"
    file = write_pickle(tmp_path / f"model{ending}", weights, mark, protocol)
    kind = kind_of_file(file)
    assert not mark.exists()
    assert kind.name == f"{name} (pickle)"
    assert "can run any code when it is opened, so Palate does not read it" in kind.refusal
    assert f"Its names are those of {name}" in kind.refusal


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("page.ckpt", b"<!DOCTYPE html><html>", "is a web page"),
        ("lfs.pt", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        ("model.safetensors", b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        ("empty.bin", b"", "is cut short"),
        ("some.bin", bytes(range(200, 256)) * 4, "is a pickle"),
        ("zeros.safetensors", bytes(1000), "is cut short"),
        ("photo.safetensors", b"\x89PNG\r\n", "is an image"),
    ],
)
def test_what_is_no_model_is_told_by_its_beginning(name, content, words, tmp_path):
    (tmp_path / name).write_bytes(content)
    kind = kind_of_file(tmp_path / name)
    assert words in kind.refusal and kind.refusal.startswith(str(tmp_path / name))


def test_a_file_cut_short_is_told_whatever_it_holds(tmp_path):
    file = write_header(tmp_path / "model.safetensors", SDXL, size=6_500_000_000)
    os.truncate(file, 6_400_000_000)
    with pytest.raises(WrongModel, match="is cut short or damaged"):
        describe_model(str(file))


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "model.safetensors")
    assert "is not a regular file" in kind_of_file(tmp_path / "model.safetensors").refusal


COARSE = {
    "fp8": (SDXL, "F8_E4M3", "8 bits (fp8)"),
    "scaled fp8": (SDXL | names("model.diffusion_model.scaled_fp8", shape=(0,)), "F16",
                   "8 bits (fp8)"),
    "nf4": (SDXL | names("model.diffusion_model.input_blocks.8.1.proj_in.weight.absmax"), "U8",
            "4 bits (nf4 or fp4)"),
    "integers": (SDXL | names("model.diffusion_model.input_blocks.8.1.proj_in.weight_scale"), "I8",
                 "integers"),
}  # fmt: skip


@pytest.mark.parametrize(("weights", "dtype", "words"), COARSE.values(), ids=COARSE)
def test_sdxl_in_coarse_numbers_is_refused(weights, dtype, words, tmp_path):
    file = write_header(tmp_path / "model.safetensors", weights, dtype)
    kind = kind_of_file(file)
    assert kind.name == "SDXL"
    assert kind.refusal == (
        f"{file} is a checkpoint of SDXL stored in {words}, which is too coarse to train from. "
        "Use its fp16, bf16 or fp32 file."
    )


@pytest.mark.parametrize("dtype", ["F16", "BF16", "F32"])
def test_a_whole_sdxl_checkpoint_has_no_reason_against_it(dtype, tmp_path):
    kind = kind_of_file(write_header(tmp_path / "model.safetensors", SDXL, dtype))
    assert (kind.name, kind.refusal) == ("SDXL", "")


PARTS = {
    "the UNet alone": (unet(2048, 10, conditions=2816), "SDXL", "is the UNet of SDXL alone"),
    "a checkpoint without its second encoder": (
        {name: shape for name, shape in SDXL.items() if "embedders.1" not in name}, "SDXL",
        "lacks its second text encoder"),
    "a VAE": (names("encoder.down.0.block.0.conv1.weight", "decoder.up.0.block.0.conv1.weight"),
              "an autoencoder (VAE)", "with --vae"),
    "a text encoder": (names("text_model.encoder.layers.0.mlp.fc1.weight"),
                       "a text or image encoder", "is a part of a model"),
    "T5": (names("encoder.block.0.layer.0.SelfAttention.q.weight"), "a text or image encoder",
           "is a part of a model"),
    "a LoRA": (names("lora_unet_x.lora_down.weight", "lora_unet_x.lora_up.weight"), "a LoRA",
               "needs its model"),
    "a LoRA of ComfyUI": (names("diffusion_model.double_blocks.0.img_attn.qkv.lora_A.weight"),
                          "a LoRA", "needs its model"),
    "a LoRA of peft": (names("base_model.model.down_blocks.0.to_q.lora_A.default.weight"),
                       "a LoRA", "needs its model"),
    "a LoRA of early diffusers": (names("mid_block.attn1.processor.to_q_lora.down.weight"),
                                  "a LoRA", "needs its model"),
    "an OFT": (names("lora_unet_x.oft_diag"), "a LoRA", "needs its model"),
    "changed biases": (names("lora_unet_x.diff_b"), "a LoRA", "needs its model"),
    "a VeRA": (names("base_model.vera_A", "base_model.model.to_q.vera_lambda_b"), "a LoRA",
               "needs its model"),
    "a ControlNet": (names("control_model.input_blocks.0.0.weight"), "a ControlNet",
                     "is used beside a model"),
    "an embedding": (names("clip_l", "clip_g"), "a textual inversion embedding",
                     "is used beside a model"),
    "an upscaler": (names("model.0.weight", "RRDB_trunk.0.RDB1.conv1.weight"), "an upscaler",
                    "is used beside a model"),
    "anything": (names("pixels"), "unknown", "holds pixels"),
}  # fmt: skip


@pytest.mark.parametrize(("weights", "name", "words"), PARTS.values(), ids=PARTS)
def test_a_part_or_an_addition_is_told_from_a_model(weights, name, words, tmp_path):
    kind = kind_of_file(write_header(tmp_path / "file.safetensors", weights), "file")
    assert kind.name == name
    assert kind.refusal.startswith("file is ") and words in kind.refusal
    assert kind.refusal.endswith(".")
