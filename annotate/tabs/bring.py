"""A place to bring pictures that are there already, and to see what became of them."""

from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

import gradio as gr

from annotate.handlers import PRIVATE, Errors, refusals
from annotate.jobs import Job
from annotate.studio import Studio
from annotate.tabs.cards import time_left


def bring_section(studio: Studio, expected: Errors) -> None:
    """Build the accordion's content."""
    refuse, material = refusals(expected), studio.material
    gr.HTML(
        '<p class="soft">A folder on the machine that Palate runs on, with all folders inside. '
        "Prompts come from the files (AUTOMATIC1111, Forge, ComfyUI, InvokeAI), from a text file "
        "beside each picture, captions.csv or metadata.jsonl, or the names of subfolders. "
        "Pictures of one prompt make pairs, and these come first. Your files stay as they are.</p>",
        apply_default_css=False,
    )
    with gr.Row(elem_id="bring-row"):
        folder = gr.Textbox(
            label="Folder of pictures", placeholder="~/pictures", scale=4, elem_id="bring-folder"
        )
        start = gr.Button(
            "Bring in", variant="primary", scale=0, min_width=130, elem_id="bring-images"
        )
        stop = gr.Button("Stop", visible=False, scale=0, min_width=90, elem_id="stop-bringing")
    told = gr.HTML(elem_id="brought", apply_default_css=False)

    @refuse
    def bring(named: str) -> Iterator[list[Any]]:
        job = Job(lambda: material.bring(named))
        for _ in job.seconds():
            progress = material.progress
            if progress is not None:
                card = bringing_card(progress.told())
                yield [card, gr.Button(interactive=False), gr.Button(visible=True)]
        yield [brought_card(job.result()), gr.Button(interactive=True), gr.Button(visible=False)]

    shown = [told, start, stop]
    gr.on([start.click, folder.submit], bring, folder, shown, **PRIVATE).failure(
        lambda: ["", gr.Button(interactive=True), gr.Button(visible=False)], None, shown, **PRIVATE
    )
    stop.click(material.stop, None, None, **PRIVATE)


def bringing_card(progress: dict[str, Any]) -> str:
    """Return how far an import is."""
    done, of = progress["done"], progress["of"]
    percent = round(100 * done / of) if of else 0
    left = f" · {time_left(progress['left_s'])}" if progress["left_s"] is not None else ""
    return (
        f'<div class="card run" role="status"><b>{escape(progress["phase"])}</b>'
        f'<div class="track running" role="progressbar" aria-valuemin="0" aria-valuemax="100" '
        f'aria-valuenow="{percent}" aria-label="Progress of bringing in">'
        f'<div class="fill" style="width:{percent}%"></div></div>'
        f'<p class="soft">{done:,} of {of:,} pictures{left}. You can label meanwhile.</p></div>'
    )


def brought_card(brought: dict[str, Any]) -> str:
    """Return what became of every picture."""
    names = brought["skipped_names"]
    lines = "".join(
        f"<li>{count:,} skipped: {escape(reason)} ({escape(first_of(names[reason], count))})</li>"
        for reason, count in brought["skipped"].items()
    )
    listed = f'<ul class="soft counts">{lines}</ul>' if lines else ""
    title = "Ready to label" if brought["pairs"] else "Nothing new to label"
    return (
        f'<div class="card notice" role="status"><b>{title}</b>'
        f"<p>{escape(brought['summary'])}</p>{listed}</div>"
    )


def first_of(names: Sequence[str], count: int) -> str:
    """Return the first names of so many."""
    return ", ".join([*names, *["..."] * (count > len(names))])
