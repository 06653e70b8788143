"""Which is an image? The card of a model whose file does not tell what it predicts."""

from collections.abc import Iterator, Sequence
from typing import Any

import gradio as gr

from align.contracts.errors import PalateError
from annotate.auth.identity import name_of
from annotate.background import BackgroundJob
from annotate.service.studio import Studio
from annotate.views.readings import ReadingsView
from annotate.web.errors_to_ui import PRIVATE, errors_as_gr_error
from annotate.web.html.reading_cards import reading_cards
from annotate.web.html.run_cards import notice_card
from annotate.web.static_files import start_script
from annotate.web.tabs.layout import inform

DEFAULT_ACTOR = "me"
PROMPT, SEED = "a photo of a red apple on a wooden table", 1
RENDERING = "One image of each reading, which takes as long as so many images of a pair."
Shown = list[Any]


class ReadingsSection:
    """The card, shown while something about the open model is not known."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        unknown = bool(studio.readings.view()["readings"])
        with gr.Accordion(
            "Which is an image?", open=True, visible=unknown, elem_id="readings"
        ) as self._section:
            self._cards = gr.HTML(
                reading_cards(studio.readings.view()),
                elem_id="reading-cards",
                js_on_load=start_script("models.js"),
                apply_default_css=False,
            )
            with gr.Row():
                self._prompt = gr.Textbox(PROMPT, label="Prompt", elem_id="reading-prompt")
                self._render = gr.Button("Render one of each", variant="primary", size="sm")
            self._result = gr.HTML(elem_id="reading-result", apply_default_css=False)
        self._shown = [self._section, self._cards, self._result]
        self._render.click(errors_as_gr_error(self._rendered), self._prompt, self._shown, **PRIVATE)
        self._cards.select(errors_as_gr_error(self._chosen), None, self._shown, **PRIVATE)

    def follow(self, openings: Sequence[Any]) -> None:
        """Show or hide the card for the model that is open, when the page loads and after events.

        The page is built once, and somebody may have opened another model since.
        """
        shown = [self._section, self._cards]
        gr.on(None, errors_as_gr_error(self._refreshed), None, shown, **PRIVATE)
        for opening in openings:
            opening.then(errors_as_gr_error(self._refreshed), None, shown, **PRIVATE)

    def _refreshed(self) -> Shown:
        view = self._studio.readings.view()
        return [gr.Accordion(visible=bool(view["readings"])), reading_cards(view)]

    def _rendered(self, prompt: str) -> Iterator[Shown]:
        job = BackgroundJob(lambda: self._studio.readings.render(prompt or PROMPT, SEED))
        for _ in job.seconds():
            yield [gr.skip(), gr.skip(), notice_card("Rendering", RENDERING)]
        yield self._answer(job.result)

    def _chosen(self, request: gr.Request, event: gr.EventData) -> Shown:
        reading, who = str(event._data["model"]), name_of(request, DEFAULT_ACTOR)
        return self._answer(lambda: self._studio.readings.choose(reading, who))

    def _answer(self, work: Any) -> Shown:
        """Return the section after a click, or with why nothing came of it."""
        try:
            view: ReadingsView = work()
        except PalateError as error:
            return [gr.skip(), gr.skip(), notice_card("Not done", str(error))]
        unknown = bool(view["readings"])
        if not unknown:
            inform(f"{view['model']} is opened anew, as you chose.")
        return [gr.Accordion(visible=unknown), reading_cards(view), ""]
