"""Automatic runs on the Train tab: when runs start, and versions become active, by themselves."""

from typing import Any

import gradio as gr

from annotate.auth.identity import name_of
from annotate.service.studio import Studio
from annotate.views.next_run import AutomaticRunsView
from annotate.web.errors_to_ui import PRIVATE, errors_as_gr_error
from annotate.web.html.next_run_cards import activated_list, automatic_title

DEFAULT_ACTOR = "me"
POLICIES = [
    ("Never: somebody decides", "never"),
    (
        "Once checks and held-out pairs say that it is no worse than the active one",
        "checks",
    ),
    ("Once a blind test against the active version says so", "blind_test"),
]


class AutomaticRunsSection:
    """The form of automatic runs, folded, with a title that says what is set."""

    def __init__(self, studio: Studio, tab: gr.Tab) -> None:
        self._studio = studio
        with gr.Accordion("Automatic runs", open=False, elem_id="automatic-runs") as section:
            self._build()
        self._shown = [section, self._every, self._at, self._activation, self._activated]
        chosen = [self._every, self._at, self._activation]
        tab.select(self._view, None, self._shown, **PRIVATE)
        self._save.click(errors_as_gr_error(self._keep), chosen, self._shown, **PRIVATE)

    def _build(self) -> None:
        with gr.Row():
            self._every = gr.Number(
                label="Start a run after so many new choices",
                info="0 for never.",
                precision=0,
                minimum=0,
                min_width=160,
                elem_id="automatic-every",
            )
            self._at = gr.Textbox(
                label="Also every day after",
                info="Local time, if there are new choices; empty for never.",
                placeholder="22:00",
                max_lines=1,
                min_width=160,
                elem_id="automatic-at",
            )
        self._activation = gr.Radio(
            POLICIES,
            label="A new version becomes active by itself",
            info="New pairs are rendered with the active version.",
            elem_id="activation-policy",
        )
        self._save = gr.Button("Save", size="sm", elem_id="save-automatic")
        self._activated = gr.HTML(elem_id="activated", apply_default_css=False)

    def _keep(self, every: Any, at: str, activation: str, request: gr.Request) -> list[Any]:
        who = name_of(request, DEFAULT_ACTOR)
        view = self._studio.next_run.change_automatic(every, at, activation, who)
        gr.Info("Saved.")
        return shown(view)

    def _view(self) -> list[Any]:
        return shown(self._studio.next_run.automatic())


def shown(view: AutomaticRunsView) -> list[Any]:
    """Return what the section shows."""
    title = automatic_title(view)
    values = [view["every"], view["at"], view["activation"]]
    return [gr.Accordion(label=title), *values, activated_list(view)]
