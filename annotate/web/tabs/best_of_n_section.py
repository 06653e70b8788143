"""Best of n on the Compare tab: choosing among many images, beside what tuning gives."""

import json
import time
from collections.abc import Iterator
from typing import Any

import gradio as gr

from annotate.comparison.best_of_n import FEWEST, MOST, VOTES
from annotate.comparison.mixes import BASE
from annotate.errors import InvalidRequest
from annotate.service.studio import Studio
from annotate.validation import MOST_COMPARISONS
from annotate.web.errors_to_ui import PRIVATE, Errors, errors_as_gr_error
from annotate.web.tabs.compare_board import CompareBoard, read_prompts, read_seeds

DEFAULT_CANDIDATES = 16
SHOWN, MOST_SHOWN = 3, 8
BEST_OF_N_HELP = (
    "Is tuning worth more than drawing many and keeping the best? For each prompt this draws many "
    "images with one version, and shows some at random, those that a judge ranks highest, and "
    "what tuning made of the same seeds. A version as the judge prefers what tuning made likelier; "
    "the votes prefer what the images chosen so far have more of."
)


class BestOfNSection:
    """The form and what it does; the board, the prompts and the seeds are the tab's."""

    def __init__(self, studio: Studio, expected: Errors) -> None:
        self._studio = studio
        self._expected = expected
        with gr.Accordion("Best of n", open=False, elem_id="best-of"):
            gr.Markdown(BEST_OF_N_HELP, elem_classes="soft")
            with gr.Row():
                self._drawn_by = gr.Dropdown([BASE], label="Drawn by", min_width=100)
                self._judge = gr.Dropdown([VOTES], label="Judge", min_width=100)
            with gr.Row(elem_classes="ends"):
                self._among = gr.Slider(FEWEST, MOST, DEFAULT_CANDIDATES, step=1, label="Images")
                self._shown = gr.Slider(1, MOST_SHOWN, SHOWN, step=1, label="Shown")
                self._start = gr.Button("Choose", min_width=90, elem_id="start-best-of-n")
        self.versions = [self._drawn_by, self._judge]

    def listen(
        self, prompts: gr.Textbox, seeds: gr.Textbox, board: gr.HTML, buttons: list[Any]
    ) -> Any:
        """Wire the form, and return the event that a stop cancels."""
        form = [prompts, seeds, self._drawn_by, self._judge, self._among, self._shown]
        self._start.click(None, None, buttons, js=turn_buttons(busy=True))
        drawn = self._start.click(
            errors_as_gr_error(self._expected)(self.choose), form, board, **PRIVATE
        )
        turn_back(drawn, buttons)
        return drawn

    def choose(
        self, prompts: str, seeds: str, drawn_by: str, judge: str | None, among: int, shown: int
    ) -> Iterator[dict[str, Any]]:
        """Return the board as images are drawn and judged, prompt by prompt."""
        texts, first = read_prompts(prompts), read_seeds(seeds)[0]
        if len(texts) * among > MOST_COMPARISONS:
            raise InvalidRequest(
                f"{len(texts):,} prompts with {among} images each are {len(texts) * among:,}; "
                f"{MOST_COMPARISONS} at once are possible. Take fewer prompts or images."
            )
        if not judge:
            raise InvalidRequest("Choose who judges: the votes, or a version of a fine-tune.")
        tuned = self._studio.best_of_n.tuned_by(judge)
        columns = [f"{drawn_by}, random", f"{drawn_by}, best of {among}"]
        columns += [f"{tuned}, random"] if tuned else []
        board = CompareBoard(texts, range(1, shown + 1), "", columns, row="place")
        numbers = list(range(first, first + among))
        choices = [
            self._studio.best_of_n.best_of(text, numbers, drawn_by, judge, shown) for text in texts
        ]
        began, last = time.monotonic(), 0
        try:
            for prompt, steps in enumerate(choices):
                for step in steps:
                    last, total = prompt * step.total + step.done, step.total * len(texts)
                    told = (step.random, step.best, step.tuned)[: len(columns)]
                    for column, urls in enumerate(told):
                        board.fill({(prompt * shown + i, column): u for i, u in enumerate(urls)})
                    left_s = (time.monotonic() - began) / max(1, last) * (total - last)
                    yield board.choosing(last, total, left_s)
            yield board.drawing()
        except self._expected as error:
            yield board.interrupted(str(error))


def busy_buttons(busy: bool) -> list[dict[str, Any]]:
    """Return what changes on the tab's two buttons, to start and to stop."""
    return [gr.update(interactive=not busy), gr.update(visible=busy)]


def turn_back(drawn: Any, buttons: list[gr.Button]) -> None:
    """Offer to start again once a drawing is done, and once it was refused."""
    # A `then` without a Python function is not called after an error.
    for ended in (drawn.then, drawn.failure):
        ended(None, None, buttons, js=turn_buttons(busy=False))


def turn_buttons(busy: bool) -> str:
    """Return the same as a script, for which nobody has to ask the server."""
    return f"() => {json.dumps(busy_buttons(busy))}"
