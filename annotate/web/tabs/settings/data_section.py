"""The data section: votes that come in from files, go out, and are backed up and merged."""

from pathlib import Path

import gradio as gr
from gradio.utils import get_upload_folder

from annotate.service.studio import Studio
from annotate.web.data_actions import project_data_function
from annotate.web.errors_to_ui import errors_as_reply
from annotate.web.permissions import authorized_function
from annotate.web.static_files import read_static, start_script
from annotate.web.tabs.layout import setting


def data_section(studio: Studio) -> gr.HTML:
    """Build the accordion; a script does what is pressed in it, past Gradio's queue."""
    project_data = project_data_function(studio, Path(get_upload_folder()))
    with setting("Data", "Bring votes in, take them out, back up and merge.", "data"):
        return gr.HTML(
            html_template=read_static("data/data.html"),
            js_on_load=start_script("data/data_section.js"),
            apply_default_css=False,
            elem_id="data-section",
            server_functions=[authorized_function(errors_as_reply(project_data))],
        )
