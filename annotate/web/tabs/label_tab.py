"""The Label tab: the stage, and a question about the model where its files do not answer it."""

import gradio as gr

from annotate.service.studio import Studio
from annotate.web.stage import build_stage
from annotate.web.tabs.own_votes_section import vote_gallery
from annotate.web.tabs.readings_section import ReadingsSection
from annotate.web.tabs.train.change_section import ChangeSection
from annotate.web.tabs.train.run_notice import build_run_notice


class LabelTab:
    """The stage, below what the newest run changed.

    `readings` is the card of a model whose files do not tell what it predicts.
    """

    def __init__(self, studio: Studio) -> None:
        # Rendered even while another tab is shown, so that unsent votes are still sent.
        with gr.Tab("Label", id="label", elem_id="label-tab", render_children=True) as self.tab:
            self.change = ChangeSection(studio, "label")
            build_run_notice(studio, "label")
            build_stage(studio)
            self.readings = ReadingsSection(studio)
            vote_gallery(studio)
