"""Notice on Label and Train: a long run that waits for an answer, a version that became active."""

from collections.abc import Callable
from typing import Any

import gradio as gr

from annotate.service.studio import Studio
from annotate.validation import as_annotator
from annotate.views.next_run import RunNotice
from annotate.web.errors_to_ui import errors_as_reply
from annotate.web.html.next_run_cards import activation_card, question_card
from annotate.web.payloads import LongRunAnswer, read
from annotate.web.permissions import authorized_function
from annotate.web.static_files import start_script


def build_run_notice(studio: Studio, place: str) -> gr.HTML:
    """Build the notice of a tab, empty until there is something to say; never in the way."""
    functions = (_notice_function(studio), _answer_function(studio))
    return gr.HTML(
        '<div class="run-notice-place"></div>',
        js_on_load=start_script("run_notice.js"),
        apply_default_css=False,
        elem_id=f"run-notice-on-{place}",
        server_functions=[authorized_function(errors_as_reply(each)) for each in functions],
    )


def notice_of(studio: Studio) -> RunNotice:
    """Return what there is to say: the question first, then what became active by itself."""
    if question := studio.next_run.question:
        return {"html": question_card(question), "told": ""}
    if activation := studio.next_run.newest_activation:
        told = f"{activation['version']} {activation['created']}"
        return {"html": activation_card(activation), "told": told}
    return {"html": "", "told": ""}


def _notice_function(studio: Studio) -> Callable[[Any], RunNotice]:
    def run_notice(_: Any) -> RunNotice:
        return notice_of(studio)

    return run_notice


def _answer_function(studio: Studio) -> Callable[[Any], RunNotice]:
    def answer_long_run(sent: Any) -> RunNotice:
        request = read(LongRunAnswer, sent)
        studio.next_run.answer(request.answer, as_annotator(request.annotator))
        return notice_of(studio)

    return answer_long_run
