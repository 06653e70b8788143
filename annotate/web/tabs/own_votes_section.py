"""Sections below the stage about one's own votes: a gallery to change them, and statistics."""

from collections.abc import Callable
from typing import Any

import gradio as gr

from annotate.service.labeler_view import AnyStudio
from annotate.views.own_votes import ChangedVote, OwnVotesList
from annotate.views.stage_answers import OwnVotesPage
from annotate.views.vote_insights import OwnVotesView
from annotate.web.errors_to_ui import errors_as_reply
from annotate.web.html.habit_cards import own_habits
from annotate.web.html.insight_cards import FEW_VOTES, liking_card, measuring, pace_card, section
from annotate.web.html.insight_cards import prompts_card as prompts_of
from annotate.web.html.run_cards import notice_card
from annotate.web.payloads import ByAnnotator, ChangeVoteRequest, OwnVotesRequest, read
from annotate.web.permissions import authorized_function
from annotate.web.static_files import start_script

GALLERY = """
<details class="vote-gallery"><summary>Your votes</summary>
  <div class="gallery-filter">
    <select class="gallery-verdict" aria-label="Verdict">
      <option value="">Every verdict</option><option value="left">Left is better</option>
      <option value="right">Right is better</option><option value="tie">Tie</option>
      <option value="both_good">Both good</option><option value="both_bad">Both bad</option>
      <option value="skip">Skipped</option><option value="four">Four at a time</option>
    </select>
    <input class="gallery-prompt" type="search" placeholder="Words of the prompt"
      aria-label="Words of the prompt">
    <p class="gallery-note" role="status"></p>
  </div>
  <ul class="gallery"></ul>
  <button type="button" class="gallery-more" hidden>Show older votes</button>
</details>
"""


def vote_gallery(studio: AnyStudio) -> gr.HTML:
    """Build a folded gallery of the annotator's own votes, each of which can be changed."""
    functions = (_gallery_function(studio), _change_function(studio))
    return gr.HTML(
        GALLERY,
        js_on_load=start_script("vote_gallery.js"),
        apply_default_css=False,
        elem_id="vote-gallery",
        server_functions=[authorized_function(errors_as_reply(each)) for each in functions],
    )


def _gallery_function(studio: AnyStudio) -> Callable[[Any], OwnVotesList]:
    def own_votes_page(sent: Any) -> OwnVotesList:
        asked = read(OwnVotesRequest, sent)
        return studio.own_votes_list(asked.annotator, asked.before, asked.verdict, asked.prompt)

    return own_votes_page


def _change_function(studio: AnyStudio) -> Callable[[Any], ChangedVote]:
    def own_vote_change(sent: Any) -> ChangedVote:
        asked = read(ChangeVoteRequest, sent)
        return studio.change_vote(asked.annotator, asked.vote_key, asked.verdict, asked.key)

    return own_vote_change


def own_votes(studio: AnyStudio) -> gr.HTML:
    """Build a folded section that loads what the person's votes say when it opens."""
    # Loaded by a script past Gradio's queue, so that it never waits behind rendering.
    return gr.HTML(
        '<details class="own-votes"><summary>What your votes say</summary><div></div></details>',
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
