"""The labeling stage: one gr.HTML component that talks to the studio off Gradio's queue."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from annotate.errors import InvalidRequest
from annotate.handlers import Errors, Reply, replies
from annotate.requests import as_response_ms
from annotate.studio import Studio
from storage.errors import DiskFull

STATIC = Path(__file__).parent / "static"
SCRIPTS = ("outbox.js", "sender.js", "supply.js", "view.js", "keys.js", "pause.js", "stage.js")
MOST_PAIRS_AT_ONCE = 12


def read_static(*names: str) -> str:
    """Return the named files of annotate/static, one after the other."""
    return "\n".join((STATIC / name).read_text(encoding="utf-8") for name in names)


def build_stage(studio: Studio, expected: Errors) -> gr.HTML:
    """Place the stage; an `expected` error refuses a vote for good, any other keeps it waiting."""
    answer = replies((InvalidRequest, *expected), passing=(DiskFull,))
    functions = [
        answer(function)
        for function in (_pairs_function(studio), _send_function(studio), _pulse_function(studio))
    ]
    return gr.HTML(
        html_template=read_static("stage.html"),
        css_template=read_static("stage.css", "help.css", "trial.css", "pause.css"),
        js_on_load=read_static(*SCRIPTS),
        apply_default_css=False,
        elem_id="stage",
        server_functions=functions,
    )


def _pairs_function(studio: Studio) -> Callable[[Any], Reply]:
    def stage_pairs(wish: Any) -> Reply:
        have = _field(wish, "have", list)
        if not all(isinstance(pair_id, str) for pair_id in have):
            raise InvalidRequest("'have' must be a list of pair ids.")
        want = min(MOST_PAIRS_AT_ONCE, max(0, _field(wish, "want", int)))
        annotator, trial = _field(wish, "annotator", str), _trial(wish)
        return studio.pairs_ahead(annotator, have, want, trial)

    return stage_pairs


def _send_function(studio: Studio) -> Callable[[Any], Reply]:
    def stage_send(event: Any) -> Reply:
        kind, key = _field(event, "kind", str), _field(event, "key", str)
        if kind == "undo":
            pair = studio.undo(_field(event, "annotator", str), key)
            return {"key": key, "pair": pair, **_counted(studio.stats())}
        if kind != "vote":
            raise InvalidRequest(f"{kind!r} is no kind of event; send 'vote' or 'undo'.")
        receipt = studio.vote(
            _field(event, "pair_id", str),
            _field(event, "verdict", str),
            _field(event, "annotator", str),
            key,
            event.get("response_ms") if isinstance(event.get("response_ms"), int) else None,
        )
        return {"key": receipt["key"], "pause": _pause(studio, event), **_counted(receipt)}

    return stage_send


def _pause(studio: Studio, event: dict[str, Any]) -> str | None:
    response_ms = as_response_ms(event.get("response_ms"))
    return studio.insights.pauses.after(event["annotator"], event["verdict"], response_ms)


def _pulse_function(studio: Studio) -> Callable[[Any], Reply]:
    def stage_pulse(wish: Any) -> Reply:
        stats, trial = studio.stats(_field(wish, "annotator", str)), _trial(wish)
        return {
            "stats": stats,
            "activity": studio.activity(),
            "train_every": studio.train_every,
            "trial": _standing(studio.trials.report(trial)) if trial else None,
        }

    return stage_pulse


def _standing(report: Reply) -> Reply:
    """What a person who votes in a trial is told meanwhile: how far it is, not who leads."""
    shown = ("trial", "before", "after", "state", "votes", "votes_needed", "problem", "note")
    return {name: report[name] for name in shown} | {"settled": report["outcome"] is not None}


def _trial(wish: Any) -> str:
    trial = wish.get("trial") if isinstance(wish, dict) else None
    return trial if isinstance(trial, str) else ""


def _counted(counts: dict[str, Any]) -> Reply:
    return {name: counts[name] for name in ("votes", "until_next_run")}


def _field(request: Any, name: str, kind: type) -> Any:
    value = request.get(name) if isinstance(request, dict) else None
    if not isinstance(value, kind) or isinstance(value, bool):
        raise InvalidRequest(f"The request lacks {name!r}. Reload the page.")
    return value
