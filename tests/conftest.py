"""For every test: one thread a process, since tests run two at a time."""

import os

# Before anything imports torch: threads that wait for one another on two cores only spin.
os.environ.setdefault("OMP_NUM_THREADS", "1")
