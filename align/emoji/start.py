"""What a training takes over from an earlier model before it begins."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from diffusers import StableDiffusionXLPipeline
from torch import Tensor, nn

from align.client.models import describe_model
from align.device import choose_compute
from align.emoji.training_loop import NotTrained
from align.weights.pipeline import load_pipeline, quiet_libraries


def earlier_model(start: str) -> StableDiffusionXLPipeline:
    """The model of a name or folder, as for `describe_model`.

    Raises:
        ModelNotFound, WrongModel, BrokenModel: it cannot be loaded.
    """
    quiet_libraries()
    return load_pipeline(describe_model(start), choose_compute())


def take_over(networks: Mapping[str, nn.Module], start: str) -> None:
    """Begin with the weights of an earlier model, as far as names and shapes are the same.

    Args:
        networks: what is to begin, by the name of the earlier model's part, such as "unet".
        start: the earlier model, or "" to begin at random.

    Raises:
        ModelNotFound, WrongModel, BrokenModel: it cannot be loaded.
        NotTrained: nothing of a part fits.
    """
    if not start:
        return
    earlier = earlier_model(start)
    for part, network in networks.items():
        own = network.state_dict()
        fitting = fitting_weights(own, getattr(earlier, part).state_dict())
        if not fitting:
            raise NotTrained(
                f"No weight of the {part} of {start} fits. Leave the setting start empty."
            )
        network.load_state_dict(fitting, strict=False)
        print(f"{part}: {len(fitting)} of {len(own)} weights are those of {start}", flush=True)


@torch.no_grad()
def mix_in(networks: Mapping[str, nn.Module], start: str, share: float) -> None:
    """Move trained networks towards where they began: often better than either end.

    As Wortsman et al. 2022 (arXiv 2109.01903) do to keep what a model could before it was tuned.

    Raises:
        ModelNotFound, WrongModel, BrokenModel: the earlier model cannot be loaded.
    """
    if not start or not share:
        return
    earlier = earlier_model(start)
    for part, network in networks.items():
        own = network.state_dict()
        for name, weight in fitting_weights(own, getattr(earlier, part).state_dict()).items():
            if own[name].is_floating_point():
                own[name].lerp_(weight.to(own[name].device), share)


def fitting_weights(own: dict[str, Tensor], theirs: dict[str, Tensor]) -> dict[str, Tensor]:
    """Those of `theirs` that have a place in `own`, in fp32 on the CPU."""
    return {
        name: weight.float().cpu()
        for name, weight in theirs.items()
        if name in own and own[name].shape == weight.shape
    }
