"""The import section: preview a folder of images, then import it."""

from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from annotate.background import BackgroundJob
from annotate.image_import.importer import ImageImporter
from annotate.service.studio import Studio
from annotate.web.errors_to_ui import PRIVATE, errors_as_gr_error
from annotate.web.html.image_import_cards import (
    import_progress_card,
    import_result_card,
    preview_card,
)
from annotate.web.static_files import event_script
from annotate.wording import quantity

IMPORT_HELP = (
    '<p class="soft">A folder on the machine that Palate runs on, with all folders inside. '
    "Prompts come from the files (AUTOMATIC1111, Forge, ComfyUI, InvokeAI and others), from a text "
    "file or JSON beside each image, a table such as captions.csv or metadata.jsonl, or the "
    "names of subfolders. Images can also be dropped anywhere on the page. Preview shows what an "
    "import would add; nothing is imported before that. Images of one prompt make pairs, and these "
    "come first. Your files stay as they are.</p>"
)
Shown = list[Any]


def image_import_section(studio: Studio) -> None:
    """Build the content of the accordion."""
    gr.HTML(IMPORT_HELP, apply_default_css=False)
    previewed = gr.State("")
    with gr.Row(elem_id="import-row"):
        folder = gr.Textbox(
            label="Folder of images", placeholder="~/images", scale=4, elem_id="import-folder"
        )
        preview_button = gr.Button(
            "Preview", variant="primary", scale=0, min_width=130, elem_id="preview-import"
        )
        stop = gr.Button("Stop", visible=False, scale=0, min_width=90, elem_id="stop-import")
    upload = upload_button()
    result = gr.HTML(elem_id="import-result", apply_default_css=False)
    with gr.Row(visible=False, elem_id="import-choice") as choice:
        start = gr.Button("Import", variant="primary", elem_id="import-images", scale=0)
        cancel = gr.Button("Cancel", elem_id="cancel-import", scale=0)
    shown = [result, preview_button, stop, choice, start, previewed]

    @errors_as_gr_error
    def preview_folder(named: str) -> Iterator[Shown]:
        importer = studio.importer
        job = BackgroundJob(lambda: (preview := importer.preview(named), preview_card(preview)))
        yield from _watched(job, importer)

        preview, card = job.result()
        import_button = gr.Button(f"Import {quantity(preview.images, 'image')}")
        offered = gr.Row(visible=bool(preview.images))
        yield [
            card,
            gr.Button(interactive=True),
            gr.Button(visible=False),
            offered,
            import_button,
            named,
        ]

    @errors_as_gr_error
    def preview_files(files: list[str]) -> Iterator[Shown]:
        yield from preview_folder(studio.importer.uploads.collect(files))

    @errors_as_gr_error
    def import_folder(named: str) -> Iterator[Shown]:
        importer = studio.importer
        job = BackgroundJob(lambda: importer.import_folder(named))
        yield from _watched(job, importer)
        yield _idle(import_result_card(job.result()))
        importer.uploads.discard()

    def forget() -> Shown:
        studio.importer.forget()
        return _idle("")

    _on(preview_button.click, preview_folder, folder, shown)
    _on(folder.submit, preview_folder, folder, shown)
    _on(upload.upload, preview_files, upload, shown)
    imported = _on(start.click, import_folder, previewed, shown)
    imported.success(None, None, None, js=event_script("drops.js", "announceImport"))
    cancel.click(forget, None, shown, **PRIVATE)
    stop.click(lambda: studio.importer.stop(), None, None, **PRIVATE)


def upload_button() -> gr.UploadButton:
    """Build the button for images on the person's own machine; a drop on the page uses it too."""
    return gr.UploadButton(
        "Choose images, or drop them on the page",
        file_count="multiple",
        size="sm",
        elem_id="import-upload",
    )


def _on(event: Any, handler: Callable[[Any], Iterator[Shown]], given: Any, shown: Shown) -> Any:
    done = event(handler, given, shown, **PRIVATE)
    # After an error the buttons would otherwise stay disabled.
    done.failure(lambda: _idle(""), None, shown, **PRIVATE)
    return done


def _watched(job: BackgroundJob, importer: ImageImporter) -> Iterator[Shown]:
    """Yield the progress of a job until it ends."""
    for _ in job.seconds():
        progress = importer.progress
        card = import_progress_card(progress.as_dict()) if progress is not None else gr.skip()
        busy = gr.Button(interactive=False)
        yield [card, busy, gr.Button(visible=True), gr.Row(visible=False), gr.skip(), gr.skip()]


def _idle(card: str) -> Shown:
    return [
        card,
        gr.Button(interactive=True),
        gr.Button(visible=False),
        gr.Row(visible=False),
        gr.skip(),
        "",
    ]
