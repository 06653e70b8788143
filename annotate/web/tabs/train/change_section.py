"""The card "It changed" on a tab: it asks for news by itself, past Gradio's queue."""

from collections.abc import Callable
from typing import Any

import gradio as gr

from annotate.service.studio import Studio
from annotate.views.changes import ChangeAnswer, ChangeNews
from annotate.web.errors_to_ui import PRIVATE, errors_as_gr_error, errors_as_reply
from annotate.web.html.change_card import change_card, news_title, news_words
from annotate.web.payloads import ChangeAct, ChangeRequest, read
from annotate.web.permissions import authorized_function
from annotate.web.static_files import event_script, start_script
from annotate.web.tabs.best_of_n_section import busy_buttons
from annotate.web.tabs.compare_board import read_link
from annotate.web.tabs.compare_tab import CompareTab
from annotate.web.tabs.judge_tab import JudgeTab

SCRIPT = "change/change_card.js"


class ChangeSection:
    """The card, empty until a run has ended; `place` is the name of the tab that it is on."""

    def __init__(self, studio: Studio, place: str) -> None:
        functions = (_news_function(studio), _act_function(studio))
        self.card = gr.HTML(
            f'<div class="change-place" data-place="{place}"></div>'
            '<p class="change-news" role="status"></p>',
            js_on_load=start_script(SCRIPT),
            apply_default_css=False,
            elem_id=f"change-on-{place}",
            elem_classes="change-card",
            server_functions=[authorized_function(errors_as_reply(each)) for each in functions],
        )

    def open_in(self, tabs: gr.Tabs, compare: CompareTab, judge: JudgeTab) -> None:
        """Let the card's buttons open a comparison, or a blind test that is ready to start."""

        @errors_as_gr_error
        def go(event: gr.EventData) -> list[Any]:
            wanted, skipped = event._data, gr.skip()
            if linked := read_link(str(wanted.get("link", ""))):
                prompts, _, columns = linked
                # A run of before has no prompts to compare on: then a person writes some.
                link = wanted["link"] if prompts else ""
                return [
                    gr.Tabs(selected="compare"),
                    link,
                    *compare.choose(*columns),
                    # At once: the button must not turn into Stop under somebody's pointer.
                    *busy_buttons(bool(link)),
                    *[skipped] * 3,
                ]
            chosen = judge.choose(str(wanted["before"]), str(wanted["after"]))
            return [gr.Tabs(selected="judge"), "", *[skipped] * 4, *chosen]

        shown = [tabs, compare.link, *compare.choice, *compare.buttons, *judge.choice]
        opened = self.card.select(go, None, shown, **PRIVATE)
        compare.render_linked_after(opened)
        opened.then(None, None, None, js=event_script(SCRIPT, "focusStart"), **PRIVATE)


def _news_function(studio: Studio) -> Callable[[Any], ChangeNews]:
    def change_news(sent: Any) -> ChangeNews:
        known, shown = read(ChangeRequest, sent).shown, studio.changes.shown()
        change = studio.changes.newest() if shown and shown != known else None
        failed = studio.changes.failure()
        if change is None:
            return ChangeNews(key="", shown=shown, html=None, title="", words="", failed=failed)
        return {
            "failed": failed,
            "key": change["key"],
            "shown": shown,
            "html": change_card(change),
            "title": news_title(change),
            "words": news_words(change),
        }

    return change_news


def _act_function(studio: Studio) -> Callable[[Any], ChangeAnswer]:
    def change_act(sent: Any) -> ChangeAnswer:
        asked = read(ChangeAct, sent)
        return {"told": studio.changes.act(asked.run, asked.action)}

    return change_act
