"""Times that runs measure of themselves: they tell what is left by them, and plans use them."""

from dataclasses import dataclass

from align.contracts.run_files import MeasuredPace


class RunTiming(MeasuredPace):
    """What a run has measured so far, however it ends; timing.json holds it.

    What has not happened yet is None.
    """

    processes: int
    """Processes that share a step."""
    steps: int
    """Optimizer steps that the pace is a mean of."""
    waited: float
    """Time that steps waited for the sampler, as a share of the time that they took."""
    start_s: float | None
    """Seconds from the start of the process to its first step, encoding left out."""
    image_s: float | None
    """Seconds to encode an image."""
    evaluation: float | None
    """Time of evaluations on held-out pairs, as a multiple of what their passes are counted for."""
    finish: float | None
    """The same of what follows the last step, up to the release checks."""
    checks: float | None
    """The same of the release checks, loading included."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What runs on the same device, at the same size and with as many processes have measured.

    The names are those of `RunTiming`; None is what none of them has.
    """

    forward_s: float | None = None
    waited: float = 0.0
    start_s: float | None = None
    image_s: float | None = None
    evaluation: float | None = None
    finish: float | None = None
    checks: float | None = None
