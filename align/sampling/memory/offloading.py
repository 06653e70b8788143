"""Offloading: parts of a pipeline wait in main memory, and visit the card while they work.

What waits is never written back: the weights of a visit are copies, and are dropped at its end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
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


class VisitHook(ModelHook):  # type: ignore[misc]  # accelerate has no types
    """Lets a part visit the card before it is called, in place of whoever visits it now.

    Diffusers takes `execution_device` for the device of the whole pipeline.
    """

    def __init__(self, receive: Callable[[], None], device: torch.device) -> None:
        self._receive, self.execution_device = receive, device

    def pre_forward(self, module: torch.nn.Module, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
        """Bring the part and its arguments to the card."""
        self._receive()
        device = self.execution_device
        return send_to_device(args, device), send_to_device(kwargs, device)


class Offloading:
    """Takes parts of a pipeline off the card, and brings them back."""

    def __init__(self, pipeline: Pipeline, compute: Compute) -> None:
        self._pipeline, self._device = pipeline, compute.device
        self._guests: list[Visit] = []
        self._undo: dict[Offload, Callable[[], None]] = {}

    @property
    def applied(self) -> Offload:
        """Return how much is offloaded now."""
        return max(self._undo, default=Offload.NOTHING)

    def apply(self, offload: Offload) -> None:
        """Offload this much, whatever is offloaded now."""
        for step in sorted(self._undo, reverse=True):
            if step > offload:
                self._undo[step]()
                del self._undo[step]
        if offload >= Offload.ENCODERS and Offload.ENCODERS not in self._undo:
            self._undo[Offload.ENCODERS] = self._offload_encoders()
        if offload >= Offload.DENOISER and Offload.DENOISER not in self._undo:
            self._undo[Offload.DENOISER] = self._offload_denoiser()

    def _receive(self, guest: Visit | None) -> None:
        """Let one part visit the card, and all others leave it."""
        for other in self._guests:
            if other is not guest:
                other.end()
        if guest is not None:
            guest.begin()

    def _offload_encoders(self) -> Callable[[], None]:
        """Take text encoders and autoencoder off the card; return what brings them back."""
        family = family_of(self._pipeline)
        parts = [family.autoencoder(self._pipeline), *family.text_encoders(self._pipeline)]
        for part in parts:
            visit = Visit(part.to("cpu"), self._device)
            self._guests.append(visit)
            add_hook_to_module(part, VisitHook(partial(self._receive, visit), self._device))
        # The denoiser works for most of the time, and alone.
        denoiser = family.denoiser(self._pipeline)
        alone = denoiser.register_forward_pre_hook(lambda *_: self._receive(None))

        def undo() -> None:
            self._receive(None)
            self._guests.clear()
            alone.remove()
            for part in parts:
                remove_hook_from_module(part)
                part.to(self._device)

        return undo

    def _offload_denoiser(self) -> Callable[[], None]:
        """Take all units of the denoiser off the card; return what brings them back."""
        denoiser = family_of(self._pipeline).denoiser(self._pipeline)
        units, hooks = streamed_units(denoiser), []
        for unit in units:
            visit = Visit(unit.to("cpu"), self._device)
            begin, end = _begin(visit), _end(visit)
            hooks.append(unit.register_forward_pre_hook(begin))
            hooks.append(unit.register_forward_hook(end, always_call=True))
        move_weights(outside(denoiser, units), self._device)

        def undo() -> None:
            for hook in hooks:
                hook.remove()
            denoiser.to(self._device)

        return undo


def _begin(visit: Visit) -> Callable[..., None]:
    return lambda *_: visit.begin()


def _end(visit: Visit) -> Callable[..., None]:
    return lambda *_: visit.end()


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
