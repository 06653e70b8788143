"""The runs of the Train tab, with real runs."""

import gradio as gr
import pytest
from places import ENDLESS, Place, until

from annotate.errors import NotResumable
from annotate.web.tabs.train.runs_section import RunsSection

pytestmark = pytest.mark.slow


def test_a_cancelled_run_is_resumed_once_no_other_one_trains(place: Place) -> None:
    with gr.Blocks(), gr.Tab("Train") as tab:
        section = RunsSection(place.studio, tab)
    place.label(2)
    older = place.studio.fine_tune(ENDLESS)["run_id"]
    until(lambda: place.starts(older) == 1)
    place.studio.cancel_run(older)
    place.reach(older, "cancelled")
    newer = place.studio.fine_tune(ENDLESS)["run_id"]
    place.reach(newer, "running")

    with pytest.raises(NotResumable, match=f"Run {newer} is under way. Wait for its end or cancel"):
        section.resume_if_idle(place.studio.run_detail(older))
    place.studio.cancel_run(newer)
    place.reach(newer, "cancelled")
    section.resume_if_idle(place.studio.run_detail(older))
    place.reach(older, "running")
