"""Offloading: parts of a pipeline wait in main memory, and visit the card while they work.

What waits is never written back: the weights of a visit are copies, and are dropped at its end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import torch
from accelerate.hooks import ModelHook, add_hook_to_module, remove_hook_from_module
from accelerate.utils import send_to_device
from torch import Tensor

from align.device import Compute
from align.families.family import ModelFamily, Pipeline
from align.families.lookup import family_of
from align.sampling.memory.plan import Offload
from align.sampling.memory.units import outside, streamed_units


class Visit:
    """A module whose weights are in main memory, and copied to the card for a while."""

    def __init__(self, module: torch.nn.Module, device: torch.device) -> None:
        self._module, self._device = module, device
        self._originals: list[tuple[dict[str, Any], str, Tensor]] = []

    def begin(self) -> None:
        """Copy the weights to the card, unless they are there."""
        if self._originals:
            return
        try:
            for module in self._module.modules():
                # An adapter that was loaded since is in here as well.
                self._copy(module._parameters)
                self._copy(module._buffers)
        except BaseException:
            self.end()
            raise

    def _copy(self, held: dict[str, Any]) -> None:
        for name, original in held.items():
            if original is None or original.device == self._device:
                continue
            copied = original.detach().to(self._device)
            self._originals.append((held, name, original))
            as_held = isinstance(original, torch.nn.Parameter)
            held[name] = torch.nn.Parameter(copied, requires_grad=False) if as_held else copied

    def end(self) -> None:
        """Put the originals back, which frees the copies."""
        while self._originals:
            held, name, original = self._originals.pop()
            held[name] = original


class GuestHook(ModelHook):  # type: ignore[misc]  # accelerate has no types
    """Calls a part on the card whose weights are not there at other times.

    Diffusers takes `execution_device` for the device of the whole pipeline.
    """

    def __init__(self, before: Callable[[], None], device: torch.device) -> None:
        self._before, self.execution_device = before, device

    def pre_forward(self, module: torch.nn.Module, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
        """Bring what the part is called with to the card."""
        self._before()
        device = self.execution_device
        return send_to_device(args, device), send_to_device(kwargs, device)


class Offloading:
    """Takes parts of a pipeline off the card, and brings them back."""

    def __init__(self, pipeline: Pipeline, compute: Compute) -> None:
        self._pipeline, self._device = pipeline, compute.device
        self._undo: dict[Offload, Callable[[], None]] = {}

    @property
    def applied(self) -> Offload:
        """Return how much is offloaded now."""
        return max(self._undo, default=Offload.NOTHING)

    def apply(self, offload: Offload) -> None:
        """Offload this much, whatever is offloaded now.

        Where memory runs out meanwhile, nothing is done by half: it may be called again.
        """
        for step in sorted(self._undo, reverse=True):
            if step > offload:
                self._bring_back(step)
        self._take_off(
            [s for s in Offload if Offload.NOTHING < s <= offload and s not in self._undo]
        )

    def _bring_back(self, step: Offload) -> None:
        """Bring back for good what a step took off the card; without room it stays off."""
        self._undo.pop(step)()
        try:
            for part in self._parts(step):
                part.to(self._device)
        except BaseException:
            self._take_off([step])
            raise

    def _take_off(self, steps: Sequence[Offload]) -> None:
        """Take off the card what these steps do, and let it visit."""
        # All that leaves the card does so before anything is brought to it.
        for step in steps:
            for part in self._parts(step):
                part.to("cpu")
        streamed = {step: self._streamed(step) for step in steps}
        for networks in streamed.values():
            for network in networks:
                move_weights(outside(network, streamed_units(network)), self._device)
        for step, networks in streamed.items():
            undo = self._watch_encoders() if step is Offload.ENCODERS else []
            undo += [undone for network in networks for undone in stream(network, self._device)]
            self._undo[step] = partial(_call_all, undo[::-1])

    def _parts(self, step: Offload) -> list[torch.nn.Module]:
        """Return what a step takes off the card."""
        whole = [family_of(self._pipeline).autoencoder(self._pipeline)]
        return [*(whole if step is Offload.ENCODERS else []), *self._streamed(step)]

    def _streamed(self, step: Offload) -> list[torch.nn.Module]:
        """Return the networks whose units visit the card."""
        family = family_of(self._pipeline)
        if step is Offload.ENCODERS:
            return family.text_encoders(self._pipeline)
        return [family.denoiser(self._pipeline)]

    def _watch_encoders(self) -> list[Callable[[], object]]:
        """Let the autoencoder visit the card as a whole; return what ends that, the last first.

        In tiles the decoder is called many times over.
        """
        family, device = family_of(self._pipeline), self._device
        autoencoder = family.autoencoder(self._pipeline)
        visit = Visit(autoencoder, device)
        undo: list[Callable[[], object]] = [visit.end]
        for part in (autoencoder, *family.text_encoders(self._pipeline)):
            before = visit.begin if part is autoencoder else visit.end
            add_hook_to_module(part, GuestHook(before, device))
            undo.append(partial(remove_hook_from_module, part))

        # The denoiser works for most of the time, and alone.
        denoiser = family.denoiser(self._pipeline)
        undo.append(denoiser.register_forward_pre_hook(_calling(visit.end)).remove)
        return undo


def stream(network: torch.nn.Module, device: torch.device) -> list[Callable[[], object]]:
    """Let each unit visit the card while it is called; return what ends that, the last first."""
    undo: list[Callable[[], object]] = []
    for unit in streamed_units(network):
        visit = Visit(unit, device)
        undo.append(unit.register_forward_pre_hook(_calling(visit.begin)).remove)
        ended = unit.register_forward_hook(_calling(visit.end), always_call=True)
        undo.append(ended.remove)
    return undo


def _calling(function: Callable[[], None]) -> Callable[..., None]:
    """Return a hook that calls a function, whatever it is given."""
    return lambda *_: function()


def _call_all(functions: Iterable[Callable[[], object]]) -> None:
    for function in functions:
        function()


def resident_parts(family: ModelFamily, offload: Offload) -> list[str]:
    """Return the parts of a pipeline that are on the card all the time."""
    if offload is Offload.NOTHING:
        return list(family.parts)
    return [family.denoiser_part] if offload is Offload.ENCODERS else []


def move_weights(modules: Iterable[torch.nn.Module], device: torch.device) -> None:
    """Move the weights that these modules hold themselves, not those of modules within them."""
    for module in modules:
        for name, weight in module.named_parameters(recurse=False):
            module._parameters[name] = torch.nn.Parameter(weight.detach().to(device), False)
        for name, buffer in module.named_buffers(recurse=False):
            module._buffers[name] = buffer.to(device)
