"""Turns of a run and the sampler on a device that holds only one of them: plain accounts of time.

    LOADING -> TRAINING -> LEAVING -> STARTING -> RENDERING -> LOADING -> ...
    the run's turn: 4/5 at least    | the sampler's, with all that switching costs

Whatever is not training counts as the sampler's: writing the checkpoint, both ends of its process,
and loading the trainer again.
"""

from dataclasses import dataclass
from enum import StrEnum

from annotate.clock import Monotonic


@dataclass(frozen=True, slots=True)
class TurnRules:
    """Rules of the turns; times are in seconds."""

    sampler_share: float = 0.2
    """The sampler's share of the time since the run's start, switching included."""
    min_run_s: float = 120.0
    run_per_switch: float = 3.0
    """The run trains for at least so many times what it costs to switch there and back."""
    min_render_s: float = 20.0
    """A turn that renders for less is not worth its switching."""
    load_s: float = 30.0
    """A first guess of how long either of them loads, until that is measured."""
    leave_s: float = 5.0
    """A first guess of how long a run takes to end at a checkpoint."""


class Phase(StrEnum):
    """What the device is doing for whom."""

    LOADING = "loading"
    """The trainer loads."""
    TRAINING = "training"
    LEAVING = "leaving"
    """The run was asked to pause, and ends at its next step."""
    STARTING = "starting"
    """The sampler loads."""
    RENDERING = "rendering"


class Turns:
    """Account of one run's time; one thread tells it what happens, any may ask for an estimate."""

    def __init__(self, clock: Monotonic, rules: TurnRules | None = None) -> None:
        """Begin with the trainer loading."""
        self._clock, self._rules = clock, rules or TurnRules()
        self._began = clock()
        self._phase, self._since = Phase.LOADING, self._began
        self._left_at: float | None = None
        """When the sampler's turn began that is not accounted for yet."""
        self._given_s = 0.0
        """Length of all earlier turns of the sampler."""
        self._lasted = {
            Phase.LOADING: self._rules.load_s,
            Phase.STARTING: self._rules.load_s,
            Phase.LEAVING: self._rules.leave_s,
        }

    @property
    def phase(self) -> Phase:
        """Return what the device is doing."""
        return self._phase

    def trains(self) -> None:
        """Note that the run takes steps: the end of the sampler's turn, if there was one."""
        if self._phase == Phase.LOADING:
            self._given_s = self._given()
            self._enter(Phase.TRAINING)
            self._left_at = None

    def leave(self) -> None:
        """Note that the run was asked to pause."""
        self._left_at = self._clock()
        self._enter(Phase.LEAVING)

    def start_sampler(self) -> None:
        """Note that the trainer's process is gone."""
        self._enter(Phase.STARTING)

    def renders(self) -> None:
        """Note that the sampler has loaded."""
        if self._phase == Phase.STARTING:
            self._enter(Phase.RENDERING)

    def take_back(self) -> None:
        """Note that the sampler is stopped and the trainer started again."""
        self._enter(Phase.LOADING)

    def may_leave(self) -> bool:
        """Return whether the sampler may have a turn now."""
        return self._phase == Phase.TRAINING and self._until_leaving() <= 0

    def is_used_up(self) -> bool:
        """Return whether the sampler's turn must end.

        One that has just loaded renders for a while in any case: what is too much is taken off the
        next one.
        """
        if self._phase != Phase.RENDERING or self.rendering_s < self._rules.min_render_s:
            return False
        back = self._lasted[Phase.LOADING]
        elapsed = self._clock() - self._began
        return self._given() + back >= self._rules.sampler_share * (elapsed + back)

    @property
    def rendering_s(self) -> float:
        """Return for how long the sampler has been ready in this turn."""
        return self._clock() - self._since if self._phase == Phase.RENDERING else 0.0

    def until_images(self) -> float:
        """Estimate the seconds until the sampler is ready, if somebody waits for it."""
        passed = self._clock() - self._since
        starting, leaving = self._lasted[Phase.STARTING], self._lasted[Phase.LEAVING]
        match self._phase:
            case Phase.RENDERING:
                return 0.0
            case Phase.STARTING:
                return max(1.0, starting - passed)
            case Phase.LEAVING:
                return max(1.0, leaving - passed) + starting
            case _:
                return max(0.0, self._until_leaving()) + leaving + starting

    def _until_leaving(self) -> float:
        """Return the seconds until the run has trained for long enough, and earned a turn."""
        loading, trained = 0.0, self._clock() - self._since
        if self._phase == Phase.LOADING:
            loading, trained = max(0.0, self._lasted[Phase.LOADING] - trained), 0.0
        slice_s = max(self._rules.min_run_s, self._rules.run_per_switch * self._switching_s())

        # A turn is earned once it and those before are no more than the share of all time by then.
        turn_s = self._switching_s() + self._rules.min_render_s
        given = self._given() + (0.0 if self._left_at is None else loading)
        elapsed = self._clock() - self._began + loading
        earned_s = (given + turn_s) / self._rules.sampler_share - turn_s - elapsed
        return loading + max(slice_s - trained, earned_s)

    def _switching_s(self) -> float:
        return sum(self._lasted.values())

    def _given(self) -> float:
        return self._given_s + (0.0 if self._left_at is None else self._clock() - self._left_at)

    def _enter(self, phase: Phase) -> None:
        # The first loading is left out: it encodes the images, which later ones find encoded.
        if self._phase in self._lasted and self._left_at is not None:
            self._lasted[self._phase] = self._clock() - self._since
        self._phase, self._since = phase, self._clock()
