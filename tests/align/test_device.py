"""Number formats by device, from what the device reports."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from align.data.encode import encode_images
from align.device import Compute, choose_compute, memory, number_formats, unified_memory
from align.device_memory import free_memory
from align.sampling.render import decode

pytestmark = pytest.mark.slow

FP16, BF16 = torch.float16, torch.bfloat16


def pretend(monkeypatch, **facts):
    """A GPU that says these things of itself, and can do bf16 if torch is asked."""
    properties = SimpleNamespace(**facts)
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.current_device", lambda: 0)
    monkeypatch.setattr("torch.cuda.get_device_properties", lambda _: properties)
    monkeypatch.setattr("torch.cuda.is_bf16_supported", lambda *_: True)


@pytest.mark.parametrize(
    ("major", "minor", "format"),
    [(6, 1, FP16), (7, 0, FP16), (7, 5, FP16), (8, 0, BF16), (8, 6, BF16), (12, 0, BF16)],
)
def test_an_nvidia_card_computes_in_bf16_from_ampere_on(monkeypatch, major, minor, format):
    pretend(monkeypatch, major=major, minor=minor)
    compute = choose_compute()
    assert (compute.weights, compute.autocast) == (format, format)
    assert choose_compute("fp32").autocast is None


@pytest.mark.parametrize(
    ("name", "format"),
    [("gfx906:sramecc-", FP16), ("gfx1030", FP16), ("gfx90a:xnack-", BF16), ("gfx1100", BF16)],
)
def test_an_amd_card_does_where_it_has_instructions_for_it(monkeypatch, name, format):
    monkeypatch.setattr("torch.version.hip", "6.4", raising=False)
    pretend(monkeypatch, major=9, minor=0, gcnArchName=name)
    assert choose_compute().autocast == format


@pytest.mark.parametrize(
    ("instructions", "full_size", "precision", "weights", "products"),
    [
        (True, True, "auto", BF16, BF16),
        (True, False, "auto", torch.float32, BF16),
        (True, True, "fp32", torch.float32, None),
        (False, True, "auto", torch.float32, None),
    ],
)
def test_on_a_cpu_full_size_weights_are_in_bf16_where_it_has_instructions_for_it(
    monkeypatch, instructions, full_size, precision, weights, products
):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    monkeypatch.setattr("torch.cpu._is_avx512_bf16_supported", lambda: instructions)
    compute = choose_compute(precision, full_size)
    assert (compute.weights, compute.autocast) == (weights, products)


FP32 = torch.float32


@pytest.mark.parametrize(
    ("kind", "bf16", "full_size", "training", "formats"),
    [
        ("mps", True, True, False, (FP16, FP16)),
        ("mps", False, True, False, (FP16, FP16)),
        ("mps", True, True, True, (BF16, BF16)),
        # Before macOS 14; in fp16 gradients would leave its range.
        ("mps", False, True, True, (FP32, None)),
        ("mps", True, False, False, (FP32, None)),
        ("mps", True, False, True, (FP32, None)),
        ("xpu", True, True, True, (BF16, BF16)),
        ("xpu", False, True, False, (FP16, FP16)),
        ("cuda", True, False, True, (BF16, BF16)),
        ("cuda", False, True, False, (FP16, FP16)),
        ("cpu", True, True, True, (BF16, BF16)),
        ("cpu", True, False, True, (FP32, BF16)),
        ("cpu", False, True, False, (FP32, None)),
    ],
)
def test_formats_are_those_that_a_kind_of_device_is_quick_and_safe_in(
    kind, bf16, full_size, training, formats
):
    assert number_formats(kind, bf16, full_size, training) == formats


@pytest.mark.parametrize("macos_14", [True, False])
def test_a_mac_renders_in_fp16_and_trains_in_bf16(monkeypatch, macos_14):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: True)
    monkeypatch.setattr("torch.backends.mps.is_macos_or_newer", lambda *_: macos_14)
    renders = choose_compute(full_size=True)
    assert (renders.device.type, renders.weights) == ("mps", FP16)
    trains = choose_compute(full_size=True, training=True)
    assert trains.weights == (BF16 if macos_14 else FP32)
    assert choose_compute("fp32", full_size=True, training=True).weights == FP32
    assert choose_compute().weights == FP32
    monkeypatch.setenv("PALATE_DEVICE", "cpu")
    assert choose_compute(full_size=True).device.type == "cpu"


def test_the_autoencoder_of_a_mac_computes_in_fp32():
    compute = Compute(torch.device("mps"), FP16, FP16)
    with torch.autocast("mps", dtype=FP16), compute.autocasting_autoencoder():
        assert not torch.is_autocast_enabled("mps")
    with compute.autocasting():
        assert torch.get_autocast_dtype("mps") == FP16


@pytest.mark.parametrize(
    ("total", "available", "limit", "expected"),
    [
        # 16 GB, of which the GPU should take no more than 12; 10 are free of everybody.
        (16, 10, 12, (12, 2)),
        (16, 14, 12, (12, 0)),
        (16, 1, 12, (12, 11)),
        (16, 10, 0, (16, 6)),
        (8, 3, 100, (8, 5)),
    ],
)
def test_memory_that_a_mac_shares_is_counted_once(total, available, limit, expected):
    assert unified_memory(total, available, limit) == expected


def test_free_memory_of_a_mac_is_what_everybody_leaves(monkeypatch):
    virtual = SimpleNamespace(total=16 << 30, available=5 << 30, used=9 << 30)
    monkeypatch.setattr("psutil.virtual_memory", lambda: virtual)
    monkeypatch.setattr("torch.mps.recommended_max_memory", lambda: 12 << 30)
    mac = Compute(torch.device("mps"), FP16, FP16)
    assert memory(mac) == (12 << 30, 7 << 30)
    assert free_memory(mac) == 5 << 30


@pytest.fixture
def loud(pipeline):
    """The pipeline with activations beyond what fp16 can hold, as SDXL's autoencoder has them."""
    layers = (pipeline.vae.decoder.conv_in, pipeline.vae.encoder.conv_in)
    before = [(p, p.detach().clone()) for layer in layers for p in layer.parameters()]
    with torch.no_grad():
        for parameter, _ in before:
            parameter.mul_(3e5)
    yield pipeline
    with torch.no_grad():
        for parameter, value in before:
            parameter.copy_(value)


def test_the_autoencoder_never_runs_in_fp16(loud, compute, make_snapshot):
    latents = torch.randn(1, loud.vae.config.latent_channels, 16, 16)
    half = Compute(compute.device, torch.float32, FP16)
    # Even where somebody is in the middle of something in fp16.
    with torch.autocast("cpu", dtype=FP16):
        image = np.asarray(decode(loud, half, latents)[0])
    assert np.array_equal(image, np.asarray(decode(loud, compute, latents)[0]))
    files = sorted(make_snapshot(1).glob("images/*.png"))
    with torch.autocast("cpu", dtype=FP16):
        latents = encode_images(loud, half, files, (128, 128))
    assert torch.equal(latents, encode_images(loud, compute, files, (128, 128)))
    assert latents.isfinite().all()
