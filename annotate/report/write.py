"""Writer of a report's files, each complete or not at all."""

import os
from pathlib import Path

from annotate.errors import BrokenEvaluation
from annotate.report.evaluation import read_evaluation
from annotate.report.html import html_report
from annotate.report.markdown import markdown_report

PAGE = "report.html"
MARKDOWN = "report.md"


def write_report(folder: Path, out: Path) -> list[Path]:
    """Write report.html and report.md of an evaluation; return their paths.

    Raises BrokenEvaluation.
    """
    evaluation = read_evaluation(folder)
    texts = {PAGE: html_report(evaluation), MARKDOWN: markdown_report(evaluation, out)}

    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            # Written beside its target and then moved, so that a full disk leaves no half report.
            scratch = out / f".{name}.tmp"
            try:
                scratch.write_text(text, encoding="utf-8")
                os.replace(scratch, out / name)
            finally:
                scratch.unlink(missing_ok=True)
    except OSError as error:
        raise BrokenEvaluation(
            f"The report could not be written to {out}: {error.strerror or error}. Free some space "
            "or name another folder with --out."
        ) from None
    return [out / name for name in texts]
