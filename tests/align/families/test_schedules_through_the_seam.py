"""Models with the schedules of EDM, of flows and of velocities without signal at the end."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from toy_runs import prepare_run, write_snapshot

from align.client.models import describe_model
from align.client.run_folder import RunFolder
from align.diffusion.schedules import corrupt, network_timesteps
from align.errors import InvalidSettings
from align.families.sdxl import SDXL
from align.sampling.image_sampler import ImageSampler
from align.training.session import train_folder
from align.weights.pipeline import load_pipeline

pytestmark = pytest.mark.slow

BETAS = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
FLOW = {"use_flow_sigmas": True, "prediction_type": "flow_prediction", "flow_shift": 3.0}
EDM = {"sigma_min": 0.002, "sigma_max": 80.0, "sigma_data": 0.5}
SCHEDULERS = {
    "edm": {"_class_name": "EDMEulerScheduler", **EDM},
    "edm by DPM++": {"_class_name": "EDMDPMSolverMultistepScheduler", **EDM},
    "flow": {"_class_name": "FlowMatchEulerDiscreteScheduler", "shift": 3.0},
    "flow by Heun": {"_class_name": "FlowMatchHeunDiscreteScheduler", "shift": 3.0},
    "flow by UniPC": {"_class_name": "UniPCMultistepScheduler", **FLOW},
    "flow by DPM++": {"_class_name": "DPMSolverMultistepScheduler", **FLOW},
    "velocity": {
        "_class_name": "EulerDiscreteScheduler", **BETAS, "prediction_type": "v_prediction",
        "rescale_betas_zero_snr": True, "timestep_spacing": "trailing",
    },
}  # fmt: skip
STEPPED = ("edm", "flow", "velocity")
"""By Euler's method, whose step is known by hand."""


@pytest.fixture(scope="module")
def model_with(small_model_folder, tmp_path_factory):
    """Describes the small model with another scheduler in its folder."""

    def make(kind):
        folder = tmp_path_factory.mktemp("kinds") / "model"
        shutil.copytree(small_model_folder, folder)
        config = SCHEDULERS[kind]
        (folder / "scheduler" / "scheduler_config.json").write_text(json.dumps(config))
        index = json.loads((folder / "model_index.json").read_text())
        index["scheduler"] = ["diffusers", config["_class_name"]]
        (folder / "model_index.json").write_text(json.dumps(index))
        return replace(describe_model(str(folder)), steps=3)

    return make


@pytest.fixture(scope="module")
def pipeline_of(model_with, compute):
    """Loads the small model with another scheduler."""
    return lambda kind: load_pipeline(model_with(kind), compute)


@pytest.mark.parametrize("kind", SCHEDULERS)
def test_every_kind_of_model_renders_by_its_own_solver_and_by_a_named_one(
    model_with, compute, kind
):
    sampler = ImageSampler(model_with(kind), compute)
    own, named = (
        np.asarray(sampler.render(["a cat"], [1], settings=settings)[0], dtype=int)
        for settings in (sampler.settings, replace(sampler.settings, scheduler="DPM++ 2M"))
    )
    assert own.std() > 1 and named.std() > 1
    with pytest.raises(InvalidSettings, match="There is no sampler 'Oiler'"):
        sampler.render(["a cat"], [1], settings=replace(sampler.settings, scheduler="Oiler"))


def test_one_model_is_rendered_under_each_reading_as_if_it_were_loaded_so(model_with, compute):
    """The weights are the same; only what they are taken to predict differs."""
    velocity = ImageSampler(model_with("velocity"), compute)
    read = {"prediction": "v_prediction", "zero_terminal_snr": True}
    noise = replace(velocity.settings, prediction="epsilon")
    back = replace(velocity.settings, **read)
    own, same, other = (
        np.asarray(velocity.render(["a cat"], [1], settings=settings)[0], dtype=int)
        for settings in (velocity.settings, back, noise)
    )
    assert (own == same).all()
    assert abs(own - other).max() > 20


@pytest.mark.parametrize("kind", STEPPED)
def test_one_step_with_the_network_is_that_of_diffusers_own_scheduler(pipeline_of, kind):
    pipeline = pipeline_of(kind)
    training, own = SDXL.training_scheduler(pipeline), SDXL.rendering_scheduler(pipeline, "")
    shape = (2, 1, pipeline.unet.config.in_channels, 8, 8)
    latents, noise = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    conditioning = SDXL.with_size(
        SDXL.encode_prompts(pipeline, ["a cat"]), SDXL.size_facts((64, 64))
    )

    timesteps_B = torch.tensor([600])
    noisy, _ = corrupt(training, latents, noise, timesteps_B)
    told = network_timesteps(training, timesteps_B)
    with torch.no_grad():
        predicted = SDXL.predict(pipeline.unet, noisy, told, conditioning)

    # The same latents at the same noise, as a sampler of diffusers holds them on its way.
    sigma, image_share = sigma_at(training, kind, told)
    lower = 0.5 * sigma
    own.set_timesteps(2)
    own.sigmas, own.timesteps = torch.cat([sigma, lower, torch.zeros(1)]), told.float()
    x = image_share * latents + sigma * noise
    seen = own.scale_model_input(x, own.timesteps[0])
    torch.testing.assert_close(seen, noisy, rtol=0, atol=1e-5)
    stepped = own.step(predicted, own.timesteps[0], x, return_dict=False)[0]

    best = denoised(training, kind, x, predicted, sigma)
    by_hand = best + lower / sigma * (x - best)
    if kind == "flow":
        by_hand = x + (lower - sigma) * predicted
    torch.testing.assert_close(stepped, by_hand, rtol=1e-5, atol=1e-5)


def sigma_at(training, kind, told):
    """The noise in what a sampler holds where the network is told this timestep."""
    if kind == "edm":
        return (4 * told).exp(), 1.0
    if kind == "flow":
        return told / 1000, 1 - told / 1000
    signal = training.alphas_cumprod[told]
    return ((1 - signal) / signal) ** 0.5, 1.0


def denoised(training, kind, x, predicted, sigma):
    """The image that a prediction stands for; Karras et al. 2022, table 1, and for velocities
    Salimans and Ho 2022.
    """
    if kind == "edm":
        total = sigma**2 + 0.5**2
        return 0.5**2 / total * x + sigma * 0.5 / total**0.5 * predicted
    signal = 1 / (1 + sigma**2)
    return signal * x - sigma * signal**0.5 * predicted


@pytest.mark.parametrize("kind", ["edm", "flow by UniPC", "velocity"])
def test_a_run_trains_every_kind_of_model(model_with, tmp_path, kind):
    snapshot = write_snapshot(tmp_path / "snapshot", 4, size=64)
    run = RunFolder(prepare_run(tmp_path / "run", snapshot, model_with(kind), steps=2))
    train_folder(run.path)
    assert run.status().state == "done"
    first = run.metrics()[0]
    assert first["loss"] == pytest.approx(0.6931, abs=1e-4)
    assert 0 < first["grad_norm"] < 1e4
    assert any(weight.any() for name, weight in load_file(run.adapter).items() if "lora_B" in name)
