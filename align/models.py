"""The old name of align.client.models, kept until the next release for programs that import it.

Import it as `from align.client.models import describe_model`.
"""

from __future__ import annotations

from align.client.models import describe_model

__all__ = ["describe_model"]
