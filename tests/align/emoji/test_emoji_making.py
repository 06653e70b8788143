"""The embedded model made at toy size: every stage for real, on a few hand-drawn images."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import LCMScheduler
from PIL import Image, ImageDraw
from torch import nn

from align.client.models import describe_model
from align.device import choose_compute
from align.emoji import autoencoder, training_loop
from align.emoji.__main__ import STAGES, main
from align.emoji.autoencoder import build as build_autoencoder
from align.emoji.denoiser import noise_schedule, sample_batch, sample_timesteps, step_weights
from align.emoji.emoji_images import EmojiImage, NoImages, write_images
from align.emoji.latents import encode_all, indices_of
from align.emoji.measure import nearest_background
from align.emoji.muon import newton_schulz, newton_schulz_by_gram, orthogonalized
from align.emoji.pipeline_export import SCALING, fold_latent_stats
from align.emoji.settings import (
    AutoencoderSettings,
    CaptionSettings,
    DenoiserSettings,
    LoopSettings,
    TokenizerSettings,
    settings_from_json,
)
from align.emoji.start import interpolate_weights, load_fitting_weights
from align.emoji.tokenizer import learn_tokenizer, token_ids
from align.emoji.training_loop import NotTrained, learning_rate, load_averaged, locked, train
from align.errors import RunLocked, TrainingDiverged
from align.files import read_json
from align.sampling.image_sampler import render_settings
from align.sampling.render import RenderItem, RenderSettings, render
from align.weights.pipeline import load_pipeline

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
EMOJI, PROMPTS = ROOT / "align/emoji", ROOT / "annotate/rendering/prompts/prompt_lists"
SHAPES = {
    "banana": "ellipse",
    "balloon": "rectangle",
    "pizza": "ellipse",
    "airplane": "rectangle",
}
STYLES = {"3d": "red", "flat": "green", "cartoon": "gold", "simple": "navy", "ink": "black"}
TINY = {"batch": 4, "steps": 3, "warmup": 1}
SETTINGS = {
    "data": {"side": 32, "emoji_side": 20, "least_margin": 5},
    "tokenizer": {"vocabulary": 540, "length": 12},
    "autoencoder": {
        "channels": [8, 8, 16, 16],
        "groups": 4,
        "crop": 16,
        "loop": TINY,
        "decoder": TINY,
    },
    "denoiser": {
        "channels": [8, 16, 16],
        "heads": [1, 2, 2],
        "groups": 4,
        "text_width": 16,
        "text_heads": 2,
        "variants": 2,
        "style_guidance": 2.0,
        "loop": TINY,
    },
    "few_steps": {"rank": 2, "stretches": 4, "loop": TINY | {"orthogonal": False}},
    "classifier": {"channels": [8, 8], "subjects": 3, "loop": TINY},
}


def hand_drawn() -> tuple[list[EmojiImage], np.ndarray]:
    """Four subjects in five styles; one of them is held out."""
    rows, arrays = [], []
    for number, (label, shape) in enumerate(SHAPES.items()):
        for style, colour in STYLES.items():
            image = Image.new("RGBA", (20, 20))
            getattr(ImageDraw.Draw(image), shape)((2, 2, 16, 12 + number), fill=colour)
            rows.append(EmojiImage(str(number), label, (shape,), style, True, number == 3))
            arrays.append(np.asarray(image))
    return rows, np.stack(arrays)


def write_data(folder):
    """Make a working folder with images, as the command data leaves it."""
    (folder / "settings.json").write_text(json.dumps(SETTINGS))
    rows, rgba_NHW4 = hand_drawn()
    write_images(folder, rows, rgba_NHW4)
    (folder / "labels.txt").write_text("\n".join(SHAPES) + "\n")


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A working folder in which everything is trained."""
    folder = tmp_path_factory.mktemp("emoji")
    write_data(folder)
    with pytest.MonkeyPatch.context() as patch:
        for stage in STAGES:
            if stage in ("data", "measure"):
                continue
            assert command(patch, stage, "--work", folder) == 0, stage
    return folder


def command(monkeypatch, *words: object) -> int:
    monkeypatch.setattr(sys, "argv", ["emoji", *map(str, words)])
    return main()


def test_a_stage_says_which_command_makes_what_it_lacks(tmp_path, monkeypatch, capsys):
    write_data(tmp_path)
    assert command(monkeypatch, "denoiser", "--work", tmp_path) == 1
    assert "no tokenizer in this folder yet. Run that command first" in capsys.readouterr().err


def test_all_stages_make_a_model_that_renders(work, monkeypatch, compute):
    info = describe_model(str(work / "model"))
    assert (info.width, info.scheduler) == (32, "UniPCMultistepScheduler")
    pipeline = load_pipeline(info, compute)
    (image,) = render(pipeline, compute, [RenderItem("a cat face", 1)], render_settings(info))
    assert image.size == (32, 32)
    assert np.asarray(image).std() > 0

    assert command(monkeypatch, "measure", "--work", work, "--images", "2") == 0
    figures = json.loads((work / "figures-model.json").read_text())
    assert 0 < figures["psnr"] < 60
    assert sum(figures["styles"].values()) == pytest.approx(1)


def test_a_training_may_begin_with_an_earlier_model(work, tmp_path, monkeypatch, capsys):
    write_data(tmp_path)
    earlier = {"start": str(work / "model")}
    wider = {"autoencoder": SETTINGS["autoencoder"] | {"latent_channels": 6}}
    (tmp_path / "settings.json").write_text(json.dumps(SETTINGS | wider | earlier))
    for stage in ("tokenizer", "autoencoder", "denoiser"):
        assert command(monkeypatch, stage, "--work", tmp_path) == 0, stage
    said = capsys.readouterr().out
    for part in ("vae", "unet", "text_encoder", "text_encoder_2"):
        assert f"{part}: " in said
    assert read_json(tmp_path / "tokenizer/tokenizer.json") == read_json(
        work / "tokenizer/tokenizer.json"
    )


def test_what_fits_of_an_earlier_model_is_taken_over_and_the_rest_is_not(work):
    theirs = load_pipeline(describe_model(str(work / "model")), choose_compute()).vae
    with pytest.raises(NotTrained, match="Leave the setting start empty"):
        load_fitting_weights({"vae": nn.Linear(2, 3)}, str(work / "model"))
    network = build_autoencoder(
        AutoencoderSettings(channels=(8, 8, 16, 16), groups=4, latent_channels=6), 32
    )
    own = network.encoder.conv_out.weight.clone()
    load_fitting_weights({"vae": network}, str(work / "model"))
    assert torch.equal(network.encoder.conv_in.weight, theirs.encoder.conv_in.weight)
    assert torch.equal(network.encoder.conv_out.weight, own)


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_what_is_exported_lies_between_where_it_began_and_where_it_ended(work, share):
    start = str(work / "model")
    began = load_pipeline(describe_model(start), choose_compute()).text_encoder.state_dict()
    network = load_pipeline(describe_model(start), choose_compute()).text_encoder
    with torch.no_grad():
        for weight in network.parameters():
            weight += 1
    interpolate_weights({"text_encoder": network}, start, share)
    for name, weight in network.named_parameters():
        torch.testing.assert_close(weight - began[name].float(), torch.full_like(weight, 1 - share))


def test_a_decoder_learns_on_and_latents_stay(work, tmp_path):
    shutil.copytree(work, tmp_path / "work")
    settings, x_BCHW = settings_from_json(SETTINGS), torch.rand(1, 3, 32, 32)
    after = autoencoder.load_autoencoder(tmp_path / "work", settings)
    (tmp_path / "work/decoder.pt").unlink()
    before = autoencoder.load_autoencoder(tmp_path / "work", settings)
    z_BCHW = before.encode(x_BCHW).latent_dist.mean
    assert torch.equal(after.encode(x_BCHW).latent_dist.mean, z_BCHW)
    assert not torch.equal(after.decode(z_BCHW).sample, before.decode(z_BCHW).sample)


def test_a_decoder_of_another_autoencoder_is_not_used(work, tmp_path):
    shutil.copytree(work, tmp_path / "work")
    (tmp_path / "work/decoder.json").write_text('{"autoencoder": "another"}')
    with pytest.raises(NotTrained, match="Delete it to go on"):
        autoencoder.load_autoencoder(tmp_path / "work", settings_from_json(SETTINGS))


def test_subjects_that_no_step_learns_are_not_encoded(work, tmp_path):
    shutil.copytree(work, tmp_path / "work")
    (tmp_path / "work/labels.txt").write_text("banana\nballoon\n")
    all_late = settings_from_json(
        SETTINGS | {"denoiser": SETTINGS["denoiser"] | {"everything": 0.0}}
    )
    latents = encode_all(tmp_path / "work", all_late)
    assert {row.label for row in latents.rows} == {"banana", "balloon"}
    assert len(latents.chosen) == len(latents.rows) == len(latents.latents_PVCHW)


def test_the_last_steps_learn_only_what_the_model_is_for(work):
    (work / "labels.txt").write_text("\n".join(list(SHAPES)[:1]))
    latents = encode_all(work, settings_from_json(SETTINGS))
    (work / "labels.txt").write_text("\n".join(SHAPES) + "\n")
    named = set(SHAPES) & {latents.rows[place].label for place in latents.chosen}
    assert named == set(list(SHAPES)[:1]) and len(latents.chosen) == len(STYLES)

    settings = DenoiserSettings(everything=0.5, captions=CaptionSettings(tag=0.0))
    steps = settings.loop.steps
    early, late = (
        " ".join(sample_batch(latents, settings, step)[1]) for step in (steps // 2 - 1, steps // 2)
    )
    assert all(label in early for label in SHAPES)
    assert [label for label in SHAPES if label in late] == list(SHAPES)[:1]


def test_a_model_that_is_for_nothing_is_refused():
    with pytest.raises(NoImages, match=r"no image of any subject in labels\.txt"):
        indices_of([EmojiImage("1", "cat", (), "flat", True, False)], ["dog"])


def test_the_model_is_for_what_the_app_asks_and_the_figures_are_about():
    asked = [
        line
        for name in ("emoji_prompts.txt", "emoji_evaluation_prompts.txt")
        for line in (PROMPTS / name).read_text("utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    labels = (EMOJI / "chosen.txt").read_text("utf-8").splitlines()
    unknown = [line for line in asked if not any(f" {one} " in f" {line} " for one in labels)]
    assert asked and not unknown
    assert set((EMOJI / "classifier_labels.txt").read_text("utf-8").splitlines()) <= set(labels)


def test_the_exported_latents_are_those_the_denoiser_learned_from(work, monkeypatch, compute):
    latents = np.load(work / "latents.npy").astype(np.float32)
    raw_C = latents.mean(axis=(0, 1, 3, 4)), latents.std(axis=(0, 1, 3, 4))
    assert latents.shape == (20, 2, 8, 4, 4)
    pipeline = load_pipeline(describe_model(str(work / "model")), compute)
    unit = build_autoencoder(settings_from_json(SETTINGS).autoencoder, 32)
    trained = load_averaged(unit, work / "autoencoder.pt")
    image_BCHW = torch.rand(2, 3, 32, 32) * 2 - 1
    expected = trained.encode(image_BCHW).latent_dist.mean
    expected = (expected - torch.tensor(raw_C[0]).view(1, -1, 1, 1)) / torch.tensor(raw_C[1]).view(
        1, -1, 1, 1
    )
    found = pipeline.vae.encode(image_BCHW).latent_dist.mean * SCALING
    torch.testing.assert_close(found, expected, rtol=0.02, atol=0.02)


def test_the_few_step_adapter_renders_in_four_steps_without_guidance(work, compute):
    pipeline = load_pipeline(describe_model(str(work / "model")), compute)
    schedule = pipeline.scheduler.config
    pipeline.scheduler = LCMScheduler.from_config(schedule, original_inference_steps=40)
    settings = RenderSettings(32, 32, 4, 1.0, "", "LCMScheduler")
    (before,) = render(pipeline, compute, [RenderItem("a pizza", 1)], settings)
    pipeline.load_lora_weights(work, weight_name="few_steps.safetensors")
    (after,) = render(pipeline, compute, [RenderItem("a pizza", 1)], settings)
    assert after.size == (32, 32)
    assert after != before


def test_a_model_of_parts_that_do_not_fit_is_not_exported(work, monkeypatch, capsys):
    units = (work / "denoiser.json").read_text()
    (work / "denoiser.json").write_text(json.dumps(json.loads(units) | {"autoencoder": "other"}))
    try:
        assert command(monkeypatch, "export", "--work", work) == 1
        assert "no denoiser for this autoencoder" in capsys.readouterr().err
        assert command(monkeypatch, "denoiser", "--work", work) == 1
        assert "Delete denoiser.pt" in capsys.readouterr().err
    finally:
        (work / "denoiser.json").write_text(units)


def test_a_stage_that_was_stopped_ends_as_if_it_was_not(work, monkeypatch, tmp_path):
    for name in ("settings.json", "images.json", "images.npy"):
        shutil.copyfile(work / name, tmp_path / name)
    crops = autoencoder.sample_crops

    def sample_until_somebody_stops_it(images, data, settings, step):
        if step == 2:
            raise KeyboardInterrupt
        return crops(images, data, settings, step)

    with monkeypatch.context() as patch:
        patch.setattr(autoencoder, "sample_crops", sample_until_somebody_stops_it)
        assert command(monkeypatch, "autoencoder", "--work", tmp_path) == 130
    assert torch.load(tmp_path / "autoencoder.pt")["step"] == 2
    assert command(monkeypatch, "autoencoder", "--work", tmp_path) == 0
    whole, resumed = (torch.load(folder / "autoencoder.pt") for folder in (work, tmp_path))
    for name, weight in whole["average"].items():
        assert torch.equal(weight, resumed["average"][name]), name


def test_folding_changes_the_unit_of_latents_and_nothing_else():
    torch.manual_seed(0)
    network = build_autoencoder(AutoencoderSettings(channels=(8, 8, 8, 8), groups=4), 16).eval()
    image_BCHW = torch.rand(1, 3, 16, 16) * 2 - 1
    mean_C, std_C = torch.arange(8.0), torch.linspace(0.5, 4, 8)
    with torch.no_grad():
        before = network.encode(image_BCHW).latent_dist
        decoded = network.decode(before.mean).sample
        fold_latent_stats(network, mean_C, std_C)
        after = network.encode(image_BCHW).latent_dist
        unit_C = (std_C * SCALING).view(1, -1, 1, 1)
        torch.testing.assert_close(
            after.mean, (before.mean - mean_C.view(1, -1, 1, 1)) / unit_C, rtol=1e-4, atol=1e-4
        )
        torch.testing.assert_close(after.std, before.std / unit_C, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(network.decode(after.mean).sample, decoded, rtol=1e-3, atol=1e-4)


def a_loss(network, broken_at=None):
    """A loss that depends on the step, and stops as a person would at one of them."""

    def loss(step):
        if step == broken_at:
            raise KeyboardInterrupt
        given = torch.randn(4, 6, generator=torch.Generator().manual_seed(step))
        return (network(given) - given).square().mean()

    return loss


def a_network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), nn.SiLU(), nn.Linear(8, 6))


def test_a_network_is_trained_by_one_process_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(training_loop, "LOCK_SECONDS", 0.1)
    with locked(tmp_path / "net.pt"), pytest.raises(RunLocked, match=r"trains .*net\.pt"):
        train(a_network(), LoopSettings(steps=1), tmp_path / "net.pt", a_loss(a_network()))


@pytest.mark.parametrize("orthogonal", [True, False])
def test_a_training_that_was_stopped_ends_as_if_it_was_not(tmp_path, orthogonal):
    settings = LoopSettings(steps=8, warmup=2, orthogonal=orthogonal)
    whole = a_network()
    train(whole, settings, tmp_path / "whole.pt", a_loss(whole))
    stopped = a_network()
    with pytest.raises(KeyboardInterrupt):
        train(stopped, settings, tmp_path / "stopped.pt", a_loss(stopped, broken_at=5))
    resumed = a_network()
    train(resumed, settings, tmp_path / "stopped.pt", a_loss(resumed))
    for path in ("whole.pt", "stopped.pt"):
        assert torch.load(tmp_path / path)["step"] == 8
    whole, resumed = (
        load_averaged(whole, tmp_path / "whole.pt"),
        load_averaged(a_network(), tmp_path / "stopped.pt"),
    )
    for one, other in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_loss_that_is_no_number_ends_the_training(tmp_path):
    network = a_network()
    with pytest.raises(TrainingDiverged, match="learning_rate"):
        train(
            network,
            LoopSettings(steps=2),
            tmp_path / "x.pt",
            lambda _: network(torch.ones(1, 6)).sum() * float("nan"),
        )


def test_a_network_that_was_not_trained_is_asked_for(tmp_path):
    with pytest.raises(NotTrained, match=r"no x\.pt"):
        load_averaged(a_network(), tmp_path / "x.pt")


def test_the_learning_rate_rises_stays_and_falls():
    settings = LoopSettings(steps=100, warmup=10, cooldown=0.5, learning_rate=1.0)
    rates = [learning_rate(settings, step) for step in (0, 9, 49, 75, 99)]
    assert rates == pytest.approx([0.1, 1.0, 1.0, 0.5, 0.02])


@pytest.mark.parametrize("shape", [(4, 9), (9, 4), (4, 2, 3, 3)])
def test_an_orthogonal_update_pushes_all_directions_alike(shape):
    torch.manual_seed(0)
    values = torch.linalg.svdvals(orthogonalized(torch.randn(shape)).flatten(1))
    assert values.min() > 0.3
    assert values.max() < 1.3


def test_long_matrices_are_made_orthogonal_as_others_are():
    torch.manual_seed(0)
    x = torch.randn(4, 36)
    assert torch.allclose(
        newton_schulz_by_gram(x / x.norm()), newton_schulz(x / x.norm()), atol=1e-5
    )


@pytest.mark.parametrize("product", [torch.float32, torch.bfloat16])
def test_an_update_of_few_directions_stays_finite_in_every_precision(product):
    torch.manual_seed(0)
    update = torch.randn(16, 1) @ torch.randn(1, 144)
    assert orthogonalized(update, product).norm() < 2


def test_noisy_steps_count_full_and_clean_ones_less():
    weight_T = step_weights(noise_schedule(DenoiserSettings()), limit=5.0)
    assert weight_T[-1] == 1
    assert weight_T[0] < 0.01
    assert (weight_T.diff() >= 0).all()
    assert (step_weights(noise_schedule(DenoiserSettings()), limit=0.0) == 1).all()


def test_the_noise_schedule_ends_where_rendering_begins():
    assert noise_schedule(DenoiserSettings()).alphas_cumprod[-1] == 0


def test_every_batch_sees_all_stretches_of_the_noise():
    timesteps_B = sample_timesteps(10, 1000, torch.Generator().manual_seed(0))
    assert (timesteps_B // 100).tolist() == list(range(10))


def test_timesteps_can_be_moved_towards_noise():
    evenly_B, moved_B = (
        sample_timesteps(900, 1000, torch.Generator().manual_seed(0), noisier)
        for noisier in (1.0, 2.0)
    )
    assert (moved_B >= evenly_B).all()
    assert (moved_B >= 667).sum() == pytest.approx(450, abs=1)
    assert moved_B.max() <= 999


def test_no_prompt_is_unknown_or_too_long():
    tokenizer = learn_tokenizer(["a cat face"] * 3, TokenizerSettings(vocabulary=530, length=8))
    short, long, foreign = token_ids(tokenizer, ["Cat  face", "cat " * 30, "Ω🐱"])
    assert short[0] == 0
    assert short[1:3] == tokenizer.convert_tokens_to_ids(["cat</w>", "face</w>"])
    assert set(short[3:]) == {1}
    assert len(long) == 8
    assert 1 not in foreign[1:7]


def test_the_edge_tells_the_background():
    image = Image.new("RGB", (32, 32), (60, 120, 220))
    image.paste((255, 0, 0), (8, 8, 24, 24))
    assert nearest_background(image) == ("blue", 0.0)
