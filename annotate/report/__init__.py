"""Write an evaluation as HTML and as Markdown; needs neither the app nor gradio."""
