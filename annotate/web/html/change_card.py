"""The card "It changed": before and after of a finished run, and what to do about it."""

from collections.abc import Sequence
from html import escape
from urllib.parse import urlencode

from annotate.training.samples.changes import ChangeKind
from annotate.views.changes import ChangeSample, ChangeView

BASE = "base"
STRONGER_WEIGHT = 1.5
VOTED, UNSEEN = "you voted on this prompt", "new to the model"
BROUGHT = "learned from votes of a source"
NO_SAMPLES = '<p class="soft">This run kept no images of before and after.</p>'


def change_card(change: ChangeView) -> str:
    """Return the card of a finished run, each part of it reachable by keyboard."""
    name = escape(change["name"])
    samples = "".join(_sample(sample, change["name"]) for sample in change["samples"])
    shown = f'<div class="change-samples">{samples}</div>' if samples else NO_SAMPLES
    marks = f'data-kind="{change["kind"]}"' + " data-sure" * change["sure"]
    marks += " data-active" * change["active"]
    return (
        f'<section class="card change" data-key="{escape(change["key"], quote=True)}" '
        f'data-run="{escape(change["run_id"], quote=True)}" {marks} '
        f'aria-label="What {name} changed"><div class="change-head">'
        '<button type="button" class="change-fold" data-fold aria-expanded="true">'
        f"<b>{name}: {escape(change['title'])}</b>"
        f"<span>{escape(change['sentence'])}</span></button>"
        '<button type="button" class="change-close" data-close aria-label="Close" title="Close">'
        f'×</button></div><div class="change-body">{shown}{_buttons(change)}'
        '<p class="change-told" role="status"></p></div></section>'
    )


def news_title(change: ChangeView) -> str:
    """Return a few words for the title of the browser's tab."""
    return f"{change['name']} is ready"


def news_words(change: ChangeView) -> str:
    """Return what a notification says below its title."""
    return f"{change['title']}. {change['sentence']}"


def compare_link(samples: Sequence[ChangeSample], columns: Sequence[str]) -> str:
    """Return the link of a comparison on the prompts of the card."""
    prompts = [("p", sample["prompt"]) for sample in samples]
    seeds = [("s", str(samples[0]["seed"]))] if samples else []
    return f"#compare&{urlencode([*prompts, *seeds, *(('c', column) for column in columns)])}"


def _sample(sample: ChangeSample, name: str) -> str:
    """Return one prompt as two images in one place, with a slider between them."""
    prompt = escape(sample["prompt"], quote=True)
    learned = BROUGHT if sample.get("brought") else VOTED
    known = learned if sample["voted"] else UNSEEN
    before, after = (escape(sample[side], quote=True) for side in ("before", "after"))
    return (
        '<figure><div class="before-after">'
        f'<img src="{before}" alt="{prompt}, before" draggable="false">'
        f'<img src="{after}" alt="{prompt}, after" draggable="false">'
        "<em>Before</em><em>After</em>"
        f'<input type="range" min="0" max="100" value="50" aria-label="{prompt}: share of the '
        f'image before {escape(name, quote=True)}"></div>'
        f"<figcaption>{prompt}<small>{known}</small></figcaption></figure>"
    )


def _buttons(change: ChangeView) -> str:
    """Return what can be done about a change, the likeliest first."""
    version, samples = change["version"], change["samples"]
    more = _compare("See more", compare_link(samples, [BASE, version]))
    back = _act(f"Go back to {_kept(change)}", "keep", "small")
    used = f'<span class="badge active">In use</span>{back}' if change["active"] else ""

    if change["kind"] == ChangeKind.MOVED:
        use = "" if used else _act("Use it", "use", "main")
        shown = [use, more, _blind(change), used]
    elif change["kind"] == ChangeKind.HARDLY:
        strong = f"{version}@{STRONGER_WEIGHT:g}"
        at = f"Show it at {STRONGER_WEIGHT:g} strength"
        shown = [
            _compare(at, compare_link(samples, [BASE, version, strong]), "main"),
            _act(f"Train on from {change['name']}", "train_on"),
            _act("Train again, twice as long", "stronger"),
            used or _act("Use it as it is", "use", "small"),
        ]
    else:
        keep = "" if used else _act(f"Keep {_kept(change)}", "keep", "main")
        blind = _blind(change) if used else ""
        shown = [keep, more, blind, used or _act("Use it anyway", "use", "small")]
    return f'<div class="change-acts">{"".join(shown)}</div>'


def _kept(change: ChangeView) -> str:
    return "the base" if change["kept"] == BASE else change["kept_name"]


def _act(text: str, action: str, style: str = "") -> str:
    return f'<button type="button" class="{style}" data-act="{action}">{escape(text)}</button>'


def _compare(text: str, link: str, style: str = "") -> str:
    link = escape(link, quote=True)
    return f'<button type="button" class="{style}" data-link="{link}">{escape(text)}</button>'


def _blind(change: ChangeView) -> str:
    before, after = (escape(change[side], quote=True) for side in ("kept", "version"))
    return (
        f'<button type="button" data-before="{before}" data-after="{after}">Test it blind</button>'
    )
