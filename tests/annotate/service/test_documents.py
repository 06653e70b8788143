"""What the studio tells the page is what its types say, to the last key."""

from __future__ import annotations

import json
from typing import Any

import pytest
from contract_checks import departures
from places import ENDLESS, Place

from annotate.views.activity import ActivityView
from annotate.views.blind_test_results import BlindTestView
from annotate.views.model_versions import LineageView
from annotate.views.training import RunView

PROMPTS = [f"an evaluation prompt {number}" for number in range(6)]


def sent(document: Any) -> Any:
    """A document as it arrives elsewhere."""
    return json.loads(json.dumps(document))


@pytest.mark.slow
def test_the_activity_holds_the_declared_keys_with_a_run_and_without(place: Place) -> None:
    idle = place.studio.activity()
    assert idle["run"] is None and departures(sent(idle), ActivityView) == []
    place.label(2)
    run = place.studio.fine_tune(ENDLESS)["run_id"]
    place.reach(run, "running")
    busy = place.studio.activity()
    assert busy["run"] is not None and departures(sent(busy), ActivityView) == []
    assert departures(sent(place.studio.runs()), list[RunView]) == []


@pytest.mark.slow
def test_versions_and_blind_tests_hold_the_declared_keys(place: Place) -> None:
    place.label(2)
    place.reach(place.studio.fine_tune({})["run_id"], "done")
    base, _ = place.studio.registry.lineage()
    assert departures(sent(base), LineageView) == []
    place.studio.blind_tests.begin("base", "v1", PROMPTS, ("overall", "appeal"))
    place.label(1)
    assert departures(sent(place.studio.blind_tests.all_results()), list[BlindTestView]) == []
