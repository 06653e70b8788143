"""Actions of the section Data in Settings, and what the page shows after each."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from annotate.data_jobs.jobs import DataJobs
from annotate.errors import InvalidRequest
from annotate.service.data_control import DataControl
from annotate.service.studio import Studio
from annotate.validation import as_text
from annotate.views.data import DataHtml
from annotate.web.html.data.backup_cards import backup_form, backup_list, merge_preview
from annotate.web.html.data.export_cards import export_form
from annotate.web.html.data.job_cards import job_card, result_card
from annotate.web.html.data.preview_cards import source_preview
from annotate.web.html.data.source_cards import source_list
from annotate.web.payloads import DataRequest, read

JOB_REGIONS = {
    "preview": "job-in",
    "import": "job-in",
    "remove": "job-in",
    "export": "job-out",
    "backup": "job-backup",
    "merge_preview": "job-merge",
    "merge": "job-merge",
    "restore_votes": "job-restore",
}
"""Where the progress of each kind of job stands: beside what began it."""
KEPT = ("export", "backup")
"""Jobs whose results are looked for later."""
EXPORT_FIELDS = ("form", "whose", "target")
Value = Mapping[str, Any]
Action = Callable[[DataControl, Value, str], str]


def project_data_function(studio: Studio, uploads: Path) -> Callable[[Any], DataHtml]:
    """Return the function behind the section; `uploads` is where the server puts sent files."""

    def project_data(sent: Any) -> DataHtml:
        request = read(DataRequest, sent)
        data, who = studio.data, request.annotator or "me"
        if request.action == "uploaded":
            data.begin(data.incoming.previewing_upload(sent_files(request.value), uploads))
            message = ""
        elif request.action in ACTIONS:
            message = ACTIONS[request.action](data, request.value, who)
        else:
            raise InvalidRequest(
                f"{request.action!r} is nothing that is done here. Reload the page."
            )
        job = data.jobs.view()
        shown = {} if request.action == "job" else regions(data)
        return {"regions": shown | job_regions(data.jobs), "job": job, "message": message}

    return project_data


def regions(data: DataControl) -> dict[str, str]:
    """Return all of the section but the progress of a job."""
    previewed, merging = data.incoming.previewed, data.merges.previewed
    sources = data.incoming.sources()
    return {
        "preview": source_preview(*previewed) if previewed else "",
        "sources": source_list(sources),
        "export": export_form(
            data.outgoing.forms(),
            data.outgoing.people(),
            bool(sources),
            data.outgoing.usual_place,
        ),
        "backup": backup_form(data.backups.usual_target()),
        "backups": backup_list(data.backups.all()),
        "merge": merge_preview(merging) if merging else "",
    }


def job_regions(jobs: DataJobs) -> dict[str, str]:
    """Return the progress or the end of the newest job in its place.

    Where an export or a backup lies is still told once other jobs followed; else other places are
    empty.
    """
    shown = dict.fromkeys(JOB_REGIONS.values(), "")
    shown |= {JOB_REGIONS[kind]: result_card(done) for kind in KEPT if (done := jobs.done(kind))}
    if job := jobs.view():
        shown[JOB_REGIONS[job["kind"]]] = job_card(job) or result_card(job)
    return shown


def look(data: DataControl, value: Value, who: str) -> str:
    """Do nothing: the answer shows how everything is."""
    return ""


def preview(data: DataControl, value: Value, who: str) -> str:
    """Look at what is in a file or a folder."""
    data.begin(data.incoming.previewing(path_of(value), layout_of(value), mapping_of(value)))
    return ""


def bring_in(data: DataControl, value: Value, who: str) -> str:
    """Bring in what was previewed."""
    name = as_text(value.get("name"), "The name")
    given = (path_of(value), name, layout_of(value), mapping_of(value))
    data.begin(data.incoming.importing(*given, value.get("copy") is True, who))
    return ""


def change(data: DataControl, value: Value, who: str) -> str:
    """Weigh a source, let runs take it or leave it out, or give it another name."""
    changes = (value.get("name"), value.get("weight"), value.get("used"))
    data.incoming.change(source_of(value), who, *changes)
    return "Saved."


def remove(data: DataControl, value: Value, who: str) -> str:
    """Remove a source."""
    data.begin(data.incoming.removing(source_of(value), who))
    return ""


def export(data: DataControl, value: Value, who: str) -> str:
    """Write votes in one of the forms."""
    form, whose, target = (as_text(value.get(name, ""), name) for name in EXPORT_FIELDS)
    data.begin(data.outgoing.exporting(form, whose, target, value.get("names") is True))
    return ""


def back_up(data: DataControl, value: Value, who: str) -> str:
    """Back up the whole studio."""
    data.begin(data.backups.backing_up(as_text(value.get("target", ""), "The folder"), who))
    return ""


def look_at_merge(data: DataControl, value: Value, who: str) -> str:
    """Look at what another studio would add."""
    data.begin(data.merges.previewing(path_of(value)))
    return ""


def merge(data: DataControl, value: Value, who: str) -> str:
    """Take what another studio has."""
    data.begin(data.merges.merging(path_of(value)))
    return ""


def restore_votes(data: DataControl, value: Value, who: str) -> str:
    """Restore the votes of an export."""
    data.begin(data.restores.restoring(path_of(value)))
    return ""


def stop(data: DataControl, value: Value, who: str) -> str:
    """Stop the job under way."""
    data.jobs.stop()
    return ""


def forget(data: DataControl, value: Value, who: str) -> str:
    """Forget previews, and what was sent for them."""
    data.forget()
    return ""


ACTIONS: dict[str, Action] = {
    "look": look,
    "job": look,
    "preview": preview,
    "import": bring_in,
    "change": change,
    "rename": change,
    "remove": remove,
    "export": export,
    "backup": back_up,
    "merge_preview": look_at_merge,
    "merge": merge,
    "restore_votes": restore_votes,
    "stop": stop,
    "forget": forget,
}


def source_of(value: Value) -> str:
    """Return the name of the source that something is done with."""
    return as_text(value.get("source"), "The source")


def path_of(value: Value) -> str:
    """Return the path that somebody named."""
    return as_text(value.get("path", ""), "The path")


def layout_of(value: Value) -> str:
    """Return the layout that was recognised before; empty where none was yet."""
    return as_text(value.get("layout", ""), "The layout")


def mapping_of(value: Value) -> dict[str, str] | None:
    """Return the columns that somebody chose for the fields; None where nobody did."""
    mapping = value.get("mapping")
    if not mapping:
        return None
    if not isinstance(mapping, dict):
        raise InvalidRequest("The mapping must be an object of columns by field. Reload the page.")
    return {str(field): as_text(column, "A column") for field, column in mapping.items()}


def sent_files(value: Value) -> list[tuple[str, str]]:
    """Return the paths of files that a browser sent, each with the name that it had there."""
    files = value.get("files")
    if not isinstance(files, list) or not all(isinstance(each, dict) for each in files):
        raise InvalidRequest("The request lacks its files. Choose them again.")
    return [
        (as_text(each.get("path"), "A path"), as_text(each.get("name"), "A name")) for each in files
    ]
