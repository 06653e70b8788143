"""The section of flagged pairs: hidden until an admin has looked at them."""

from html import escape
from typing import Any

import gradio as gr

from annotate.auth.identity import name_of
from annotate.service.studio import Studio
from annotate.views.project import FlagView
from annotate.web.errors_to_ui import PRIVATE, errors_as_gr_error
from annotate.web.tabs.layout import setting

DEFAULT_ACTOR = "me"
NO_FLAGS = '<p class="soft">No pair is flagged. Whoever labels can flag one, which hides it.</p>'
FLAG_STATES = {
    "open": "hidden, waiting for a decision",
    "hidden": "stays hidden",
    "shown": "shown again",
    "withdrawn": "taken back by the labeler who flagged it, and shown as before",
}


class FlagsSection:
    """The flagged pairs, and a decision on one of them."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        with setting(
            "Flagged pairs", "Hidden by whoever labels, until you decide.", "flagged"
        ) as section:
            self._list = gr.HTML(NO_FLAGS, elem_id="flags", apply_default_css=False)
            with gr.Row(visible=False) as decision_row:
                self._which = gr.Dropdown([], label="Flag", interactive=True)
                shown = gr.Button("Show it again", size="sm")
                hidden = gr.Button("Keep it hidden", size="sm")
        self._shown = [self._list, self._which, decision_row]
        section.expand(self._open, None, self._shown, **PRIVATE)
        for button, decision in ((shown, "shown"), (hidden, "hidden")):
            decide = errors_as_gr_error(self._decide(decision))
            button.click(decide, self._which, self._shown, **PRIVATE)

    def _open(self) -> list[Any]:
        return self._listed(self._studio.annotations.flags())

    def _decide(self, decision: str) -> Any:
        def decide(flag: int | None, request: gr.Request) -> list[Any]:
            if flag is None:
                return [gr.skip(), gr.skip(), gr.skip()]
            who = name_of(request, DEFAULT_ACTOR)
            return self._listed(self._studio.annotations.decide_flag(flag, decision, who))

        return decide

    def _listed(self, flags: list[FlagView]) -> list[Any]:
        choices = [
            (f"{flag['report']}: {flag['prompt']}", flag["report"])
            for flag in flags
            if flag["decision"] != "withdrawn"
        ]

        # The first that waits for a decision is preselected.
        waiting = [flag["report"] for flag in flags if flag["decision"] == "open"]
        chosen = waiting[0] if waiting else (choices[0][1] if choices else None)

        listed = f'<div class="flags">{"".join(map(flag_card, flags))}</div>'
        return [
            listed if flags else NO_FLAGS,
            gr.Dropdown(choices, value=chosen),
            gr.Row(visible=bool(choices)),
        ]


def flag_card(flag: FlagView) -> str:
    """Return one flagged pair; its images are blurred until the pointer is on them."""
    images = "".join(
        f'<img src="{escape(flag[side])}" alt="" loading="lazy">'
        for side in ("left_url", "right_url")
    )

    note = f", “{escape(flag['note'])}”" if flag["note"] else ""
    return (
        f'<figure class="flag" tabindex="0"><span class="both">{images}</span><figcaption>'
        f"<b>{flag['report']}: {escape(flag['prompt'])}</b>"
        f'<span class="soft">by {escape(flag["by"])}{note}: '
        f"{FLAG_STATES[flag['decision']]}</span>"
        "</figcaption></figure>"
    )
