"""The HTML of backups of the whole studio, and of a merge with another one."""

from collections.abc import Sequence
from html import escape

from annotate.views.data import BackupView, MergePreview
from annotate.web.html.data.words import button
from annotate.web.html.run_cards import facts_row, when
from annotate.wording import in_bytes, pluralize, quantity

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
    """Return the backups, newest first."""
    rows = "".join(
        f"<li><span>{when(each['created'])}</span>"
        f"<span>{quantity(each['votes'], 'vote')}, {in_bytes(each['bytes'])}</span>"
        f'<code class="soft" title="{escape(each["path"], quote=True)}">'
        f"{escape(each['name'])}</code></li>"
        for each in backups
    )
    return f'<ul class="data-list data-backups">{rows}</ul>' if rows else NO_BACKUP


def merge_preview(preview: MergePreview) -> str:
    """Return what a merge would add, and the button that merges."""
    new = preview["new"]
    facts = [(f"{count:,}", pluralize(count, name)) for name, count in new.items()]
    notes = "".join(f"<li>{escape(note)}</li>" for note in preview["notes"])
    listed = f'<ul class="soft counts">{notes}</ul>' if notes else ""
    told = "" if any(new.values()) else "<p>Everything that is in it is here already.</p>"
    merge = button("merge", "Merge", main=True, path=preview["path"]) if any(new.values()) else ""
    return (
        f'<div class="card plan"><b>New in {escape(preview["path"])}</b>{facts_row(facts)}{told}'
        f'{listed}<div class="data-acts">{merge}{button("forget", "Cancel")}</div></div>'
    )
