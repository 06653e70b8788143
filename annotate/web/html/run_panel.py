"""The HTML of one run that is open: its head, its samples, its settings and its log."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from annotate.versions.naming import UNTITLED, VersionTitles
from annotate.views.training import RunDetail, RunView, SampleStageView, SampleView
from annotate.web.html.run_cards import outcome, run_title, shown_state, state_badge
from annotate.wording import in_bytes, quantity

FEW_STAGES = 3
"""Images of a prompt that leave room for another prompt beside them."""
WHOSE = {
    "voter": "votes of",
    "also_votes_of": "also votes on images of",
    "sources": "sources that came in from files",
}
"""Settings of a run that the trainer does not know, as people name them."""


def run_head(run: RunDetail, titles: VersionTitles = UNTITLED) -> str:
    """Return what a run is and how it ended."""
    trigger = {"person": "Started by hand", "threshold": "Started by itself after enough votes",
               "daily": "Started by itself at its time of day"}.get(run["trigger"], "")  # fmt: skip
    steps = f"step {run['step']} of {run['steps']}" if run["step"] else ""
    # Four images that were ranked are one choice, as in the plan.
    choices = run["counts"].get("preference", 0) + run["counts"].get("ranking", 0)
    brought = ", ".join(f"{votes:,} of {name}" for name, votes in run.get("sources", {}).items())
    learns = f"learns from {quantity(choices, 'choice')}" if choices else ""
    facts = [trigger, steps, f"{learns} ({brought})" if brought else learns]
    return (
        f'<div class="run-head"><b>{escape(run_title(run))}</b>{state_badge(shown_state(run))}'
        f'<span class="soft">{escape(" · ".join(fact for fact in facts if fact))} '
        f"<small>{escape(run['run_id'])}</small></span></div>{outcome(run, titles)}"
    )


def samples_strip(samples: Sequence[SampleView], made: str | None = None) -> str:
    """Return a row of images for each prompt, from the base to the version, called `made`.

    Says so where a run has none.
    """
    rows = [_sample_row(sample, made) for sample in samples if sample["stages"]]
    if not rows:
        return '<p class="soft">This run rendered no images while it trained.</p>'
    note = (
        "The same prompt and seed in every row, before, during and after training. Prompts are "
        "chosen before the run, so that no result decides which are shown."
    )
    few = " few" if max(len(sample["stages"]) for sample in samples) <= FEW_STAGES else ""
    return f'<div class="samples{few}"><p class="soft">{note}</p>{"".join(rows)}</div>'


def _sample_row(sample: SampleView, made: str | None) -> str:
    learned = "learned from votes of a source" if sample.get("brought") else "you voted on it"
    kind = learned if sample["voted"] else "nobody voted on it"
    images = "".join(_sample_image(sample, stage, made) for stage in sample["stages"])
    return (
        f'<figure class="sample"><figcaption>{escape(sample["prompt"])} '
        f'<span class="soft">{kind}</span></figcaption><div class="strip">{images}</div></figure>'
    )


def _sample_image(sample: SampleView, stage: SampleStageView, made: str | None) -> str:
    url, caption = escape(stage["url"], quote=True), escape(stage_name(stage, made))
    text = escape(f"{sample['prompt']}, {stage_name(stage, made)}", quote=True)
    return (
        f'<a href="{url}" target="_blank" rel="noopener"><img loading="lazy" src="{url}" '
        f'alt="{text}"><span>{caption}</span></a>'
    )


def stage_name(stage: SampleStageView, made: str | None = None) -> str:
    """Return the name of a moment of a run: the base, a step, or the version that it made."""
    if stage["share"] <= 0:
        return "Base"
    if stage["share"] >= 1:
        return made or "At its end"
    return f"Step {stage['step']}"


def settings_tables(given: Mapping[str, Any], every: Mapping[str, Any]) -> str:
    """Return the settings that somebody chose for a run, then all others."""
    chosen = {WHOSE.get(name, name): value for name, value in given.items()}
    others = {name: value for name, value in every.items() if name not in given}
    first = (
        _settings_table(chosen)
        if chosen
        else '<p class="soft">Nothing was changed: it ran with the defaults.</p>'
    )
    rest = (
        f"<details><summary>{quantity(len(others), 'other setting')}</summary>"
        f"{_settings_table(others)}</details>"
        if others
        else ""
    )
    return f'<div class="run-settings">{first}{rest}</div>'


def _settings_table(settings: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(_value(value))}</td></tr>"
        for name, value in settings.items()
    )
    return f"<table>{rows}</table>"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "–"
    return f"{value:g}" if isinstance(value, float) else str(value)


def log_lines(lines: Sequence[str]) -> str:
    """Return the end of a run's log, as its trainer printed it."""
    if not lines:
        return '<p class="soft">Its trainer has printed nothing.</p>'
    text = escape("\n".join(lines))
    return f'<pre class="run-log" tabindex="0">{text}</pre>'


def delete_question(run: RunView, titles: VersionTitles = UNTITLED) -> str:
    """Return the question whether a run is to be deleted, with what stays."""
    stays = ""
    if run["version"]:
        version = f"<b>{escape(titles.of(run['version']))}</b>"
        stays = f" {version}, which it made, stays, with its images."
    going = "settings, curves, log and checkpoint"
    return (
        f"<p>Delete <b>{escape(run_title(run))}</b>? Its {going} go for good, and it cannot be "
        f"resumed.{stays} Your votes stay in any case.</p>"
    )


def deleted_notice(title: str, freed: int) -> str:
    """Return the sentence after a run was deleted."""
    return f"{title} is deleted; {in_bytes(freed)} are free."
