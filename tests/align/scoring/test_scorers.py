"""Scorers by name, labels by a scorer, and the reward that a tuned version implies."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch.testing import assert_close

from align.adapters.lora import add_lora, save_adapter
from align.client.models import describe_model
from align.data.encode import encode_prompts, read_image
from align.data.snapshot import PreferencePair, read_snapshot
from align.device import Compute
from align.diffusion.losses import denoising_error
from align.diffusion.schedules import corrupt, training_scheduler
from align.errors import (
    AlignError,
    BrokenModel,
    InvalidSettings,
    ModelNotFound,
    RunError,
    SnapshotError,
)
from align.sampling.image_sampler import render_settings
from align.scoring.implicit_reward import ImplicitReward, implicit_reward
from align.scoring.scorers import (
    SCORERS,
    Scorer,
    finite_scores,
    label_pairs,
    open_scorer,
    score_folder,
)
from align.scoring.taste_head import TasteHead, fit_taste
from align.weights.pipeline import load_pipeline

pytestmark = pytest.mark.slow

PROMPTS = ["a cat face", "a rocket", "a cat face"]
COLOURS = ["red", "navy", "gold"]
errors = st.lists(st.floats(0.0, 1.0, width=32), min_size=3, max_size=3).map(
    lambda values: torch.tensor([values])
)


@pytest.fixture(scope="session")
def model(emoji):
    return emoji


@pytest.fixture(scope="session")
def pipeline(emoji_pipeline):
    return emoji_pipeline


@pytest.fixture
def images(tmp_path) -> list[Path]:
    folder = tmp_path / "images"
    folder.mkdir()
    for colour in COLOURS:
        image = Image.new("RGB", (128, 128), colour)
        image.paste("white", (30, 30, 70, 90))
        image.save(folder / f"{colour}.png")
    return [folder / f"{colour}.png" for colour in COLOURS]


@dataclass(frozen=True)
class Greys:
    """Paints plain images into a folder."""

    folder: Path

    def __call__(self, shade: int) -> str:
        """The name of an image of this shade."""
        Image.new("RGB", (32, 32), (shade,) * 3).save(self.folder / f"{shade}.png")
        return f"{shade}.png"

    def vote(self, number: int) -> PreferencePair:
        """A vote for the darker of two images."""
        dark, light = (self.folder / self(20 * number + more) for more in (0, 60))
        return PreferencePair(str(number), f"thing {number % 4}", dark, light)


@pytest.fixture
def grey(tmp_path) -> Greys:
    (tmp_path / "greys").mkdir()
    return Greys(tmp_path / "greys")


@pytest.fixture
def dark_taste(grey) -> TasteHead:
    """The taste of somebody who chose the darker one each time."""
    return fit_taste([grey.vote(number) for number in range(8)])


@pytest.fixture(scope="module")
def fresh() -> ImplicitReward:
    """A version whose adapter changes nothing yet, with few draws."""
    compute = Compute(torch.device("cpu"), torch.float32, None)
    pipeline = load_pipeline(describe_model(), compute)
    add_lora(pipeline.unet, rank=2, seed=0)
    return ImplicitReward(pipeline, compute, (128, 128), noise_samples=5)


@pytest.fixture(scope="module")
def tuned() -> ImplicitReward:
    """A version whose adapter does something, at random."""
    compute = Compute(torch.device("cpu"), torch.float32, None)
    pipeline = load_pipeline(describe_model(), compute)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in add_lora(pipeline.unet, rank=2, seed=0):
            parameter.add_(0.03 * torch.randn(parameter.shape, generator=generator))
    return ImplicitReward(pipeline, compute, (128, 128), noise_samples=5)


def test_a_reward_is_kappa_times_the_mean_error_that_tuning_saved():
    policy_NK = torch.tensor([[0.1, 0.2], [0.5, 0.5]])
    reference_NK = torch.tensor([[0.1, 0.4], [0.4, 0.4]])
    assert_close(implicit_reward(policy_NK, reference_NK, 10.0), torch.tensor([1.0, -1.0]))


@given(errors, errors)
def test_swapping_version_and_base_turns_the_reward_around(policy_NK, reference_NK):
    reward_N = implicit_reward(policy_NK, reference_NK, 2500.0)
    assert torch.equal(implicit_reward(reference_NK, policy_NK, 2500.0), -reward_N)


def test_a_version_that_learned_nothing_rewards_every_image_with_exactly_zero(fresh, images):
    assert fresh.score(PROMPTS, images).tolist() == [0.0, 0.0, 0.0]


def test_a_reward_depends_on_the_prompt_and_the_pixels_alone_to_the_bit(tuned, images, tmp_path):
    scores_N = tuned.score(PROMPTS, images)
    assert scores_N.dtype == torch.float32 and scores_N.abs().min() > 0
    # The second time, too: scoring leaves the adapter on.
    assert torch.equal(tuned.score(PROMPTS[::-1], images[::-1]), scores_N.flip(0))
    copy = tmp_path / "elsewhere.bmp"
    Image.open(images[1]).save(copy)
    assert torch.equal(tuned.score(["a rocket"], [copy]), scores_N[1:2])
    assert not torch.equal(tuned.score(["a cat face"], [images[1]]), scores_N[1:2])


def learn_by_heart(pipeline, parameters, prompt: str, image: Path) -> None:
    """A few steps of plain denoising on one image."""
    text = encode_prompts(pipeline, [prompt])
    text_1SD, pooled_1E = text["text"], text["pooled"]
    with torch.no_grad():
        pixels_1CHW = read_image(image, (128, 128))[None]
        mean_1CHW = pipeline.vae.encode(pixels_1CHW).latent_dist.mean
    latents_BCHW = (mean_1CHW * pipeline.vae.config.scaling_factor).repeat(4, 1, 1, 1)
    scheduler = training_scheduler(pipeline.scheduler)
    generator = torch.Generator().manual_seed(0)
    optimizer = torch.optim.Adam(parameters, lr=3e-3)
    sizes = torch.tensor([[128, 128, 0, 0, 128, 128]]).repeat(4, 1)
    added = {"text_embeds": pooled_1E.repeat(4, 1), "time_ids": sizes}
    for _ in range(8):
        noise_BCHW = torch.randn(latents_BCHW.shape, generator=generator)
        timesteps_B = torch.randint(0, 1000, (4,), generator=generator)
        noisy_BCHW, target_BCHW = corrupt(scheduler, latents_BCHW, noise_BCHW, timesteps_B)
        text_BSD = text_1SD.repeat(4, 1, 1)
        predicted = pipeline.unet(noisy_BCHW, timesteps_B, text_BSD, added_cond_kwargs=added)
        optimizer.zero_grad()
        denoising_error(predicted.sample, target_BCHW).mean().backward()
        optimizer.step()


def test_learning_a_image_by_heart_rewards_it_above_another(images, compute):
    pipeline = load_pipeline(describe_model(), compute)
    parameters = add_lora(pipeline.unet, rank=4, seed=0)
    learn_by_heart(pipeline, parameters, PROMPTS[0], images[0])
    scorer = ImplicitReward(pipeline, compute, (128, 128), noise_samples=8)
    learned, other = scorer.score(PROMPTS[:1] * 2, images[:2])
    assert learned > max(0, other)


def test_a_model_without_an_adapter_has_no_reward_to_give(pipeline, compute, images):
    with pytest.raises(InvalidSettings, match="carries no adapter"):
        ImplicitReward(pipeline, compute, (128, 128)).score(PROMPTS, images)


def test_unequal_numbers_and_files_that_are_no_images_are_refused(fresh, images, tmp_path):
    with pytest.raises(InvalidSettings, match="1 prompts for 3 images"):
        fresh.score(["a cat face"], images)
    (tmp_path / "note.png").write_text("no image")
    with pytest.raises(SnapshotError, match=r"note\.png"):
        fresh.score(["a cat face"], [tmp_path / "note.png"])
    assert fresh.score([], []).shape == (0,)


def test_a_run_folder_opens_as_the_reward_of_its_adapter(tuned, make_run, images, compute):
    run = make_run(kappa=100.0, min_timestep_fraction=0.0)
    with pytest.raises(ModelNotFound, match="Wait until the run is done"):
        open_scorer("implicit", run, compute)
    save_adapter(tuned.pipeline.unet, run / "adapter.safetensors")
    document = json.loads((run / "config.json").read_text("utf-8"))
    document["train"]["of_a_later_release"] = 1
    (run / "config.json").write_text(json.dumps(document), "utf-8")
    scorer = open_scorer("implicit", run, compute)
    assert isinstance(scorer, ImplicitReward) and scorer.kappa == 100.0
    expected = ImplicitReward(tuned.pipeline, compute, (128, 128), kappa=100.0)
    one = (PROMPTS[:1], images[:1])
    assert_close(scorer.score(*one), expected.score(*one), atol=1e-3, rtol=1e-3)


def test_a_run_scores_a_prompt_as_it_learned_it_with_the_texts_of_its_look(
    tuned, make_run, images, compute
):
    run = make_run(kappa=100.0, min_timestep_fraction=0.0)
    save_adapter(tuned.pipeline.unet, run / "adapter.safetensors")
    document = json.loads((run / "config.json").read_text("utf-8"))
    look = replace(render_settings(describe_model()), prompt_prefix="gold", prompt_suffix="flat")
    document["look"] = asdict(look)
    (run / "config.json").write_text(json.dumps(document), "utf-8")
    scorer = open_scorer("implicit", run, compute)
    score = scorer.score(PROMPTS[:1], images[:1])
    plain = replace(scorer, prompt_prefix="", prompt_suffix="")
    assert torch.equal(score, plain.score([f"gold, {PROMPTS[0]}, flat"], images[:1]))
    assert not torch.equal(score, plain.score(PROMPTS[:1], images[:1]))


def test_a_damaged_adapter_and_a_folder_that_is_no_run_are_named(make_run, compute, tmp_path):
    run = make_run()
    (run / "adapter.safetensors").write_bytes(b"not weights")
    with pytest.raises(BrokenModel, match=r"adapter\.safetensors does not fit"):
        open_scorer("implicit", run, compute)
    with pytest.raises(RunError, match="not a run folder"):
        open_scorer("implicit", tmp_path, compute)


@pytest.mark.parametrize("name", list(SCORERS))
def test_every_scorer_says_what_it_needs_when_it_gets_nothing(name, compute):
    with pytest.raises(ModelNotFound, match=r"needs .*[Pp]ass"):
        open_scorer(name, None, compute)


def test_a_scorer_that_does_not_exist_is_answered_with_those_that_do(compute):
    with pytest.raises(InvalidSettings, match="taste, implicit, pickscore, clip, aesthetic"):
        open_scorer("beauty", None, compute)


def test_a_saved_taste_opens_by_name_and_scores_alike(dark_taste, images, compute, tmp_path):
    dark_taste.save(tmp_path / "taste.json")
    scorer: Scorer = open_scorer("taste", tmp_path / "taste.json", compute)
    assert scorer.name == "taste" and scorer.meaning.endswith(".")
    assert torch.equal(scorer.score(PROMPTS, images), dark_taste.score(PROMPTS, images))


def test_a_folder_is_scored_best_first_with_the_prompts_beside_its_images(dark_taste, grey):
    folder = grey.folder
    (folder / "0.txt").write_text("a black cat\n", encoding="utf-8")
    (folder / "notes.md").write_text("not an image")
    scored = score_folder(dark_taste, folder, prompt="anything")
    assert [one.score for one in scored] == sorted((one.score for one in scored), reverse=True)
    assert scored[0].image.name == "0.png" and scored[0].prompt == "a black cat"
    assert {one.prompt for one in scored[1:]} == {"anything"}
    assert len(scored) == len(list(folder.glob("*.png")))
    (folder / "empty").mkdir()
    with pytest.raises(InvalidSettings, match="holds no image"):
        score_folder(dark_taste, folder / "empty")


def test_a_label_is_the_chance_that_the_scorer_gives_its_choice_and_names_the_scorer(
    dark_taste, grey
):
    row = {"pair_id": "7", "prompt": "a cat", "images": [grey(200), grey(30)]}
    (labeled,) = label_pairs(dark_taste, [row], grey.folder, temperature=0.1)
    dark, light = dark_taste.score(["", ""], [grey.folder / "30.png", grey.folder / "200.png"])
    assert labeled == {
        "pair_id": "7",
        "prompt": "a cat",
        "kind": "preference",
        "chosen": "30.png",
        "rejected": "200.png",
        "label": pytest.approx(1 / (1 + math.exp(-0.1 * float(dark - light)))),
        "source": "scorer:taste",
    }
    assert 0.5 < labeled["label"] < 1


def test_the_sides_of_a_pair_and_the_order_of_rows_change_no_label(dark_taste, grey):
    rows = [{"prompt": "a cat", "images": [grey(200), grey(30)]},
            {"prompt": "a dog", "images": [grey(90), grey(100)]}]  # fmt: skip
    turned = [row | {"images": row["images"][::-1]} for row in rows[::-1]]
    labels = label_pairs(dark_taste, rows, grey.folder)
    assert label_pairs(dark_taste, turned, grey.folder) == labels[::-1]


def test_equal_scores_and_peoples_own_votes_are_not_labeled(dark_taste, grey):
    shutil.copy(grey.folder / grey(50), grey.folder / "again.png")
    rows = [
        {"prompt": "a cat", "images": ["50.png", "again.png"]},
        {"prompt": "a cat", "kind": "tie", "images": [grey(10), grey(250)]},
        {"prompt": "a cat", "kind": "preference", "chosen": grey(250), "rejected": grey(10)},
    ]
    assert label_pairs(dark_taste, rows, grey.folder) == []


def test_a_hotter_scale_makes_labels_surer_without_turning_any(dark_taste, grey):
    rows = [{"prompt": "a cat", "images": [grey(120), grey(130)]}]
    labels = [label_pairs(dark_taste, rows, grey.folder, t)[0] for t in (0.01, 0.1, 1.0, 1e6)]
    assert [row["chosen"] for row in labels] == ["120.png"] * 4
    values = [row["label"] for row in labels]
    assert values == sorted(values) and values[-1] == 1.0


def test_labeled_rows_are_a_snapshot_to_train_on(dark_taste, grey):
    rows = [{"prompt": f"thing {n}", "images": [grey(n), grey(n + 80)]} for n in (5, 25, 45)]
    text = "".join(json.dumps(row) + "\n" for row in label_pairs(dark_taste, rows, grey.folder))
    (grey.folder / "pairs.jsonl").write_text(text, encoding="utf-8")
    digest = hashlib.sha256(text.encode()).hexdigest()
    (grey.folder / "manifest.json").write_text(json.dumps({"files": {"pairs.jsonl": digest}}))
    pairs = read_snapshot(grey.folder).pairs
    assert [pair.chosen.name for pair in pairs] == ["5.png", "25.png", "45.png"]


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.inf, math.nan])
def test_a_temperature_not_above_zero_and_a_row_that_is_no_pair_are_refused(
    dark_taste, tmp_path, temperature
):
    with pytest.raises(InvalidSettings, match="must be above zero"):
        label_pairs(dark_taste, [], tmp_path, temperature)
    with pytest.raises(InvalidSettings, match="Not a pair"):
        label_pairs(dark_taste, [{"prompt": "a cat", "images": ["one.png"]}], tmp_path)


def test_a_score_that_is_no_number_is_an_error_and_not_a_label(dark_taste, grey):
    spoiled = TasteHead(**vars(dark_taste) | {"weights": (math.nan,) * len(dark_taste.weights)})
    with pytest.raises(AlignError, match=r"'taste' gives .*10\.png the score nan"):
        finite_scores(spoiled, ["a cat"], [grey.folder / grey(10)])
