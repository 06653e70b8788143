"""What a step costs: ours at three levels of caching, a plain loop, and the floor, in one run.

    python tests/bench/speed.py [--pairs 24] [--batch 8] [--steps 12] [--precision auto]
    python tests/bench/speed.py --agree          loss curves of both loops over 50 steps, in fp32

The plain loop does each step what the public SDXL script does: autoencoder and text encoders on
every image and prompt, the reference as a second pass, the autoencoder in fp32. The floor is the
UNet alone, forward and backward on the same batch. Memory is the peak of the process (Linux).
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from accelerate import Accelerator
from diffusers import StableDiffusionXLPipeline
from torch import Tensor

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from bench_snapshot import make_snapshot

from align.adapters.lora import as_reference
from align.client.config import TrainConfig
from align.client.models import describe_model
from align.client.progress import Reporter
from align.client.run_folder import RunFolder
from align.client.trainer import TrainerProcess
from align.contracts.models import ModelInfo
from align.data.batch import Batcher, NoiseSample, noise_samples_of_step, pair_errors
from align.data.encode import encode_images, encode_pairs, encode_prompts
from align.data.latent_cache import ErrorCache, TensorCache
from align.data.snapshot import PreferencePair, read_snapshot
from align.device import Compute, choose_compute
from align.diffusion.losses import denoising_error, preference_logits
from align.diffusion.noise import sample_noise
from align.diffusion.schedules import corrupt, training_scheduler
from align.training.reference import Reference
from align.training.state import TrainingState, prepare_training
from align.training.step import learning_rate, train_step
from align.training.trainable import LoraTrainable
from align.weights.pipeline import load_pipeline

WARM_UP = 2


@dataclass(frozen=True)
class Setting:
    """One run folder, and what both loops read of it."""

    run: RunFolder
    model: ModelInfo
    config: TrainConfig
    compute: Compute
    pairs: list[PreferencePair]

    def training_state(self, cache: Path) -> TrainingState:
        accelerator = Accelerator(mixed_precision="no", cpu=self.compute.device.type == "cpu")
        report = Reporter(self.run, self.config.steps, writes=False)
        return prepare_training(self.run, report, accelerator, self.compute, cache)

    def noise_samples(self, step: int) -> list[NoiseSample]:
        config = self.config
        return noise_samples_of_step(
            step,
            config.train_batch_size,
            len(self.pairs),
            config.seed,
            config.noise_samples_per_pair,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=24)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--precision", choices=("auto", "fp32"), default="auto")
    parser.add_argument("--agree", action="store_true")
    arguments = parser.parse_args()
    if arguments.agree:
        arguments.steps, arguments.precision = 50, "fp32"
    with tempfile.TemporaryDirectory() as folder:
        setting = prepare(Path(folder), arguments)
        (agree if arguments.agree else compare)(setting, Path(folder) / "cache")


def prepare(folder: Path, arguments: argparse.Namespace) -> Setting:
    model, run = describe_model(), RunFolder(folder / "run")
    settings = {
        "steps": arguments.steps,
        "train_batch_size": arguments.batch,
        "holdout_fraction": 0.0,
        "objective": "dpo",
        "prompt_dropout": 0.0,
        "precision": arguments.precision,
    }
    snapshot = make_snapshot(folder, arguments.pairs)
    TrainerProcess().prepare(run.path, snapshot, model, settings)
    config = run.read_config().train
    compute = choose_compute(arguments.precision)
    torch.set_num_threads(run.read_config().threads)
    return Setting(run, model, config, compute, read_snapshot(run.snapshot).pairs)


def compare(setting: Setting, cache: Path) -> None:
    """Print the table; every row runs the same samples."""
    warm = setting.training_state(cache)
    rows = {
        "plain loop": measure(PlainLoop(setting).step, setting),
        "ours, nothing cached": measure(ours_uncached(setting), setting),
        "ours, latents and text cached": measure(ours_without_errors(warm), setting),
        "ours, reference errors cached too": measure(ours(warm), setting, rounds=2),
        "floor: UNet forward and backward": measure(floor(warm, setting), setting),
    }
    bare, plain = rows["floor: UNet forward and backward"][0], rows["plain loop"][0]
    print("| loop | pairs/s | of the floor | of the plain loop | peak memory |")
    print("|---|---|---|---|---|")
    for name, (speed, memory) in rows.items():
        shares = f"{speed / bare:.0%} | {speed / plain:.2f}×"
        print(f"| {name} | {speed:.1f} | {shares} | {memory:.0f} MB |")
    print(f"autoencoder's share of a plain step: {autoencoder_share(setting, plain):.0%}")


def measure(
    step: Callable[[int], object], setting: Setting, rounds: int = 1
) -> tuple[float, float]:
    """Pairs per second, the median over steps, and peak memory in MB; the last round counts."""
    forget_peak()
    seconds: list[float] = []
    for _ in range(rounds):
        seconds = []
        for number in range(setting.config.steps):
            started = time.perf_counter()
            step(number)
            synchronize()
            seconds.append(time.perf_counter() - started)
    return setting.config.train_batch_size / statistics.median(seconds[WARM_UP:]), peak_memory()


def ours(state: TrainingState) -> Callable[[int], object]:
    return lambda step: train_step(state, step)


def ours_without_errors(state: TrainingState) -> Callable[[int], object]:
    """Latents and text are there, every draw is new to the reference."""

    def step(number: int) -> None:
        state.reference._cache._known.clear()
        train_step(state, number)

    return step


def ours_uncached(setting: Setting) -> Callable[[int], object]:
    """Our functions with caches that never hold anything."""
    loop = PlainLoop(setting)

    def step(number: int) -> None:
        with tempfile.TemporaryDirectory() as folder:
            samples = setting.noise_samples(number)
            pairs = [setting.pairs[d.row] for d in samples]
            size = (setting.model.width, setting.model.height)
            data = encode_pairs(
                loop.pipeline, setting.compute, pairs, size, TensorCache(Path(folder)), ignore
            )
            batcher = Batcher(
                data,
                loop.scheduler,
                setting.compute,
                setting.config.seed,
                setting.config.min_timestep_fraction,
            )
            local = [NoiseSample(row, d.index) for row, d in enumerate(samples)]
            noisy = batcher.build(local)
            errors = ErrorCache(Path(folder) / "errors")
            reference = Reference(errors, batcher, setting.compute, "base", loop.trainable)
            ref = reference.errors(local, noisy)
            loop.learn(number, pair_errors(loop.pipeline.unet, noisy, setting.compute), ref)

    return step


def ignore(done: int, of: int) -> None:
    """Nobody watches."""


def floor(state: TrainingState, setting: Setting) -> Callable[[int], object]:
    """The UNet with its adapter on ready-made inputs: nothing of ours around it."""
    noisy = state.batcher.build(setting.noise_samples(0))

    def step(_: int) -> None:
        with setting.compute.autocasting():
            predicted = noisy.family.predict(
                state.policy, noisy.noisy_BCHW, noisy.timesteps_B, noisy.conditioning
            )
        predicted.float().square().mean().backward()
        state.optimizer.zero_grad(set_to_none=True)

    return step


class PlainLoop:
    """A step as the public script takes it, on the same samples."""

    def __init__(self, setting: Setting) -> None:
        config = setting.config
        self.setting = setting
        self.pipeline: StableDiffusionXLPipeline = load_pipeline(setting.model, setting.compute)
        self.scheduler = training_scheduler(self.pipeline.scheduler)
        self.trainable = LoraTrainable(self.pipeline.unet, config)
        parameters = self.trainable.parameters
        self.optimizer = torch.optim.AdamW(parameters, lr=config.learning_rate, weight_decay=0.0)
        self.parameters = parameters

    def step(self, number: int) -> float:
        """Encode, corrupt, predict twice, learn; returns the loss."""
        noisy_BCHW, noise_BCHW, timesteps_B, conditions = self._inputs(number)
        with torch.no_grad(), as_reference(self.pipeline.unet):
            reference = self._errors(noisy_BCHW, noise_BCHW, timesteps_B, conditions)
        policy = self._errors(noisy_BCHW, noise_BCHW, timesteps_B, conditions)
        return self.learn(number, policy, reference)

    def learn(
        self, number: int, policy: tuple[Tensor, Tensor], reference: tuple[Tensor, Tensor]
    ) -> float:
        logits_B = preference_logits(*policy, *reference, self.setting.config.kappa)
        loss = torch.nn.functional.softplus(-logits_B).mean()
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.setting.config, number)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, self.setting.config.max_grad_norm)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return float(loss.detach())

    def _inputs(self, number: int) -> tuple[Tensor, Tensor, Tensor, tuple[Tensor, dict]]:
        setting, samples = self.setting, self.setting.noise_samples(number)
        pairs = [setting.pairs[d.row] for d in samples]
        images = [p.chosen for p in pairs] + [p.rejected for p in pairs]
        size = (setting.model.width, setting.model.height)
        latents_BCHW = encode_images(self.pipeline, setting.compute, images, size)
        texts = encode_prompts(self.pipeline, [p.prompt for p in pairs] * 2)
        noise_samples = [
            sample_noise(setting.config.seed, p.key, d.index, tuple(latents_BCHW.shape[1:]), 1000,
                 setting.config.min_timestep_fraction)
            for p, d in zip(pairs, samples, strict=True)
        ]  # fmt: skip
        noise_BCHW = torch.stack([noise for noise, _ in noise_samples]).repeat(2, 1, 1, 1)
        timesteps_B = torch.tensor([t for _, t in noise_samples]).repeat(2)
        noisy_BCHW, _ = corrupt(self.scheduler, latents_BCHW, noise_BCHW, timesteps_B)
        height, width = size[1], size[0]
        ids = torch.tensor([height, width, 0, 0, height, width], dtype=torch.float32)
        added = {"text_embeds": texts["pooled"], "time_ids": ids.repeat(len(images), 1)}
        return noisy_BCHW, noise_BCHW, timesteps_B, (texts["text"], added)

    def _errors(
        self,
        noisy_BCHW: Tensor,
        noise_BCHW: Tensor,
        timesteps_B: Tensor,
        conditions: tuple[Tensor, dict],
    ) -> tuple[Tensor, Tensor]:
        compute = self.setting.compute
        device, weights = compute.device, compute.weights
        text_BSD, added = conditions
        with compute.autocasting():
            predicted_BCHW = self.pipeline.unet(
                noisy_BCHW.to(device, weights),
                timesteps_B.to(device),
                encoder_hidden_states=text_BSD.to(device, weights),
                added_cond_kwargs={k: v.to(device, weights) for k, v in added.items()},
            ).sample
        chosen_B, rejected_B = denoising_error(predicted_BCHW, noise_BCHW.to(device)).chunk(2)
        return chosen_B, rejected_B


def autoencoder_share(setting: Setting, plain_speed: float) -> float:
    """Share of a plain step that goes into encoding images and prompts."""
    loop = PlainLoop(setting)
    seconds = []
    for number in range(WARM_UP + 4):
        started = time.perf_counter()
        loop._inputs(number)
        synchronize()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds[WARM_UP:]) * plain_speed / setting.config.train_batch_size


def agree(setting: Setting, cache: Path) -> None:
    """Print how far the two loss curves part; exit 1 beyond 1e-3."""
    plain, state = PlainLoop(setting), setting.training_state(cache)
    fill_by_other_shapes(state)
    losses, differences = [], []
    for number in range(setting.config.steps):
        losses.append(plain.step(number))
        differences.append(abs(losses[-1] - train_step(state, number)["loss"]))
    print(f"{len(differences)} steps, losses from {min(losses):.3f} to {max(losses):.3f}, ", end="")
    print(f"reference errors known {state.reference.cached} of {state.reference.requested}")
    print(f"losses differ by at most {max(differences):.2e}")
    sys.exit(max(differences) > 1e-3)


def fill_by_other_shapes(state: TrainingState) -> None:
    """Let the cache hold every reference error as another run leaves it: three pairs at a time."""
    config = state.config
    for number in range(config.steps):
        samples = noise_samples_of_step(
            number,
            config.train_batch_size,
            state.train_pairs,
            config.seed,
            config.noise_samples_per_pair,
        )
        for start in range(0, len(samples), 3):
            three = samples[start : start + 3]
            state.reference.errors(three, state.batcher.build(three))


def synchronize() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def forget_peak() -> None:
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    elif sys.platform == "linux":
        Path("/proc/self/clear_refs").write_text("5")


def peak_memory() -> float:
    """MB since `forget_peak`; 0 where the system does not tell."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 1e6
    if sys.platform != "linux":
        return 0.0
    lines: Iterator[str] = iter(Path("/proc/self/status").read_text().splitlines())
    return next(float(line.split()[1]) / 1e3 for line in lines if line.startswith("VmHWM"))


if __name__ == "__main__":
    main()
