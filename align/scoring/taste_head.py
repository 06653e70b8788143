"""Taste head: a Bradley-Terry model on simple features of color, light and sharpness.

Shapes: N images, M pairs, F features. All arithmetic is in fp64.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from align.data.snapshot import PreferencePair
from align.diffusion.noise import counter_key
from align.errors import BrokenModel, InvalidSettings, ModelNotFound, SnapshotError, WrongModel
from align.files import read_json, write_json
from align.scoring.image_features import FEATURES, read_features

FORMAT = "taste-head-1"
STRENGTHS = (3.0, 1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
"""L2 strengths to choose from, the strongest first so that it wins ties."""
DEFAULT_STRENGTH = 0.1
FOLDS = 5
NEWTON_STEPS = 50


@dataclass(frozen=True)
class TasteHead:
    """Scores images by a taste fitted on pairs; prompts play no part."""

    weights: tuple[float, ...]
    """Log odds per scaled feature."""
    centre: tuple[float, ...]
    """Mean features of the pairs' images, which score zero."""
    scale: tuple[float, ...]
    features: tuple[str, ...]
    strength: float
    """The L2 strength that predicted other prompts best."""
    pairs: int
    prompts: int
    held_out_accuracy: float | None
    """Share of pairs ordered right by heads that never saw their prompt; None for one prompt."""
    name: str = "taste"
    meaning: str = (
        "How well the image fits the votes, as log odds against their average image; it sees "
        "color, light and sharpness, not what is shown."
    )

    def score(self, prompts: Sequence[str], images: Sequence[Path]) -> Tensor:
        """Return scores_N, in fp32; a difference of 1 is a chance of 73 % to be preferred.

        Raises:
            InvalidSettings, WrongModel: unequal numbers, or a head fit_to_memory on other features.
            SnapshotError: a file is not an image.
        """
        if len(prompts) != len(images):
            raise InvalidSettings(f"{len(prompts)} prompts for {len(images)} images.")
        if self.features != FEATURES:
            raise WrongModel("This taste head looks at other features. Fit it again.")
        return self.score_features(read_features(images)).float()

    def score_features(self, features_NF: Tensor) -> Tensor:
        """Return w · (f - centre) / scale: scores_N, in fp64."""
        table_3F = torch.tensor([self.centre, self.scale, self.weights], dtype=torch.float64)
        return (features_NF.double() - table_3F[0]) / table_3F[1] @ table_3F[2]

    def preference(self, first_NF: Tensor, second_NF: Tensor) -> Tensor:
        """Return P(first ≻ second) = σ(s - s'), in fp64. Bradley and Terry 1952, with s = log π."""
        return torch.sigmoid(self.score_features(first_NF) - self.score_features(second_NF))

    def save(self, path: Path) -> None:
        """Write the head as JSON, every number exact."""
        write_json(path, {"format": FORMAT, **asdict(self)})


def load_taste_head(path: Path) -> TasteHead:
    """Read a head that `TasteHead.save` wrote.

    Raises:
        ModelNotFound: there is no such file.
        BrokenModel: the file is damaged, or is not a taste head.
    """
    damaged = BrokenModel(f"{path} is not a whole taste head. Fit it again.")
    try:
        value = read_json(path)
        if value is None:
            raise ModelNotFound(f"{path} does not exist. Fit a taste head on votes and save it.")
        if value.pop("format") != FORMAT:
            raise damaged
        lists = ("weights", "centre", "scale", "features")
        fields: dict[str, Any] = {k: tuple(v) if k in lists else v for k, v in value.items()}
        head = TasteHead(**fields)
    except (ValueError, KeyError, TypeError, AttributeError, OSError):
        raise damaged from None

    if len({len(getattr(head, name)) for name in lists}) != 1:
        raise damaged
    return head


def fit_taste(pairs: Sequence[PreferencePair]) -> TasteHead:
    """Fit a head to the votes that prefer an image; the order of votes does not matter.

    Raises:
        SnapshotError: fewer than two such votes, or a file is not an image.
    """
    decisive = [pair for pair in pairs if pair.kind == "preference"]
    paths = sorted({path for pair in decisive for path in (pair.chosen, pair.rejected)})
    row = {path: number for number, path in enumerate(paths)}
    features_NF = read_features(paths)

    sides_M2 = [[row[pair.chosen], row[pair.rejected]] for pair in decisive]
    sides_2M = torch.tensor(sides_M2, dtype=torch.long).view(-1, 2).T
    prompts = [pair.prompt for pair in decisive]
    return fit_head(features_NF[sides_2M[0]], features_NF[sides_2M[1]], prompts, FEATURES)


def fit_head(
    chosen_MF: Tensor, rejected_MF: Tensor, prompts: Sequence[str], features: Sequence[str]
) -> TasteHead:
    """Fit a head to pairs given as features; its L2 strength is chosen on prompts left out.

    Raises:
        SnapshotError: fewer than two pairs.
    """
    if len(prompts) < 2:
        count = len(prompts)
        raise SnapshotError(f"A taste needs at least 2 decisive votes, and there are {count}.")

    chosen_MF, rejected_MF, prompts = _ordered(chosen_MF.double(), rejected_MF.double(), prompts)
    differences_MF = chosen_MF - rejected_MF
    strength = choose_strength(differences_MF, prompts)
    scale_F = feature_scale(differences_MF)
    return TasteHead(
        weights=tuple(fit_weights(differences_MF / scale_F, strength).tolist()),
        centre=tuple(((chosen_MF + rejected_MF).mean(dim=0) / 2).tolist()),
        scale=tuple(scale_F.tolist()),
        features=tuple(features),
        strength=strength,
        pairs=len(prompts),
        prompts=len(set(prompts)),
        held_out_accuracy=held_out_accuracy(differences_MF, prompts),
    )


def _ordered(
    chosen_MF: Tensor, rejected_MF: Tensor, prompts: Sequence[str]
) -> tuple[Tensor, Tensor, list[str]]:
    """Sort the pairs: sums in another order would differ in their last bits."""
    rows = zip(prompts, chosen_MF.tolist(), rejected_MF.tolist(), strict=True)
    order = [number for number, _ in sorted(enumerate(rows), key=lambda row: row[1])]
    return chosen_MF[order], rejected_MF[order], [prompts[number] for number in order]


def feature_scale(differences_MF: Tensor) -> Tensor:
    """Return the root mean square of each difference, 1 where there is none.

    Squares make it the same for pairs with their sides swapped.
    """
    scale_F = differences_MF.square().mean(dim=0).sqrt()
    return torch.where(scale_F > 1e-9, scale_F, torch.ones_like(scale_F))


def fit_weights(scaled_MF: Tensor, strength: float) -> Tensor:
    """Minimize mean softplus(-w·d) + strength/2 |w|² over w; return weights_F, in fp64.

    Bradley-Terry as logistic regression on differences without intercept, by Newton steps (IRLS;
    Hastie et al., The Elements of Statistical Learning, Eq. 4.26), halved until the loss falls.
    The mean makes a vote counted twice the same as every vote counted twice.
    """
    identity_FF = torch.eye(scaled_MF.shape[1], dtype=torch.float64)
    weights_F = torch.zeros(scaled_MF.shape[1], dtype=torch.float64)
    for _ in range(NEWTON_STEPS):
        probability_M = torch.sigmoid(scaled_MF @ weights_F)
        gradient_F = strength * weights_F - scaled_MF.T @ (1 - probability_M) / len(scaled_MF)
        curved_MF = scaled_MF * (probability_M * (1 - probability_M))[:, None]
        hessian_FF = scaled_MF.T @ curved_MF / len(scaled_MF) + strength * identity_FF
        # The penalty keeps the Hessian invertible, however few the pairs.
        step_F = torch.linalg.solve(hessian_FF, gradient_F)

        before = _penalized_loss(scaled_MF, weights_F, strength)
        while _penalized_loss(scaled_MF, weights_F - step_F, strength) > before + 1e-12:
            step_F = step_F / 2
        weights_F = weights_F - step_F
        if step_F.abs().max() < 1e-10:
            break
    return weights_F


def _penalized_loss(scaled_MF: Tensor, weights_F: Tensor, strength: float) -> Tensor:
    loss_M = F.softplus(-(scaled_MF @ weights_F))
    return loss_M.mean() + strength / 2 * weights_F.square().sum()


def folds_by_prompt(prompts: Sequence[str]) -> list[Tensor]:
    """Return masks_M of up to five folds of whole prompts; none where there is one prompt."""
    unique = sorted(set(prompts), key=lambda prompt: counter_key(0, "fold", prompt))
    count = min(FOLDS, len(unique))
    fold = {prompt: index % count for index, prompt in enumerate(unique)}
    numbers = torch.tensor([fold[prompt] for prompt in prompts])
    return [numbers == number for number in range(count)] if count > 1 else []


def choose_strength(differences_MF: Tensor, prompts: Sequence[str]) -> float:
    """Return the L2 strength with the least log loss on prompts left out."""
    folds = folds_by_prompt(prompts)
    if not folds:
        return DEFAULT_STRENGTH

    def loss(strength: float) -> float:
        margins_M = torch.cat([_margins(differences_MF, held, strength) for held in folds])
        return float(F.softplus(-margins_M).mean())

    return min(STRENGTHS, key=loss)


def held_out_accuracy(differences_MF: Tensor, prompts: Sequence[str]) -> float | None:
    """Return the share of pairs ordered right by heads that never saw their prompt.

    The strength is chosen anew within each training part: chosen on all pairs, it would have seen
    the answers. A pair that a head cannot tell apart counts one half.
    """
    margins = []
    for held in folds_by_prompt(prompts):
        kept = [prompts[row] for row in (~held).nonzero().flatten().tolist()]
        strength = choose_strength(differences_MF[~held], kept)
        margins.append(_margins(differences_MF, held, strength))
    return float((torch.cat(margins).sign() + 1).mean() / 2) if margins else None


def _margins(differences_MF: Tensor, held_M: Tensor, strength: float) -> Tensor:
    """Return w · d of held-out pairs, with w and scale from the others."""
    scale_F = feature_scale(differences_MF[~held_M])
    weights_F = fit_weights(differences_MF[~held_M] / scale_F, strength)
    return differences_MF[held_M] / scale_F @ weights_F
