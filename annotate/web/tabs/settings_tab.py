"""The Settings tab: the model and its look, prompts, images, labeling, people and the disk."""

import gradio as gr

from annotate.auth.identity import Authenticator
from annotate.service.studio import Studio
from annotate.web.tabs.image_import_section import image_import_section
from annotate.web.tabs.layout import heading, setting
from annotate.web.tabs.prompts_section import prompts_section
from annotate.web.tabs.settings.data_section import data_section
from annotate.web.tabs.settings.disk_section import disk_section
from annotate.web.tabs.settings.flags_section import FlagsSection
from annotate.web.tabs.settings.look_section import LookSection
from annotate.web.tabs.settings.model_section import ModelSection
from annotate.web.tabs.settings.people_section import PeopleSection
from annotate.web.tabs.settings.prepare_section import PrepareSection
from annotate.web.tabs.settings.project_settings_section import ProjectSection


class SettingsTab:
    """The sections of the tab, folded; `openings` are the events that open another model."""

    def __init__(self, studio: Studio, sign_in: Authenticator | None) -> None:
        with gr.Tab("Settings", id="settings", elem_id="settings-tab") as self.tab:
            heading("Images")
            self.openings = ModelSection(studio).openings
            LookSection(studio).follow(self.openings)
            prompts_section(studio)
            with setting("Import images", "Label images that you have already.", "import-section"):
                image_import_section(studio)
            PrepareSection(studio)

            heading("Labeling")
            ProjectSection(studio)
            FlagsSection(studio)
            if sign_in is not None:
                PeopleSection(sign_in)

            heading("Studio")
            data_section(studio)
            disk_section(studio)
