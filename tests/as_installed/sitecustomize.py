"""Read by Python at the start of processes that tests start: they find what an installation has.

scipy is of the extra `test` alone. diffusers and transformers import it where they find it, which
takes each process two seconds.
"""

import sys

sys.modules["scipy"] = None  # type: ignore[assignment]
