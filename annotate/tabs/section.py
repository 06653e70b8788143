"""A heading above a part of a tab."""

import gradio as gr


def heading(text: str, visible: bool = True) -> gr.HTML:
    """Place a heading."""
    return gr.HTML(f'<h2 class="section">{text}</h2>', visible=visible, apply_default_css=False)
