"""The "Your votes" section below the stage: statistics of the labeler's own votes alone."""

from collections.abc import Callable
from typing import Any

import gradio as gr

from annotate.service.labeler_view import AnyStudio
from annotate.views.stage_answers import OwnVotesPage
from annotate.views.vote_insights import OwnVotesView
from annotate.web.errors_to_ui import errors_as_reply
from annotate.web.html.habit_cards import own_habits
from annotate.web.html.insight_cards import FEW_VOTES, liking_card, measuring, pace_card, section
from annotate.web.html.insight_cards import prompts_card as prompts_of
from annotate.web.html.run_cards import notice_card
from annotate.web.payloads import ByAnnotator, read
from annotate.web.permissions import authorized_function
from annotate.web.static_files import start_script


def own_votes(studio: AnyStudio) -> gr.HTML:
    """Build a folded section that loads the person's votes when it opens."""
    # Loaded by a script past Gradio's queue, so that it never waits behind rendering.
    return gr.HTML(
        '<details class="own-votes"><summary>Your votes</summary><div></div></details>',
        js_on_load=start_script("own_votes.js"),
        apply_default_css=False,
        elem_id="own-votes",
        server_functions=[authorized_function(errors_as_reply(_own_votes_function(studio)))],
    )


def _own_votes_function(studio: AnyStudio) -> Callable[[Any], OwnVotesPage]:
    def stage_own_votes(sent: Any) -> OwnVotesPage:
        report = studio.insights.own(read(ByAnnotator, sent).annotator)
        return {"html": own_votes_page(report), "more": report["measuring"]["left"] > 0}

    return stage_own_votes


def own_votes_page(report: OwnVotesView) -> str:
    """Return the HTML of a person's pace, preferences, habits and prompts."""
    if not report["votes"]:
        return notice_card(*FEW_VOTES)
    shown = (
        measuring(report["measuring"]),
        section("Pace", pace_card(report)),
        section("What you like", liking_card(report["likes"])),
        section("How you vote", own_habits(report)),
        section("Prompts", prompts_of(report)),
    )
    return f'<div class="insights">{"".join(shown)}</div>'
