"""The labeling stage: one gr.HTML component that calls the studio past Gradio's queue."""

from collections.abc import Callable
from typing import Any

import gradio as gr

from annotate.service.labeler_view import AnyStudio
from annotate.service.studio import Studio
from annotate.views.blind_test_results import BlindTestProgress, BlindTestView
from annotate.views.pairs_and_votes import ItemsAhead, PairView, QuadView, StageReply
from annotate.views.stage_answers import StageSampler, StageSession, StageStatus
from annotate.web.errors_to_ui import errors_as_reply
from annotate.web.payloads import PairsRequest, SessionGoal, SessionRequest, StatusRequest, read
from annotate.web.permissions import authorized_function
from annotate.web.stage_events import StageEvents
from annotate.web.stage_prompts import prompts_function
from annotate.web.static_files import read_static, start_script

STAGE_SCRIPT = "stage/stage.js"
STYLES = (
    "styles/stage.css",
    "styles/bar.css",
    "styles/steps.css",
    "styles/help.css",
    "styles/verdict.css",
    "styles/magnifier.css",
    "styles/reasons.css",
    "styles/four.css",
    "styles/session.css",
    "styles/pace_hint.css",
    "styles/next_prompt.css",
    "styles/phone.css",
    "styles/purpose.css",
)
MAX_PAIRS_PER_REQUEST = 12
"""A page asks for 8; more would only hold pairs back from other people."""


def build_stage(studio: AnyStudio) -> gr.HTML:
    """Build the stage."""
    makers = (
        _pairs_function,
        _send_function,
        _status_function,
        _session_function,
        prompts_function,
    )
    functions = [authorized_function(errors_as_reply(make(studio))) for make in makers]
    if isinstance(studio, Studio):
        functions.append(authorized_function(errors_as_reply(_retry_model_function(studio))))

    return gr.HTML(
        html_template=read_static("stage/stage.html"),
        css_template=read_static(*STYLES),
        js_on_load=start_script(STAGE_SCRIPT),
        apply_default_css=False,
        elem_id="stage",
        server_functions=functions,
    )


def _pairs_function(
    studio: AnyStudio,
) -> Callable[[Any], ItemsAhead[PairView] | ItemsAhead[QuadView]]:
    def stage_pairs(sent: Any) -> ItemsAhead[PairView] | ItemsAhead[QuadView]:
        request = read(PairsRequest, sent)
        want = min(MAX_PAIRS_PER_REQUEST, max(0, request.want))
        if request.four is True:
            return studio.quads_ahead(request.annotator, request.have, want)
        keep = request.keep is True
        return studio.pairs_ahead(request.annotator, request.have, want, request.blind_test, keep)

    return stage_pairs


def _send_function(studio: AnyStudio) -> Callable[[Any], StageReply]:
    events = StageEvents(studio)

    def stage_send(event: Any) -> StageReply:
        return events.take(event)

    return stage_send


def _status_function(studio: AnyStudio) -> Callable[[Any], StageStatus]:
    def stage_status(sent: Any) -> StageStatus:
        request = read(StatusRequest, sent)
        annotator, trial = request.annotator, request.blind_test
        return {
            "stats": studio.stats(annotator),
            "activity": studio.activity(),
            "train_every": studio.train_every,
            "trial": _blind_test_progress(studio.blind_tests.results(trial)) if trial else None,
            "project": studio.annotations.options(),
            "session": studio.sessions.current(annotator),
            "may_add_prompts": isinstance(studio, Studio) or studio.prompts.labelers_may_add,
        }

    return stage_status


def _session_function(studio: AnyStudio) -> Callable[[Any], StageSession]:
    def stage_session(sent: Any) -> StageSession:
        request = read(SessionRequest, sent)
        annotator, action = request.annotator, request.action
        if action == "begin":
            return {"session": studio.sessions.begin(annotator, read(SessionGoal, sent).goal)}
        if action != "summary":
            studio.sessions.set_state(annotator, action)

        summary = studio.sessions.summary(annotator)
        return {"session": studio.sessions.current(annotator), "summary": summary}

    return stage_session


def _retry_model_function(studio: Studio) -> Callable[[Any], StageSampler]:
    def stage_retry_model(_: Any) -> StageSampler:
        return {"sampler": studio.retry_model()}

    return stage_retry_model


def _blind_test_progress(results: BlindTestView) -> BlindTestProgress:
    """Return the progress of a blind test without who leads, which would sway its voters."""
    return {
        "trial": results["trial"],
        "before": results["before"],
        "after": results["after"],
        "state": results["state"],
        "votes": results["votes"],
        "votes_needed": results["votes_needed"],
        "problem": results["problem"],
        "note": results["note"],
        "settled": results["outcome"] is not None,
    }
