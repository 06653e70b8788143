"""The HTML of backups of the whole studio, and of a merge with another one."""

from collections.abc import Sequence
from html import escape
from pathlib import PurePath

from annotate.views.data import BackupView, MergePreview
from annotate.web.html.data.words import button
from annotate.web.html.run_cards import when
from annotate.wording import in_bytes, quantity

NO_BACKUP = (
    '<p class="soft">There is no backup yet. Beside them, Palate keeps copies of the database '
    "alone by itself; a backup has the images and versions too.</p>"
)


def backup_form(target: str) -> str:
    """Return the button that backs up, and where to."""
    return (
        '<form class="data-row" data-form="backup"><label>Folder for backups '
        f'<input name="target" spellcheck="false" value="{escape(target, quote=True)}">'
        '</label><button type="submit" class="main">Back up now</button></form>'
    )


def backup_list(backups: Sequence[BackupView]) -> str:
    """Return the backups, newest first, and how to put one back."""
    if not backups:
        return NO_BACKUP
    folder = escape(str(PurePath(backups[0]["path"]).parent.parent))
    rows = "".join(
        f"<li><span>{when(each['created'])}</span>"
        f"<span>{quantity(each['votes'], 'vote')}, {in_bytes(each['bytes'])}</span>"
        f'<code class="soft" title="{escape(each["path"], quote=True)}">'
        f"{escape(each['name'])}</code></li>"
        for each in backups
    )
    return (
        f'<ul class="data-list data-backups">{rows}</ul><p class="soft">Put the newest back into '
        f"an empty folder: <code>palate data restore {folder} NEW_FOLDER</code></p>"
    )


def merge_preview(preview: MergePreview) -> str:
    """Return what a merge would add, and the button that merges."""
    notes = "".join(f"<p>{escape(note)}</p>" for note in preview["notes"])
    path = preview["path"]
    merge = "" if preview["is_nothing"] else button("merge", "Merge", path, main=True, path=path)
    return (
        f'<div class="card notice"><b>{escape(path)}</b>{notes}'
        f'<div class="data-acts">{merge}{button("forget", "Cancel", path)}</div></div>'
    )
