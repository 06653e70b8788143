"""What the tabs have in common: headings, and timers that rest while nobody looks."""

from collections.abc import Iterable

import gradio as gr

from annotate.handlers import PRIVATE


def heading(text: str, visible: bool = True) -> gr.HTML:
    """Place a heading."""
    return gr.HTML(f'<h2 class="section">{text}</h2>', visible=visible, apply_default_css=False)


def rest_elsewhere(timer: gr.Timer, others: Iterable[gr.Tab]) -> None:
    """Stop a tab's timer when one of the other tabs is opened."""
    for tab in others:
        tab.select(lambda: gr.Timer(active=False), None, timer, **PRIVATE)
