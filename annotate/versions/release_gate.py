"""Whether a version passed the checks that come before people see it."""

from typing import Any

from annotate.errors import ReleaseBlocked
from storage.records import Version


def failed_checks(summary: dict[str, Any]) -> list[str]:
    """Why a version is held back, in sentences; empty where it is not."""
    if not summary.get("held_back"):
        return []
    return [check["sentence"] for check in summary.get("checks", []) if not check["passed"]]


def require_passed_checks(version: Version) -> None:
    """Raise ReleaseBlocked for a version that failed its checks."""
    if reasons := failed_checks(version.summary):
        raise ReleaseBlocked(
            f"{version.version} is held back: {' '.join(reasons)} Compare it by eye first."
        )
