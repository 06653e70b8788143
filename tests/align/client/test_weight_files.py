"""Files that people mistake for weights, and the sentences about them."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest
from tiny_models import safetensors

from align.client.models import describe_model
from align.client.weight_files import check_whole, read_header
from align.errors import BrokenModel, WrongModel

WHOLE = safetensors({"a": np.zeros((2, 3), "<f4"), "b": np.zeros(5, "<f2")})


def header(text: bytes, length: int | None = None) -> bytes:
    return struct.pack("<Q", len(text) if length is None else length) + text


def claim(**facts) -> bytes:
    facts = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]} | facts
    return header(json.dumps({"x": facts}).encode()) + bytes(8)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "cut short"),
        (b"\x08\0\0", "cut short"),
        (WHOLE[:-1], "cut short"),
        (WHOLE + b"more", "cut short"),
        (header(b"[" * 100_000 + b"]" * 100_000), "cut short"),
        (header(b'{"a":' * 100_000), "cut short"),
        (header(b"{}", 2**63), "cut short"),
        (header(b"{}", 10**8), "cut short"),
        (header(b"[]"), "cut short"),
        (header(b'{"x": 1}'), "cut short"),
        (header("{}".encode("utf-16")), "cut short"),
        (claim(shape=[3]), "cut short"),
        (claim(shape=[-1, -2]), "cut short"),
        (claim(data_offsets=[-8, 0]), "cut short"),
        (claim(data_offsets=[8, 16]), "cut short"),
        (claim(data_offsets="08"), "cut short"),
        (claim(shape=[1e400]), "cut short"),
        (b"<!DOCTYPE html><html><head><title>Sign in</title>", "is a web page"),
        (b"\xef\xbb\xbf\n <HTML>", "is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "git lfs pull"),
        (b"GGUF\x03\0\0\0", "is a GGUF file"),
        (b"PK\x03\x04archive/data.pkl", "can run any code"),
        (b"\x80\x02}q\x00.", "can run any code"),
    ],
)
def test_what_is_no_safetensors_file_is_named(tmp_path, content, words):
    file = tmp_path / "model.safetensors"
    file.write_bytes(content)
    with pytest.raises(BrokenModel, match=words) as refused:
        check_whole(file)
    assert str(file) in str(refused.value) and str(refused.value).endswith(".")


def test_a_whole_file_is_not_taken_for_another_kind(tmp_path):
    file = tmp_path / "model.safetensors"
    # Headers as long as the first bytes of a web page and of a pickle count.
    for length in (ord("<"), 640):
        empty = header(b"{}".ljust(length))
        file.write_bytes(empty)
        assert read_header(file) == {}
    file.write_bytes(WHOLE)
    assert {name: tensor.shape for name, tensor in read_header(file).items()} == {
        "a": (2, 3),
        "b": (5,),
    }


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("juggernaut.safetensors", WHOLE, "single-file checkpoint.*from_single_file.*--model"),
        ("style.safetensors", safetensors({"x.lora_down.weight": np.ones(1, "<f4")}), "is a LoRA"),
        ("old.ckpt", b"PK\x03\x04", "is a pickle"),
        ("small.gguf", b"GGUF", "is a GGUF file"),
        ("page.safetensors", b"<html>", "is a web page"),
    ],
)
def test_a_file_in_place_of_a_folder_is_named(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(WrongModel, match=words) as refused:
        describe_model(str(tmp_path / name))
    assert name in str(refused.value)


def test_pickles_in_a_pipeline_folder_are_named(tmp_path):
    (tmp_path / "unet").mkdir()
    (tmp_path / "unet" / "diffusion_pytorch_model.bin").write_bytes(b"PK")
    (tmp_path / "model_index.json").write_text('{"_class_name": "StableDiffusionXLPipeline"}')
    with pytest.raises(BrokenModel, match=r"unet holds its weights in diffusion_pytorch.*bin"):
        describe_model(str(tmp_path))
