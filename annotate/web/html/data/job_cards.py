"""The HTML of a long job on data: its progress, and how it ended."""

from html import escape
from typing import cast

from annotate.charts.bar_charts import progress_bar
from annotate.views.data import DataJobView, ExportResult
from annotate.web.html.data.export_cards import export_result
from annotate.web.html.data.words import button
from annotate.web.html.run_cards import time_left

UNDER_WAY = ("running", "stopping")
STOPPED = {"stopped": "Stopped", "failed": "That did not work"}


def job_card(job: DataJobView) -> str:
    """Return how far a job is, or why it came to no end."""
    if job["state"] in UNDER_WAY:
        return _progress(job)
    if job["state"] in STOPPED:
        return (
            f'<div class="card notice" role="alert"><b>{STOPPED[job["state"]]}</b>'
            f"<p>{escape(job['message'])}</p></div>"
        )
    return ""


def result_card(job: DataJobView) -> str:
    """Return what a job that is done came to; nothing for a preview, which is shown itself."""
    result = job["result"]
    if result is None:
        return ""
    if job["kind"] == "export":
        return export_result(cast(ExportResult, result))
    told = result.get("message", "")
    return f'<div class="card notice"><b>Done</b><p>{escape(told)}</p></div>' if told else ""


def _progress(job: DataJobView) -> str:
    """Return the progress of a job with its time left and a stop."""
    done, of, left = job["done"], job["of"], job["seconds_left"]
    # Without a total there is nothing to measure a share by, but that it goes on can be seen.
    told = f"{done:,} of {of:,}" if of else (f"{done:,} so far" if done else "Looking")
    waits = f" · {time_left(left)}" if left is not None else ""
    share = min(100, 100 * done // of) if of else 0
    stop = "" if job["state"] == "stopping" else button("stop", "Stop", job["title"])
    state = "Stopping" if job["state"] == "stopping" else told + waits
    return (
        f'<div class="card run"><div class="data-head"><b>{escape(job["title"])}</b>{stop}</div>'
        f"{progress_bar(share, 'running', job['title'])}"
        f'<p class="soft">{state}. You can label meanwhile.</p></div>'
    )
