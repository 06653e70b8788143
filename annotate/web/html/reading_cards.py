"""The HTML of the card "Which is an image?": an image of each reading, one click away."""

from html import escape

from annotate.views.readings import ReadingsView, ReadingView

ASK = (
    "The file of {name} does not tell how it is to be read. Read wrongly it makes noise, gray or a "
    "blur. Render one image of each reading, and choose the one that shows what the prompt says. "
    "The studio remembers it, and opens the model anew."
)


def reading_cards(view: ReadingsView) -> str:
    """Return the readings side by side, nothing where all is known."""
    if not view["readings"]:
        return ""
    cards = "".join(map(_card, view["readings"]))
    ask = escape(ASK.format(name=view["model"]))
    return f'<p class="soft">{ask}</p><div class="readings">{cards}</div>'


def _card(reading: ReadingView) -> str:
    title = escape(reading["title"])
    image = f'<img src="{escape(reading["url"])}" alt="{title}">' if reading["url"] else ""
    return (
        f'<figure class="card">{image}<figcaption>It {title}</figcaption>'
        f'<button type="button" data-model="{escape(reading["name"])}">This is an image</button>'
        "</figure>"
    )
