"""The old name of align.training.session, kept until the next release for programs that import it.

Import it as `from align.training.session import train_folder`.
"""

from __future__ import annotations

from align.training.session import train_folder

__all__ = ["train_folder"]
