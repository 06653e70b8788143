"""Training loop of all networks of the embedded model."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from filelock import FileLock, Timeout
from torch import Tensor, nn

from align.contracts.errors import Conflict
from align.device import Compute, choose_compute
from align.emoji.muon import Muon
from align.emoji.settings import LoopSettings
from align.errors import AlignError, RunLocked, TrainingDiverged
from align.files import replacing
from align.training.checkpoint import write_state

LOG_SECONDS, LOCK_SECONDS = 20.0, 5.0
EMA_DECAY = 0.98
"""EMA decay of the logged loss."""
Loss = Callable[[int], Tensor]
"""The loss of a step, a function of the step's number and the weights alone, so that a resumed
training equals one that was never stopped."""


class NotTrained(AlignError, Conflict):
    """A stage needs the result of an earlier one."""


class Training:
    """A network, its averaged weights and its optimizer: the content of a checkpoint."""

    def __init__(self, network: nn.Module, settings: LoopSettings, path: Path) -> None:
        self.network = network
        self.settings = settings
        self.path = path
        self.step = 0
        self.optimizer = optimizer_of(network, settings)
        self.average = {name: value.detach().clone() for name, value in _floats(network).items()}

    def save(self) -> None:
        """Replace the last checkpoint."""
        state = {
            "step": self.step,
            "network": self.network.state_dict(),
            "average": self.average,
            "optimizer": self.optimizer.state_dict(),
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(self.path) as scratch:
            write_state(state, scratch)

    def resume(self) -> None:
        """Load the last checkpoint, if there is one."""
        if not self.path.exists():
            return
        state = torch.load(self.path, map_location="cpu", weights_only=True)
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        for name, value in state["average"].items():
            self.average[name].copy_(value)
        self.step = int(state["step"])

    def train_step(self, loss: Loss) -> float:
        """Take one optimizer step and return the loss.

        Raises:
            TrainingDiverged: loss or gradient is not finite; the weights are left as they were.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.settings, self.step)
        value = loss(self.step)
        torch.autograd.backward(value)
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), self.settings.max_grad_norm)
        if not torch.isfinite(value.detach() + norm):
            raise TrainingDiverged(
                f"The loss became {value.detach():g} at step {self.step}. Lower learning_rate in "
                "settings.json and start this stage again."
            )

        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        self._update_average()
        return float(value.detach())

    @torch.no_grad()
    def _update_average(self) -> None:
        """Update the averaged weights, with a smaller decay in the beginning."""
        # The first weights are random, and would stay in the average for thousands of steps.
        keep = min(self.settings.averaging, (1 + self.step) / (10 + self.step))
        now = _floats(self.network)
        torch._foreach_lerp_(list(self.average.values()), [now[n] for n in self.average], 1 - keep)


def train(network: nn.Module, settings: LoopSettings, path: Path, loss: Loss) -> Training:
    """Train to the last step, from the last checkpoint on, with a progress line now and then.

    Raises:
        RunLocked: another process trains this network in this folder.
        TrainingDiverged: a loss or gradient is not finite.
    """
    with locked(path):
        return _train(Training(network, settings, path), loss)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep other processes from training the network of this checkpoint.

    Raises:
        RunLocked: another process trains it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(path.with_suffix(".lock"), timeout=LOCK_SECONDS):
            yield
    except Timeout:
        raise RunLocked(f"Another process trains {path}. Wait for it or stop it.") from None


def _train(training: Training, loss: Loss) -> Training:
    settings, path = training.settings, training.path
    training.resume()
    log, saved = ProgressLog(path.stem, training.step, settings.steps), time.monotonic()
    try:
        while training.step < settings.steps:
            log.update(training.step + 1, training.train_step(loss))
            if time.monotonic() - saved > 60 * settings.checkpoint_minutes:
                training.save()
                saved = time.monotonic()
    finally:
        # Also when somebody stops it.
        if training.step > log.first:
            training.save()
    return training


class ProgressLog:
    """Progress lines of a training, one every LOG_SECONDS."""

    def __init__(self, name: str, first: int, steps: int) -> None:
        self.first = first
        self._name, self._steps = name, steps
        self._mean: float | None = None
        self._started, self._logged = time.monotonic(), 0.0

    def update(self, step: int, loss: float) -> None:
        """Record a finished step, and print a line where one is due."""
        self._mean = loss if self._mean is None else EMA_DECAY * self._mean + (1 - EMA_DECAY) * loss
        now = time.monotonic()
        if now - self._logged > LOG_SECONDS or step == self._steps:
            self._logged = now
            speed = (now - self._started) / (step - self.first)
            print(progress_line(self._name, step, self._steps, self._mean, speed), flush=True)


def optimizer_of(network: nn.Module, settings: LoopSettings) -> torch.optim.Optimizer:
    """Create the optimizer of the settings."""
    rate, decay = settings.learning_rate, settings.weight_decay
    if settings.orthogonal:
        product = training_compute().autocast or torch.float32
        return Muon(network, rate, settings.beta2, decay, product)
    betas = (0.9, settings.beta2)
    return torch.optim.AdamW(network.parameters(), lr=rate, betas=betas, weight_decay=decay)


def progress_line(name: str, step: int, steps: int, loss: float, seconds: float) -> str:
    """Format a progress line with the remaining time."""
    minutes = round(seconds * (steps - step) / 60)
    left = f"{minutes // 60} h {minutes % 60} min left" if minutes else "almost done"
    return f"{name} step {step:,} of {steps:,}, loss {loss:.4f}, {seconds:.2f} s a step, {left}"


def learning_rate(settings: LoopSettings, step: int) -> float:
    """Return the learning rate of a step: warmup, constant, then linear decay to zero.

    Until the cooldown begins, `steps` may be raised without effect on the steps already done.
    """
    rising = (step + 1) / max(1, settings.warmup)
    falling = (settings.steps - step) / max(1.0, settings.cooldown * settings.steps)
    return settings.learning_rate * min(1.0, rising, falling)


def load_averaged(network: nn.Module, path: Path) -> nn.Module:
    """Load a checkpoint's averaged weights into `network`, frozen and on the best device.

    Raises:
        NotTrained: there is no checkpoint.
    """
    if not path.exists():
        raise NotTrained(f"There is no {path.name} in this folder yet. Run that command first.")
    state = torch.load(path, map_location="cpu", weights_only=True)
    network.load_state_dict(state["network"])
    network.load_state_dict(state["average"], strict=False)
    return network.to(training_compute().device).requires_grad_(False).eval()


def training_compute() -> Compute:
    """Return the fastest device, with weights in fp32 and matrix products in bf16 where fast."""
    compute = choose_compute()
    # Never fp16: there is no loss scaling here.
    half = torch.bfloat16 if torch.bfloat16 in (compute.weights, compute.autocast) else None
    return Compute(compute.device, torch.float32, half)


def _floats(network: nn.Module) -> dict[str, Tensor]:
    """Return the floating-point tensors of a network, by name."""
    return {name: v for name, v in network.state_dict().items() if v.is_floating_point()}
