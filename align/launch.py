"""The old name of align.client.trainer, kept until the next release for programs that import it.

Import it as `from align.client.trainer import TrainerProcess`.
"""

from __future__ import annotations

from align.client.trainer import TrainerProcess

__all__ = ["TrainerProcess"]
