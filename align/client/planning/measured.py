"""What earlier runs like a run have measured: on the same device, at the same size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from align.client.planning.speeds import PlanDevice
from align.contracts.run_files import MeasuredPace
from align.contracts.run_timing import Measured

ENOUGH_STEPS = 50
"""The newest runs count with the steps that they did, until there are so many."""
UNCOUNTED_STEPS = 20
"""For so many steps counts a run of a release that did not tell them."""


def measured_by(
    paces: Sequence[MeasuredPace], device: PlanDevice, side: int, processes: int = 1
) -> Measured:
    """Return what runs have measured that are like one on this device and at this size.

    `paces` are those of runs that ended in any way, the newest first; those of `RunTiming` say more
    than the pace. Of a device that is not known yet, any is taken.
    """
    alike = list(_alike(paces, device, side, processes))
    return Measured(
        forward_s=_mean(alike),
        waited=_newest(alike, "waited") or 0.0,
        start_s=_newest(alike, "start_s"),
        image_s=_newest(alike, "image_s"),
        evaluation=_newest(alike, "evaluation"),
        finish=_newest(alike, "finish"),
        checks=_newest(alike, "checks"),
    )


def _alike(
    paces: Sequence[MeasuredPace], device: PlanDevice, side: int, processes: int
) -> Iterator[Mapping[str, Any]]:
    for pace in paces:
        same = device.kind in ("", pace["device"]) and device.name in ("", pace["name"])
        timing = cast(Mapping[str, Any], pace)
        # One that was killed after its last step measured nothing in its last process.
        if same and pace["side"] == side and pace["forward_s"]:
            if timing.get("processes", processes) == processes:
                yield timing


def _mean(alike: Sequence[Mapping[str, Any]]) -> float | None:
    seconds, steps = 0.0, 0
    for timing in alike:
        counted = min(timing.get("steps", UNCOUNTED_STEPS), ENOUGH_STEPS - steps)
        seconds, steps = seconds + counted * timing["forward_s"], steps + counted
        if steps >= ENOUGH_STEPS:
            break
    return seconds / steps if steps else None


def _newest(alike: Sequence[Mapping[str, Any]], name: str) -> float | None:
    return next((float(t[name]) for t in alike if t.get(name) is not None), None)
