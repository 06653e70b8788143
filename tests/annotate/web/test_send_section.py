"""The folder that versions are sent to, as the page shows it."""

from pathlib import Path

import gradio as gr
from places import Place

from annotate.web.tabs.train.send_section import SendSection


def test_what_is_typed_stays_while_no_folder_is_set(place: Place, tmp_path: Path) -> None:
    with gr.Blocks():
        section = SendSection(place.studio)
    assert section.stored_folder("") == gr.skip()
    assert section.stored_folder(str(tmp_path)) == gr.skip()

    stored = place.studio.sender.set_folder(str(tmp_path), "ada")["folder"]
    assert section.stored_folder("") == stored
    assert section.stored_folder(str(stored)) == gr.skip()
