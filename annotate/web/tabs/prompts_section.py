"""The prompts section: prompts of one's own, typed or from a file, and the list of all."""

from pathlib import Path

import gradio as gr

from align.contracts.prompt_marks import has_weights
from annotate.rendering.prompts.prompt_sources import read_prompt_file
from annotate.rendering.prompts.prompt_variations import has_variations
from annotate.service.studio import Studio
from annotate.web.errors_to_ui import PRIVATE, errors_as_gr_error, errors_as_reply
from annotate.web.permissions import authorized_function
from annotate.web.stage_prompts import project_prompts_function
from annotate.web.static_files import event_script, read_static, start_script
from annotate.web.tabs.layout import inform, setting
from annotate.wording import quantity


def prompts_section(studio: Studio) -> None:
    """Build the accordion."""
    with setting("Prompts", "What images are rendered of.", "prompts"):
        _build(studio)
        prompt_list(studio)


def prompt_list(studio: Studio) -> gr.HTML:
    """Build the list of prompts, which a script loads past Gradio's queue."""
    return gr.HTML(
        html_template=read_static("prompts.html"),
        js_on_load=start_script("prompts.js"),
        apply_default_css=False,
        elem_id="prompt-list",
        server_functions=[authorized_function(errors_as_reply(project_prompts_function(studio)))],
    )


def dropped_files(studio: Studio | None = None) -> gr.HTML:
    """Build what takes files that are dropped on the page; without a studio it takes none."""
    functions = [] if studio is None else [project_prompts_function(studio)]
    return gr.HTML(
        html_template=read_static("drops.html"),
        js_on_load=start_script("drops.js"),
        apply_default_css=False,
        elem_id="drops",
        server_functions=[authorized_function(errors_as_reply(each)) for each in functions],
    )


def _build(studio: Studio) -> None:
    text = gr.Textbox(
        label="Prompts, one per line",
        info="`(word:1.3)` and `[word]` weigh words, `BREAK` begins a chunk, `{red|blue}` and "
        "`__file__` vary a prompt. Long prompts are read whole.",
        placeholder="a fox wearing a scarf\na slice of pizza on a blue background",
        lines=4,
        max_lines=12,
    )
    with gr.Row():
        upload = gr.UploadButton("Open a text file", file_types=[".txt"], size="sm")
        add = gr.Button("Add", variant="primary", size="sm")

    @errors_as_gr_error
    def add_lines(prompts: str) -> str:
        counts = studio.add_prompts(prompts)
        known = "" if counts["added"] else " They were all here already."
        inform(f"{counts['added']} added, {counts['total']} in all.{known}{marks_note(prompts)}")
        return ""

    upload.upload(errors_as_gr_error(_read_prompts), upload, text, **PRIVATE)
    added = add.click(add_lines, text, text, **PRIVATE)
    added.success(None, None, None, js=event_script("prompts.js", "announce"))


def marks_note(prompts: str) -> str:
    """Say that weights are applied, where some prompts have any."""
    weighted = sum(map(has_weights, prompts.splitlines()))
    varied = sum(map(has_variations, prompts.splitlines()))
    notes = [
        f" Weights are applied in {quantity(weighted, 'prompt')}." if weighted else "",
        f" {quantity(varied, 'prompt')} will vary." if varied else "",
    ]
    return "".join(notes)


def _read_prompts(path: str) -> str:
    return "\n".join(read_prompt_file(Path(path)))
