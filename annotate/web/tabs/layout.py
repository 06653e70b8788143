"""Layout shared by the tabs: headings, and timers that stop while their tab is hidden."""

import json
from collections.abc import Iterable, Mapping
from html import escape

import gradio as gr

from annotate.web.static_files import start_script


def heading(text: str, visible: bool = True) -> gr.HTML:
    """Build a heading."""
    return gr.HTML(f'<h2 class="section">{text}</h2>', visible=visible, apply_default_css=False)


def setting(title: str, purpose: str, elem_id: str) -> gr.Accordion:
    """Build a folded section of the Settings tab; what it is for stands below its title."""
    # The style sheet makes the first line a title: an accordion takes plain text only.
    label = f"{title}\n{purpose}"
    return gr.Accordion(label, open=False, elem_id=elem_id, elem_classes="setting")


def skip_links(sections: Mapping[str, str]) -> gr.HTML:
    """Build links to sections, by their ids, for whoever comes by keyboard."""
    links = "".join(f'<a href="#{each}">{escape(title)}</a>' for each, title in sections.items())
    return gr.HTML(
        f'<nav class="skip-links" aria-label="Skip to"><span>Skip to</span>{links}</nav>',
        js_on_load=start_script("skip_links.js"),
        apply_default_css=False,
        elem_classes="skip-links-place",
    )


def inform(sentence: str) -> None:
    """Show a sentence in the corner of the page; names in it are text, whatever they hold."""
    # Gradio shows the messages as markup.
    gr.Info(escape(sentence, quote=False))


def start_timer_here(timer: gr.Timer, tab: gr.Tab) -> None:
    """Start a tab's timer when the tab is opened."""
    tab.select(None, None, timer, js=_timer_script(active=True))


def stop_timer_elsewhere(timer: gr.Timer, others: Iterable[gr.Tab]) -> None:
    """Stop a tab's timer when one of the other tabs is opened."""
    for tab in others:
        tab.select(None, None, timer, js=_timer_script(active=False))


def _timer_script(active: bool) -> str:
    """Return a script that turns a timer on or off.

    In the browser, since the server may answer the events of two tabs in the wrong order.
    """
    return f"() => ({json.dumps(gr.update(active=active))})"
