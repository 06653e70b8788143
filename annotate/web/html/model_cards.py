"""The HTML of the Model section: the open model, the list, and what opening one takes."""

from collections.abc import Sequence
from html import escape

from annotate.views.openable_models import (
    DownloadView,
    FoundModel,
    ListedModelView,
    ModelList,
    ModelView,
)
from annotate.views.pair_rendering import SamplerView
from annotate.wording import in_bytes, quantity

MAX_ROWS = 200
"""Rows that are shown at once; the filter finds the others."""
PREDICTIONS = {
    "epsilon": "predicts noise (epsilon)",
    "v_prediction": "predicts velocities (v-prediction)",
    "sample": "predicts the image",
}
UNSURE = {
    "prediction": "Its files do not say whether it predicts noise or velocities: once it is open, "
    "one image of each tells under “Which is an image?”; or choose under Options.",
    "steps": "Its files do not say how many steps it takes: a few without guidance, or many.",
}
NO_FOLDER = (
    '<p class="soft">Start Palate with <code>--models DIR</code>, your folder of checkpoints, and '
    "everything in it is listed here.</p>"
)


def open_model_card(model: ModelView, sampler: SamplerView) -> str:
    """Return the model that is open, and how far it is loaded."""
    state = "" if sampler["state"] == "ready" else f"<p>{escape(sampler['detail'])}</p>"
    on = f" It runs on {sampler['device_summary']}." if sampler["device_summary"] else ""
    advice = f'<p class="soft">{escape(sampler["advice"])}</p>' if sampler["advice"] else ""
    return (
        f'<div class="card notice model-open" role="status"><b><bdi>{escape(model["name"])}</bdi> '
        f'is open</b><p class="soft">{escape(facts_of(model) + on)}</p>{state}{advice}</div>'
    )


def facts_of(model: ModelView) -> str:
    """Return size, steps, guidance and what is chosen for a model, in sentences."""
    prediction = PREDICTIONS.get(model["prediction"] or "")
    facts = [
        f"{model['width']} × {model['height']} pixels",
        quantity(model["steps"], "step"),
        f"guidance {model['guidance']:g}",
        *([prediction] if prediction else []),
        *([f"with the autoencoder {model['vae']}"] if model["vae"] else []),
    ]
    told = [f"{', '.join(facts)}.", *(UNSURE[each] for each in model["unsure"] if each in UNSURE)]
    return " ".join(told)


def model_list(models: ModelList, wanted: str) -> str:
    """Return the models whose name or kind holds every word of a filter, each with its button."""
    words = wanted.casefold().split()
    found = [
        model
        for model in models["models"]
        if all(word in f"{model['name']} {model['kind']}".casefold() for word in words)
    ]
    # Those that can be opened first; each half stays in the order of the folder.
    found.sort(key=lambda model: model["problem"] is not None)
    rows = "".join(map(_row, found[:MAX_ROWS]))
    notes = "".join(f'<p class="soft">{escape(note)}</p>' for note in models["notes"])
    hint = NO_FOLDER if models["folder"] is None else ""
    return f'<div class="card models"><ul>{rows}</ul>{_rest(found, wanted)}{notes}{hint}</div>'


def found_card(model: FoundModel) -> str:
    """Return what a model is, and the download that opening it takes."""
    download = model["download"]
    parts = [
        f"<b><bdi>{escape(model['name'])}</bdi>{' is open' if model['open'] else ''}</b>",
        f'<p class="soft">{escape(facts_of(model))}</p>',
        f"<p>{escape(download_sentence(download))}</p>" if download else "",
        f'<p class="soft">{escape(_doubt(model))}</p>' if model["doubt"] else "",
    ]
    return f'<div class="card notice model-open" role="status">{"".join(parts)}</div>'


def download_sentence(download: DownloadView) -> str:
    """Return the size of a download, where it goes, and the space that is free there."""
    free = f", where {in_bytes(download['free'])} are free" if download["free"] is not None else ""
    there = download["there"]
    left = f", of which {in_bytes(there)} are there already" if there else ""
    return (
        f"It is downloaded first: {in_bytes(download['whole'])}{left}, to {download['folder']}"
        f"{free}. A download that is broken off goes on where it stopped."
    )


def refusal_card(sentence: str) -> str:
    """Return a refusal, where the choice was made."""
    return f'<div class="card notice" role="alert"><b>Not opened</b><p>{escape(sentence)}</p></div>'


def _row(model: ListedModelView) -> str:
    size = f'<span class="soft size">{in_bytes(model["bytes"])}</span>' if model["bytes"] else ""
    told = f'<bdi>{escape(model["name"])}</bdi> <span class="soft">{escape(model["kind"])}</span>'
    if model["problem"] is not None:
        problem = f'<div class="soft">{escape(model["problem"])}</div>'
        return f'<li class="refused"><div class="told">{told}{problem}</div>{size}</li>'
    button = (
        '<span class="soft">open</span>'
        if model["open"]
        else f'<button type="button" data-model="{escape(model["model"])}" '
        f'aria-label="Open {escape(model["name"])}">Open</button>'
    )
    return f'<li><div class="told">{told}</div>{size}{button}</li>'


def _rest(found: Sequence[ListedModelView], wanted: str) -> str:
    if len(found) > MAX_ROWS:
        return f'<p class="soft">{len(found) - MAX_ROWS:,} more: write a part of a name above.</p>'
    if not found and wanted:
        return f'<p class="soft">No model here is called {escape(wanted)}.</p>'
    return ""


def _doubt(model: ModelView) -> str:
    return f"It could not be looked up ({model['doubt']}), so this is a guess by its name."
