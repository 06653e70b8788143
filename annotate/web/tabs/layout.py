"""What the tabs have in common: headings, and timers that rest while nobody looks."""

import json
from collections.abc import Iterable

import gradio as gr


def heading(text: str, visible: bool = True) -> gr.HTML:
    """Place a heading."""
    return gr.HTML(f'<h2 class="section">{text}</h2>', visible=visible, apply_default_css=False)


def start_timer_here(timer: gr.Timer, tab: gr.Tab) -> None:
    """Start a tab's timer when the tab is opened."""
    tab.select(None, None, timer, js=_turned(active=True))


def stop_timer_elsewhere(timer: gr.Timer, others: Iterable[gr.Tab]) -> None:
    """Stop a tab's timer when one of the other tabs is opened."""
    for tab in others:
        tab.select(None, None, timer, js=_turned(active=False))


def _turned(active: bool) -> str:
    """A script, since the server's answers to two tabs may come in the other order."""
    return f"() => ({json.dumps(gr.update(active=active))})"
