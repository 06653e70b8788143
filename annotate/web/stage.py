"""The labeling stage: one gr.HTML component that talks to the studio off Gradio's queue."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from annotate.errors import InvalidRequest
from annotate.service.labeler_view import AnyStudio
from annotate.service.studio import Studio
from annotate.web.errors_to_ui import Errors, Reply, errors_as_reply
from annotate.web.permissions import authorized_function
from annotate.web.stage_events import StageEvents, field
from storage.errors import DiskFull

STATIC = Path(__file__).parent / "static"
SCRIPTS = (
    "stage/storage.js",
    "stage/address.js",
    "stage/account.js",
    "stage/outbox.js",
    "stage/sender.js",
    "stage/prefetch.js",
    "stage/zoom.js",
    "stage/magnifier.js",
    "stage/reasons.js",
    "stage/session.js",
    "stage/stage_view.js",
    "stage/keys.js",
    "stage/gestures.js",
    "stage/verdict.js",
    "stage/undo.js",
    "stage/pace_hint.js",
    "stage/stage.js",
)
STYLES = (
    "styles/stage.css",
    "styles/help.css",
    "styles/verdict.css",
    "styles/magnifier.css",
    "styles/reasons.css",
    "styles/session.css",
    "styles/pace_hint.css",
)
MOST_PAIRS_AT_ONCE = 12


def read_static(*names: str) -> str:
    """Return the named files of annotate/web/static, one after the other."""
    return "\n".join((STATIC / name).read_text(encoding="utf-8") for name in names)


def build_stage(studio: AnyStudio, expected: Errors) -> gr.HTML:
    """Place the stage; an `expected` error refuses a vote for good, any other keeps it waiting."""
    answer = errors_as_reply((InvalidRequest, *expected), passing=(DiskFull,))
    makers = (_pairs_function, _send_function, _pulse_function, _sitting_function)
    functions = [authorized_function(answer(make(studio))) for make in makers]
    if isinstance(studio, Studio):
        functions.append(authorized_function(answer(_retry_function(studio))))
    return gr.HTML(
        html_template=read_static("stage/stage.html"),
        css_template=read_static(*STYLES),
        js_on_load=read_static(*SCRIPTS),
        apply_default_css=False,
        elem_id="stage",
        server_functions=functions,
    )


def _pairs_function(studio: AnyStudio) -> Callable[[Any], Reply]:
    def stage_pairs(wish: Any) -> Reply:
        have = field(wish, "have", list)
        if not all(isinstance(pair_id, str) for pair_id in have):
            raise InvalidRequest("'have' must be a list of pair ids.")
        want = min(MOST_PAIRS_AT_ONCE, max(0, field(wish, "want", int)))
        annotator = field(wish, "annotator", str)
        if wish.get("four") is True:
            return studio.quads_ahead(annotator, have, want)
        return studio.pairs_ahead(annotator, have, want, _trial(wish))

    return stage_pairs


def _send_function(studio: AnyStudio) -> Callable[[Any], Reply]:
    acts = StageEvents(studio)

    def stage_send(event: Any) -> Reply:
        return acts.take(event)

    return stage_send


def _pulse_function(studio: AnyStudio) -> Callable[[Any], Reply]:
    def stage_pulse(wish: Any) -> Reply:
        annotator, trial = field(wish, "annotator", str), _trial(wish)
        return {
            "stats": studio.stats(annotator),
            "activity": studio.activity(),
            "train_every": studio.train_every,
            "trial": _standing(studio.blind_tests.results(trial)) if trial else None,
            "project": studio.annotations.offered(),
            "sitting": studio.sessions.now(annotator),
        }

    return stage_pulse


def _sitting_function(studio: AnyStudio) -> Callable[[Any], Reply]:
    def stage_sitting(wish: Any) -> Reply:
        annotator, act = field(wish, "annotator", str), field(wish, "act", str)
        if act == "begin":
            return {"sitting": studio.sessions.begin(annotator, field(wish, "goal", int))}
        if act != "summary":
            studio.sessions.turn(annotator, act)
        summary = studio.sessions.summary(annotator)
        return {"sitting": studio.sessions.now(annotator), "summary": summary}

    return stage_sitting


def _retry_function(studio: Studio) -> Callable[[Any], Reply]:
    def stage_retry(_: Any) -> Reply:
        return {"sampler": studio.retry_model()}

    return stage_retry


def _standing(report: Reply) -> Reply:
    """What a person who votes in a trial is told meanwhile: how far it is, not who leads."""
    shown = ("trial", "before", "after", "state", "votes", "votes_needed", "problem", "note")
    return {name: report[name] for name in shown} | {"settled": report["outcome"] is not None}


def _trial(wish: Any) -> str:
    trial = wish.get("trial") if isinstance(wish, dict) else None
    return trial if isinstance(trial, str) else ""
