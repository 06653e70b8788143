"""How long a full-size image should take is counted before the first one is rendered."""

from dataclasses import replace

import pytest

from align.client.models import describe_model
from align.client.planning.rendering_time import expected_image_s
from align.contracts.devices import DeviceFacts
from align.contracts.rendering import RenderSettings, SamplerState

SETTINGS = RenderSettings(1024, 1024, 30, 5.0, "", "")
CARD = DeviceFacts(
    "cuda", "NVIDIA GeForce RTX 3090", 24 * 2**30, 20 * 2**30, "fp16", "fp16", "flash", "", ""
)
READY = SamplerState("ready", facts=CARD)


@pytest.fixture(scope="module")
def model():
    return replace(describe_model(), preset="sdxl")


def test_an_image_takes_its_steps_twice_for_guidance_and_a_decoding(model):
    # 30 steps, twice, and 1.5 for decoding; 6.761 TFLOP at 17.75 TFLOP/s, without gradients 0.6.
    seconds = expected_image_s(model, SETTINGS, READY, 8)
    assert seconds == pytest.approx(61.5 * 0.6 * 6.761 / 17.75, rel=1e-3)
    without = expected_image_s(model, replace(SETTINGS, guidance=1.0), READY, 8)
    assert without == pytest.approx(seconds * 31.5 / 61.5)


def test_smaller_images_take_less_and_processors_longer(model):
    small = replace(SETTINGS, width=512, height=512)
    seconds = expected_image_s(model, SETTINGS, READY, 8)
    assert expected_image_s(model, small, READY, 8) < seconds / 4
    cpu = SamplerState("ready", facts=replace(CARD, kind="cpu", name="a processor"))
    assert expected_image_s(model, SETTINGS, cpu, 8) > 20 * seconds


def test_nothing_is_expected_of_small_models_and_unknown_devices(model):
    assert expected_image_s(describe_model(), SETTINGS, READY, 8) is None
    assert expected_image_s(model, SETTINGS, SamplerState("loading"), 8) is None
