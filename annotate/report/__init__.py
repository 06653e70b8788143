"""An evaluation as a page and as Markdown; needs neither the app nor gradio."""
