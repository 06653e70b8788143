"""FreedSpace memory goes back to the system."""

import sys
import threading
from pathlib import Path

import psutil
import pytest

from storage.memory import trim


@pytest.mark.skipif(not Path("/lib64/ld-linux-x86-64.so.2").exists(), reason="glibc alone keeps it")
def test_memory_that_threads_freed_is_given_back() -> None:
    own = psutil.Process()

    def fill() -> None:
        # Small ones from the C library's own pools: Python's lie in arenas that it maps itself.
        kept = [bytearray(2_000) for _ in range(40_000)]
        last = bytearray(2_000)
        kept.clear()
        holding.append(last)

    holding: list[bytearray] = []
    threads = [threading.Thread(target=fill) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    before = own.memory_info().rss
    trim()
    assert before - own.memory_info().rss > 20_000_000, sys.platform
