"""The disk section: usage by kind of file, and clean-ups with a preview."""

from html import escape
from typing import Any

import gradio as gr

from annotate.service.studio import Studio
from annotate.web.disk_wording import FILE_KINDS, promise
from annotate.web.errors_to_ui import PRIVATE, errors_as_gr_error
from annotate.web.static_files import start_script
from annotate.web.tabs.layout import setting
from annotate.wording import in_bytes
from storage.records import DiskUsage


def disk_section(studio: Studio) -> gr.Accordion:
    """Build the accordion. Usage is measured when it opens, since that may take a moment."""
    section: gr.Accordion
    with setting("Disk", "What takes space, and what may go.", "disk") as section:
        usage = gr.HTML(
            elem_id="usage", js_on_load=start_script("disk.js"), apply_default_css=False
        )
        preview = gr.HTML(elem_id="clean-up-preview", apply_default_css=False)
        with gr.Row():
            remove = gr.Button("Remove", variant="stop", visible=False, elem_id="clean-up")
            keep = gr.Button("Keep it all", visible=False)
        kind = gr.State("")

    outputs = [kind, preview, remove, keep]
    closed: list[Any] = ["", "", gr.Button(visible=False), gr.Button(visible=False)]

    @errors_as_gr_error
    def show_preview(event: gr.EventData) -> list[Any]:
        chosen = str(event._data["kind"])
        found = studio.disk.removable(chosen)
        some = bool(found.files)
        return [chosen, preview_card(found), gr.Button(visible=some), gr.Button(visible=some)]

    @errors_as_gr_error
    def clean(chosen: str) -> list[Any]:
        freed = studio.disk.remove(chosen)
        gr.Info(f"{freed.files:,} files are gone and {in_bytes(freed.bytes)} free.")
        return [usage_table(studio.disk.usage()), *closed]

    def measure() -> list[Any]:
        return [usage_table(studio.disk.usage()), *closed]

    usage.select(show_preview, None, outputs, **PRIVATE)
    remove.click(clean, kind, [usage, *outputs], **PRIVATE)
    keep.click(lambda: closed, None, outputs, **PRIVATE)
    section.expand(errors_as_gr_error(measure), None, [usage, *outputs], **PRIVATE)
    return section


def usage_table(usage: list[DiskUsage]) -> str:
    """Return a table of usage by kind, with advice and a button where a clean-up is possible."""
    rows = "".join(_row(taken) for taken in usage)
    whole = sum(taken.bytes for taken in usage)
    return (
        '<div class="card table"><table class="usage"><thead><tr><th>Kind</th><th>Size</th>'
        f"<th>Advice</th><td></td></tr></thead><tbody>{rows}</tbody><tfoot><tr><td>Total</td>"
        f"<td>{in_bytes(whole)}</td><td></td><td></td></tr></tfoot></table></div>"
    )


def preview_card(taken: DiskUsage) -> str:
    """Return a card that lists what a clean-up would remove."""
    names = "\n".join(escape(name) for name in taken.names)
    more = taken.files - len(taken.names)
    rest = f"\nand {more:,} more" if more > 0 else ""
    listed = f'<pre class="names" tabindex="0">{names}{rest}</pre>' if names else ""
    return f'<div class="card notice" role="status"><b>{promise(taken)}</b>{listed}</div>'


def _row(taken: DiskUsage) -> str:
    kind = FILE_KINDS[taken.kind]
    button = (
        f'<button type="button" data-kind="{kind.clean}">Clean up</button>' if kind.clean else ""
    )
    return (
        f"<tr><td><b>{kind.title}</b></td><td>{in_bytes(taken.bytes)}</td>"
        f'<td class="soft">{kind.advice}</td><td>{button}</td></tr>'
    )
