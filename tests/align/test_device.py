"""Number formats by device, from what the device reports."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from align.data.encode import encode_images
from align.device import Compute, choose_compute
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
