"""A process that hangs, beside one that is only slow: what is seen of each, second by second."""

from __future__ import annotations

import os

import pytest

from align.client.watchdog import (
    IDLE,
    LOADING,
    RENDERING,
    Heartbeat,
    Timeouts,
    Usage,
    Watchdog,
    usage_of,
)
from align.sampling.heartbeat import HeartbeatSender, cached_bytes

TIMEOUTS = Timeouts(check_interval_s=1.0, heartbeat_interval_s=5.0)
A_MINUTE = 60


class Seen:
    """A process as it is looked at every second; what it does is changed by the test."""

    def __init__(self, phase: str = LOADING, on_cpu: bool = True, from_hub: bool = False) -> None:
        self.watchdog = Watchdog(TIMEOUTS, from_hub)
        self.phase, self.on_cpu = phase, on_cpu
        self.heartbeats = self.work = self.second = 0
        self.cpu_s, self.io_bytes, self.told = 0.0, 0, ""

    def watch(
        self,
        seconds: int,
        heartbeats: bool = True,
        step_every: int = 0,
        cpu: float = 0.001,
        io: int = 100,
        elapsed: float = 1.0,
    ) -> int | None:
        """Look so often; returns after how many seconds it was held to hang."""
        for second in range(1, seconds + 1):
            self.second += 1
            self.heartbeats += heartbeats and self.second % 5 == 0
            self.work += bool(step_every) and self.second % step_every == 0
            self.cpu_s, self.io_bytes = self.cpu_s + cpu, self.io_bytes + io
            heartbeat = Heartbeat(self.heartbeats, self.phase, self.work)
            usage = Usage(self.cpu_s, self.io_bytes)
            if why := self.watchdog.check(heartbeat, usage, self.on_cpu, elapsed):
                self.told = why
                return second
        return None

    def be(self, phase: str) -> None:
        self.phase = phase


@pytest.mark.parametrize("phase", [LOADING, RENDERING, IDLE])
@pytest.mark.parametrize("on_cpu", [True, False])
def test_a_process_that_is_stopped_is_noticed_within_a_minute(phase, on_cpu):
    seen = Seen(phase, on_cpu)
    assert seen.watch(20, step_every=1) is None
    after = seen.watch(A_MINUTE, heartbeats=False, cpu=0, io=0)
    assert after is not None and "has not answered for 30 seconds" in seen.told


def test_a_driver_or_a_disk_that_does_not_come_back_is_noticed_within_a_minute():
    for on_cpu in (True, False):
        seen = Seen(on_cpu=on_cpu)
        seen.watch(10, cpu=0.9)
        for phase in (IDLE, RENDERING, IDLE, RENDERING):
            seen.be(phase)
            assert seen.watch(10, step_every=2) is None
        assert seen.watch(A_MINUTE) is not None and "has not moved" in seen.told


def test_a_driver_that_spins_hangs_and_a_processor_that_computes_does_not():
    spinning, computing = Seen(RENDERING, on_cpu=False), Seen(RENDERING, on_cpu=True)
    for seen in (spinning, computing):
        for phase in (RENDERING, IDLE, RENDERING):
            seen.be(phase)
            seen.watch(5, step_every=1)
    assert spinning.watch(A_MINUTE, cpu=1.0) is not None
    assert computing.watch(1800, cpu=0.9) is None
    assert computing.watch(7200, cpu=0.9) is not None
    assert "come no step further" in computing.told


def test_a_large_model_from_a_slow_disk_and_a_slow_download_take_their_time():
    reading, importing, coming = Seen(), Seen(), Seen(from_hub=True)
    assert reading.watch(3600, io=2_000_000) is None
    # What holds the interpreter's lock for minutes lets no heartbeat out.
    assert importing.watch(300, heartbeats=False, cpu=0.3) is None
    assert coming.watch(3600, step_every=20) is None, "bytes in the cache count as steps"


def test_a_hub_that_does_not_answer_is_given_time_to_say_so():
    assert Seen(from_hub=True).watch(150) is None
    assert Seen(from_hub=True).watch(300) is not None


def test_the_first_image_on_a_device_may_be_compiled_for_and_long_steps_stay_allowed():
    seen = Seen(IDLE, on_cpu=False)
    seen.watch(5)
    seen.be(RENDERING)
    assert seen.watch(150) is None
    assert seen.watch(40, step_every=20) is None
    seen.be(IDLE)
    seen.watch(1)
    seen.be(RENDERING)
    assert seen.watch(180) is None, "a step took 150 seconds before"


def test_nothing_to_do_is_no_hang_however_long():
    assert Seen(IDLE).watch(20_000) is None


def test_a_lid_that_was_closed_accuses_nobody():
    seen = Seen(RENDERING)
    assert seen.watch(20, step_every=1) is None
    assert seen.watch(3, heartbeats=False, cpu=0, io=0, elapsed=36_000.0) is None
    assert seen.watch(20, step_every=1) is None


def test_a_process_that_cannot_be_asked_about_is_judged_by_its_heartbeats():
    watchdog = Watchdog(TIMEOUTS, from_hub=False)
    checks = [watchdog.check(Heartbeat(n, RENDERING, n), None, True, 1.0) for n in range(100)]
    assert not any(checks)
    assert any(
        watchdog.check(Heartbeat(99, RENDERING, 99), None, True, 1.0) for _ in range(A_MINUTE)
    )


def test_the_system_tells_what_this_process_used():
    before = usage_of(os.getpid())
    assert sum(number * number for number in range(3_000_000))
    after = usage_of(os.getpid())
    assert before and after and after.cpu_s > before.cpu_s and not after.stopped
    assert usage_of(2**22 + 1) is None


def test_what_is_in_the_cache_of_a_hub_is_counted_while_it_comes(tmp_path):
    assert cached_bytes(tmp_path, "some/model") == 0
    blobs = tmp_path / "models--some--model" / "blobs"
    blobs.mkdir(parents=True)
    (blobs / "aa").write_bytes(b"x" * 1000)
    (blobs / "bb.incomplete").write_bytes(b"x" * 234)
    assert cached_bytes(tmp_path, "some/model") == 1234


def test_a_heartbeat_says_the_phase_and_counts_the_steps():
    said: list[dict] = []

    def say(message: dict) -> None:
        said.append(message)
        if len(said) == 2:
            raise BrokenPipeError("nobody listens any more")
        sender.enter(RENDERING)
        sender.step()

    sender = HeartbeatSender(say, 0.01, str(os.getcwd()))
    while len(said) < 2:
        pass
    assert [message["heartbeat"]["phase"] for message in said] == [LOADING, RENDERING]
    assert said[1]["heartbeat"]["work"] == 1 and said[0]["downloaded"] == 0
