"""Best of n on the Compare tab: the best of many images, beside images of a tuned version."""

import json
import time
from collections.abc import Iterator
from typing import Any

import gradio as gr

from align.contracts.errors import PalateError
from annotate.background import ticking
from annotate.comparison.best_of_n import MAX_IMAGES, MIN_IMAGES, VOTES
from annotate.comparison.mixes import BASE
from annotate.errors import InvalidRequest
from annotate.service.studio import Studio
from annotate.validation import MAX_COMPARISONS
from annotate.views.comparison import BoardView
from annotate.web.errors_to_ui import PRIVATE, errors_as_gr_error
from annotate.web.tabs.compare_board import CompareBoard, read_prompts, read_seeds

DEFAULT_CANDIDATES = 16
SHOWN, MOST_SHOWN = 3, 8
BEST_OF_N_HELP = (
    "Is a tuned version better than picking the best of many images? For each prompt this renders "
    "many images with one version. It shows some at random, the ones that the scorer ranks "
    "highest, and images of the tuned version from the same seeds. A version scores images by "
    "their implicit reward; the votes score them by what the chosen images so far have in common."
)


class BestOfNSection:
    """The form and its event; board, prompts and seeds belong to the tab."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        with gr.Accordion("Best of n", open=False, elem_id="best-of"):
            gr.Markdown(BEST_OF_N_HELP, elem_classes="soft")
            with gr.Row():
                self._version = gr.Dropdown([BASE], label="Rendered by", min_width=100)
                self._scorer = gr.Dropdown([VOTES], label="Scorer", min_width=100)
            with gr.Row(elem_classes="ends"):
                self._candidates = gr.Slider(
                    MIN_IMAGES, MAX_IMAGES, DEFAULT_CANDIDATES, step=1, label="Images"
                )
                self._shown = gr.Slider(1, MOST_SHOWN, SHOWN, step=1, label="Shown")
                self._start = gr.Button("Choose", min_width=90, elem_id="start-best-of-n")

        self.versions = [self._version, self._scorer]

    def listen(
        self, prompts: gr.Textbox, seeds: gr.Textbox, board: gr.HTML, buttons: list[Any]
    ) -> Any:
        """Wire the form, and return the event that a stop cancels."""
        form = [prompts, seeds, self._version, self._scorer, self._candidates, self._shown]
        self._start.click(None, None, buttons, js=busy_script(busy=True))
        rendered = self._start.click(errors_as_gr_error(self.choose), form, board, **PRIVATE)
        reset_buttons_after(rendered, buttons)
        return rendered

    def choose(
        self,
        prompts: str,
        seeds: str,
        version: str,
        scorer: str | None,
        candidates: int,
        shown: int,
    ) -> Iterator[BoardView]:
        """Yield the board as images are rendered and scored, prompt by prompt."""
        texts, first = read_prompts(prompts), read_seeds(seeds)[0]
        total = len(texts) * candidates
        if total > MAX_COMPARISONS:
            raise InvalidRequest(
                f"{len(texts):,} prompts with {candidates} images each are {total:,}; "
                f"{MAX_COMPARISONS} at once are possible. Take fewer prompts or images."
            )
        if not scorer:
            raise InvalidRequest("Choose who judges: the votes, or a version of a fine-tune.")

        titles = self._studio.registry.titles()
        tuned = self._studio.best_of_n.tuned_by(scorer)
        columns = [f"{version}, random", f"{version}, best of {candidates}"]
        columns += [f"{tuned}, random"] if tuned else []
        board = CompareBoard(texts, range(1, shown + 1), "", columns, "place", titles)
        numbers = list(range(first, first + candidates))
        choices = [
            self._studio.best_of_n.choose(text, numbers, version, scorer, shown) for text in texts
        ]

        started_at, last, left_s = time.monotonic(), 0, 0.0
        try:
            for prompt, steps in enumerate(choices):
                for step in ticking(steps):
                    if step is None:
                        if detail := self._studio.comparison_progress():
                            yield board.scoring(last, total, left_s, detail)
                        continue
                    last, total = prompt * step.total + step.done, step.total * len(texts)
                    urls_by_column = (step.random, step.best, step.tuned)[: len(columns)]
                    for column, urls in enumerate(urls_by_column):
                        board.fill({(prompt * shown + i, column): u for i, u in enumerate(urls)})
                    left_s = (time.monotonic() - started_at) / max(1, last) * (total - last)
                    yield board.scoring(last, total, left_s)
            yield board.rendering()
        except PalateError as error:
            yield board.interrupted(str(error))


def busy_buttons(busy: bool) -> list[dict[str, Any]]:
    """Return the updates of the tab's two buttons, start and stop."""
    return [gr.update(interactive=not busy), gr.update(visible=busy)]


def reset_buttons_after(event: Any, buttons: list[gr.Button]) -> None:
    """Show the start button again after an event, done or refused."""
    # A `then` without a Python function is not called after an error.
    for ended in (event.then, event.failure):
        ended(None, None, buttons, js=busy_script(busy=False))


def busy_script(busy: bool) -> str:
    """Return `busy_buttons` as a script, which needs no request to the server."""
    return f"() => {json.dumps(busy_buttons(busy))}"
