"""Diffusion-DPO in two dimensions: points for images, the losses that Palate trains with.

python docs/toys/dpo_2d.py [PNG]      about ten seconds on one CPU core

A small network learns to denoise points on a ring: the reference. Copies are trained on 2,000 votes
for points to the right, at two strengths. Shapes: N points, T timesteps.
"""

import copy
import math
import sys
from pathlib import Path

import torch
from PIL import Image, ImageDraw
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from align import LossParams, PairErrors, denoising_error, dpo

TIMESTEPS, VOTES, BATCH = 50, 2000, 256
alpha_bar_T = torch.cos(torch.linspace(0.02, 0.98, TIMESTEPS) * math.pi / 2).square()


def predict(model: nn.Module, noisy_N2: Tensor, timestep_N: Tensor) -> Tensor:
    """Predict the noise in points."""
    phase_N = math.pi * timestep_N / TIMESTEPS
    return model(torch.cat([noisy_N2, torch.stack([phase_N.sin(), phase_N.cos()], 1)], dim=1))


def ring(count: int) -> Tensor:
    """Sample points around eight places of a ring."""
    angle_N = torch.randint(8, (count,)) * math.pi / 4
    return torch.stack([angle_N.cos(), angle_N.sin()], dim=1) + 0.06 * torch.randn(count, 2)


def error_N(model: nn.Module, points_N2: Tensor, noise_N2: Tensor, timestep_N: Tensor) -> Tensor:
    """Return each point's denoising error; a point is an image of two channels and one pixel."""
    alpha_N1 = alpha_bar_T[timestep_N].unsqueeze(1)
    noisy_N2 = alpha_N1.sqrt() * points_N2 + (1 - alpha_N1).sqrt() * noise_N2
    predicted_N2 = predict(model, noisy_N2, timestep_N)
    return denoising_error(predicted_N2[:, :, None, None], noise_N2[:, :, None, None])


def errors_of(policy: nn.Module, reference: nn.Module, chosen: Tensor, other: Tensor) -> PairErrors:
    """Return the errors of policy and reference on pairs that share noise and timestep."""
    shared = torch.randn(len(chosen), 2), torch.randint(TIMESTEPS, (len(chosen),))
    learned = error_N(policy, chosen, *shared), error_N(policy, other, *shared)
    with torch.no_grad():
        fixed = error_N(reference, chosen, *shared), error_N(reference, other, *shared)
    return PairErrors.of_preferences(*learned, *fixed)


def train_reference() -> nn.Module:
    """Train a denoiser on points of the ring."""
    inner = nn.Linear(128, 128)
    model = nn.Sequential(nn.Linear(4, 128), nn.SiLU(), inner, nn.SiLU(), nn.Linear(128, 2))
    optimizer = torch.optim.AdamW(model.parameters(), 2e-3)
    for _ in range(2500):
        noise_N2, timestep_N = torch.randn(BATCH, 2), torch.randint(TIMESTEPS, (BATCH,))
        error_N(model, ring(BATCH), noise_N2, timestep_N).mean().backward()
        optimizer.step()
        optimizer.zero_grad()
    return model


def tune(reference: nn.Module, pairs: list[Tensor], params: LossParams, loss=dpo) -> nn.Module:
    """Train a copy of the reference on votes, by Diffusion-DPO or another objective."""
    policy = copy.deepcopy(reference)
    optimizer = torch.optim.AdamW(policy.parameters(), 1e-4)
    for rows in torch.randint(VOTES, (300, BATCH)):
        errors = errors_of(policy, reference, *(points[rows] for points in pairs))
        loss(errors, params).mean().backward()
        optimizer.step()
        optimizer.zero_grad()
    return policy


@torch.no_grad()
def generate(model: nn.Module) -> Tensor:
    """Generate 2,000 points by DDIM, from the same noise for every model."""
    points_N2 = torch.randn(2000, 2, generator=torch.Generator().manual_seed(1))
    for step in reversed(range(TIMESTEPS)):
        alpha, before = alpha_bar_T[step], alpha_bar_T[step - 1] if step else torch.ones(())
        noise_N2 = predict(model, points_N2, torch.full((len(points_N2),), step))
        clean_N2 = (points_N2 - (1 - alpha).sqrt() * noise_N2) / alpha.sqrt()
        points_N2 = before.sqrt() * clean_N2 + (1 - before).sqrt() * noise_N2
    return points_N2


def show(image: Image.Image, column: int, name: str, points_N2: Tensor) -> None:
    """Print figures of generated points and draw them."""
    right, off = (points_N2[:, 0] > 0.35).float().mean(), (points_N2.norm(dim=1) - 1).abs().mean()
    print(f"{name:<9} {right:.0%} of the points on the right, {off:.2f} off the ring")
    left, canvas = 280 * column, ImageDraw.Draw(image)
    canvas.text((left + 8, 8), name, fill="black")
    for x, y in (140 + 78 * points_N2 * torch.tensor([1, -1])).clamp(4, 276).tolist():
        canvas.rectangle((left + x, y, left + x + 1, y + 1), "#ea580c" if column else "#78716c")


def main(target: Path) -> None:
    """Train the reference and the policies, print figures and plot their points."""
    torch.manual_seed(0)
    reference, image = train_reference(), Image.new("RGB", (840, 280), "white")
    show(image, 0, "base", generate(reference))
    first, second = ring(VOTES), ring(VOTES)
    wins = torch.rand(VOTES, 1) < torch.sigmoid(4 * (first - second)[:, :1])  # Bradley-Terry
    pairs = [torch.where(wins, first, second), torch.where(wins, second, first)]
    for column, kappa in enumerate((50.0, 5.0), start=1):
        show(image, column, f"kappa {kappa:g}", generate(tune(reference, pairs, LossParams(kappa))))
    image.save(target)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("dpo_2d.png"))
