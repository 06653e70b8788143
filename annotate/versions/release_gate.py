"""Release gate: a version that failed its checks is held back from labelers."""

from align.contracts.run_files import RunResult
from annotate.errors import ReleaseBlocked
from annotate.versions.naming import version_title
from storage.records import Version


def failed_checks(summary: RunResult) -> list[str]:
    """Return why a version is held back, a sentence per failed check; empty if it is not.

    `summary` is the result of the run that made the version.
    """
    if not summary.get("held_back"):
        return []
    return [check["sentence"] for check in summary.get("checks", []) if not check["passed"]]


def require_passed_checks(version: Version) -> None:
    """Raise ReleaseBlocked for a version that failed its checks, until somebody uses it anyway."""
    reasons = failed_checks(version.summary)
    if reasons and not version.active:
        raise ReleaseBlocked(
            f"{version_title(version)} is held back: {' '.join(reasons)} Compare it by eye first. "
            "Once it is used anyway, it can be tested blind."
        )
