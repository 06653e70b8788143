"""Initialization from an earlier model, and interpolation with it."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from diffusers import StableDiffusionXLPipeline
from torch import Tensor, nn

from align.client.models import describe_model
from align.device import choose_compute
from align.emoji.training_loop import NotTrained
from align.weights.pipeline import load_pipeline, quiet_libraries


def load_earlier_model(start: str) -> StableDiffusionXLPipeline:
    """Load the model of a name or folder, as for `describe_model`.

    Raises:
        ModelNotFound, WrongModel, BrokenModel: it cannot be loaded.
    """
    quiet_libraries()
    return load_pipeline(describe_model(start), choose_compute())


def load_fitting_weights(networks: Mapping[str, nn.Module], start: str) -> None:
    """Initialize networks with those weights of an earlier model whose names and shapes match.

    Args:
        networks: what is to begin, by the name of the earlier model's part, such as "unet".
        start: the earlier model, or "" to begin at random.

    Raises:
        ModelNotFound, WrongModel, BrokenModel: it cannot be loaded.
        NotTrained: nothing of a part fits.
    """
    if not start:
        return
    earlier = load_earlier_model(start)
    for part, network in networks.items():
        own = network.state_dict()
        # Layers of another size, as after a change of channels, start from scratch.
        fitting = fitting_weights(own, getattr(earlier, part).state_dict())
        if not fitting:
            raise NotTrained(
                f"No weight of the {part} of {start} fits. Leave the setting start empty."
            )
        network.load_state_dict(fitting, strict=False)
        print(f"{part}: {len(fitting)} of {len(own)} weights are those of {start}", flush=True)


@torch.no_grad()
def interpolate_weights(networks: Mapping[str, nn.Module], start: str, share: float) -> None:
    """Interpolate trained weights with the earlier model's: often better than either of them.

    As Wortsman et al. 2022 (arXiv 2109.01903) do, to keep the abilities of the earlier model.

    Raises:
        ModelNotFound, WrongModel, BrokenModel: the earlier model cannot be loaded.
    """
    if not start or not share:
        return
    earlier = load_earlier_model(start)
    for part, network in networks.items():
        own = network.state_dict()
        for name, weight in fitting_weights(own, getattr(earlier, part).state_dict()).items():
            if own[name].is_floating_point():
                own[name].lerp_(weight.to(own[name].device), share)


def fitting_weights(own: dict[str, Tensor], theirs: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return those of `theirs` whose name and shape are in `own`, in fp32 on the CPU."""
    return {
        name: weight.float().cpu()
        for name, weight in theirs.items()
        if name in own and own[name].shape == weight.shape
    }
