"""What makes two folders one model, and what makes them two."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tiny_models import STEMS, safetensors, tiny_weights, write_tiny_model

from align.client.model_identity import _as_fp16, _rounded_to_bf16
from align.client.models import describe_model
from align.errors import WrongModel

PARTS = ("unet", "text_encoder", "text_encoder_2")


@pytest.fixture(scope="session")
def model(emoji):
    return emoji


@pytest.fixture(scope="session")
def pipeline(emoji_pipeline):
    return emoji_pipeline


def identity(folder):
    return describe_model(str(folder)).identity


def file_of(folder, part):
    return folder / part / f"{STEMS[part]}.safetensors"


@pytest.fixture
def tiny(tmp_path):
    return write_tiny_model(tmp_path / "tiny")


def rewrite(folder, change):
    """Store every part anew, each weight as `change` makes it."""
    for part in STEMS:
        weights = {name: change(name, values) for name, values in tiny_weights(part).items()}
        file_of(folder, part).write_bytes(safetensors(weights))


def as_bf16(values):
    """The upper half of fp32, rounded by torch itself."""
    bits = torch.from_numpy(values.copy()).bfloat16().view(torch.int16).numpy()
    return bits.view("<u2")


def test_a_renamed_folder_is_the_same_model(tiny, tmp_path):
    before = identity(tiny)
    assert identity(tiny.rename(tmp_path / "another name")) == before


def test_fp32_and_fp16_files_are_the_same_model(tiny):
    before = identity(tiny)
    rewrite(tiny, lambda _, values: values.astype("<f2"))
    assert identity(tiny) == before


def test_files_of_fp32_that_once_were_bf16_are_that_model(tiny):
    whole = describe_model(str(tiny))
    rewrite(tiny, lambda _, values: as_bf16(values))
    short = identity(tiny)
    rewrite(tiny, lambda _, values: (as_bf16(values).astype("<u4") << 16).view("<f4"))
    assert identity(tiny) == short != whole.identity
    assert short in whole.aliases


def test_the_numbers_are_rounded_as_torch_rounds_them():
    exponents = np.linspace(-150, 127, 40_001)
    values = (np.exp2(exponents) * np.sin(exponents * 7919)).astype("<f4")
    ties = (np.arange(4096, dtype="<u4") * 0x1000 + 0x33000000).view("<f4")
    values = np.concatenate([values, ties, np.float32([0, -0.0, np.inf, -np.inf, 65519, 65520])])
    tensor = torch.from_numpy(values)
    assert _as_fp16(values) == tensor.half().numpy().tobytes()
    assert _rounded_to_bf16(values).tobytes() == tensor.bfloat16().float().numpy().tobytes()


def test_all_that_is_no_number_is_one():
    odd = np.array([0x7FC00000, 0x7F800001, 0xFFFFFFFF], "<u4").view("<f4")
    assert len(set(np.frombuffer(_as_fp16(odd), "<u2"))) == 1


def test_shards_are_the_same_model(tiny):
    before, weights = identity(tiny), list(tiny_weights("unet").items())
    file_of(tiny, "unet").unlink()
    for number, shard in enumerate((weights[:1], weights[1:]), start=1):
        name = f"{STEMS['unet']}-0000{number}-of-00002.safetensors"
        (tiny / "unet" / name).write_bytes(safetensors(dict(shard)))
    (tiny / "unet" / f"{STEMS['unet']}.safetensors.index.json").write_text("{}")
    assert identity(tiny) == before


def test_the_names_of_a_variant_do_not_count(tiny):
    before = identity(tiny)
    for part in STEMS:
        file = file_of(tiny, part)
        file.rename(file.with_suffix(".fp16.safetensors"))
    assert identity(tiny) == before


def test_another_autoencoder_is_the_same_model(tiny):
    before = identity(tiny)
    weights = {name: values * 2 for name, values in tiny_weights("vae").items()}
    file_of(tiny, "vae").write_bytes(safetensors(weights))
    assert identity(tiny) == before


def test_counters_beside_the_weights_do_not_count(tiny):
    before = identity(tiny)
    for dtype in ("<i8", "<f4"):
        ids = {"text_model.embeddings.position_ids": np.arange(77, dtype=dtype).reshape(1, 77)}
        weights = safetensors(ids | tiny_weights("text_encoder"))
        file_of(tiny, "text_encoder").write_bytes(weights)
        assert identity(tiny) == before


def test_the_libraries_may_change_what_they_put_before_names(tiny):
    before = identity(tiny)
    weights = tiny_weights("text_encoder").items()
    bare = {name.removeprefix("text_model."): values for name, values in weights}
    file_of(tiny, "text_encoder").write_bytes(safetensors(bare))
    assert identity(tiny) == before


def test_the_order_within_a_file_does_not_count(tiny):
    before = identity(tiny)
    weights = dict(reversed(tiny_weights("unet").items()))
    file_of(tiny, "unet").write_bytes(safetensors(weights))
    assert identity(tiny) == before


@pytest.mark.parametrize("part", PARTS)
def test_a_tuned_part_makes_another_model(tiny, part):
    before = identity(tiny)
    for name in tiny_weights(part):
        weights = tiny_weights(part)
        weights[name] = weights[name] * np.float32(1.001)
        file_of(tiny, part).write_bytes(safetensors(weights))
        assert identity(tiny) != before
    file_of(tiny, part).write_bytes(safetensors(tiny_weights(part)))
    assert identity(tiny) == before


def test_another_shape_or_name_makes_another_model(tiny):
    seen = {identity(tiny)}
    weights = tiny_weights("unet")
    for changed in (
        weights | {"out.bias": weights["out.bias"].reshape(2, 2)},
        {name.replace("mid", "end"): values for name, values in weights.items()},
        {name: values for name, values in weights.items() if name != "out.bias"},
    ):
        file_of(tiny, "unet").write_bytes(safetensors(changed))
        seen.add(identity(tiny))
    assert len(seen) == 4


@pytest.mark.slow
def test_a_copy_of_the_embedded_model_in_fp32_is_the_embedded_model(model, pipeline, tmp_path):
    pipeline.save_pretrained(tmp_path / "copy", safe_serialization=True)
    shutil.rmtree(tmp_path / "copy" / "vae")
    shutil.copytree(f"{model.load_path}/vae", tmp_path / "copy" / "vae")
    assert identity(tmp_path / "copy") == model.identity


def test_studios_of_the_embedded_model_from_before_are_found(model):
    fast = describe_model("emoji-fast")
    # What commit a05d373 called the two.
    assert "emoji-3a23024a26fd".endswith(model.aliases[1])
    assert "emoji-fast-3a23024a26fd3117".endswith(fast.aliases[0])


def test_a_merged_adapter_makes_another_model(tiny):
    before = identity(tiny)
    weights = tiny_weights("unet")
    rows, columns = weights["mid.proj.weight"].shape
    up, down = np.sin(np.arange(rows)), np.cos(np.arange(columns))
    added = np.outer(up, down).astype("<f4") * np.float32(1e-4)
    weights["mid.proj.weight"] = weights["mid.proj.weight"] + added
    file_of(tiny, "unet").write_bytes(safetensors(weights))
    assert identity(tiny) != before


def test_the_quick_variant_is_another_model(model):
    assert describe_model("emoji-fast").identity not in (model.identity, *model.aliases)


def test_fp8_is_refused_by_its_name(tiny):
    weights = {"out.bias": torch.ones(4).to(torch.float8_e4m3fn)}
    save_file(weights, file_of(tiny, "unet"))
    with pytest.raises(WrongModel, match=r"stores unet\.out\.bias as F8_E4M3"):
        describe_model(str(tiny))


def test_a_run_of_long_ago_is_of_the_model_that_it_was(tiny, tmp_path):
    now = describe_model(str(tiny))
    past = dict(asdict(now), identity=f"old-name{now.aliases[1]}", aliases=[])
    other = dict(past, identity="old-name-0123456789ab")
    read = type(now)(**json.loads(json.dumps(past)))
    assert now.is_same(read) and read.is_same(now)
    assert not now.is_same(type(now)(**other))
