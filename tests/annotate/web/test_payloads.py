"""Payloads of the page's scripts are read in one place, and refused in the sentences of before."""

from __future__ import annotations

import pytest

from annotate.errors import InvalidRequest
from annotate.web.payloads import (
    EVENTS,
    PairsRequest,
    SessionGoal,
    SessionRequest,
    StatusRequest,
    VoteEvent,
    read,
    read_event,
)

VOTE = {"kind": "vote", "key": "k", "annotator": "ada", "pair_id": "p", "verdict": "left"}


@pytest.mark.parametrize(
    ("model", "sent", "missing"),
    [
        (PairsRequest, None, "have"),
        (PairsRequest, {"have": "p1", "want": 1, "annotator": ""}, "have"),
        (PairsRequest, {"have": [], "want": True, "annotator": ""}, "want"),
        (PairsRequest, {"have": [], "want": 1.0, "annotator": ""}, "want"),
        (PairsRequest, {"have": [], "want": 1}, "annotator"),
        (StatusRequest, ["ada"], "annotator"),
        (SessionRequest, {"annotator": "ada", "action": None}, "action"),
        (SessionGoal, {"goal": "5"}, "goal"),
    ],
)
def test_the_first_field_that_is_missing_or_of_another_type_is_named(model, sent, missing):
    with pytest.raises(InvalidRequest) as refused:
        read(model, sent)
    assert str(refused.value) == f"The request lacks {missing!r}. Reload the page."


@pytest.mark.parametrize("left_out", ["kind", "key", "annotator", "pair_id", "verdict"])
def test_a_vote_needs_each_of_its_fields(left_out):
    with pytest.raises(InvalidRequest, match=f"lacks '{left_out}'"):
        read_event({name: value for name, value in VOTE.items() if name != left_out})


def test_ids_of_pairs_are_texts():
    with pytest.raises(InvalidRequest, match="'have' must be a list of pair ids"):
        read(PairsRequest, {"have": ["p1", 2], "want": 1, "annotator": ""})


def test_an_unknown_kind_of_event_is_named_with_those_that_there_are():
    with pytest.raises(InvalidRequest) as refused:
        read_event({"kind": "applause", "key": "k"})
    kinds = "vote, undo, remark, report, ranking"
    assert str(refused.value) == f"'applause' is no kind of event. Send one of {kinds}."
    assert ", ".join(EVENTS) == kinds


def test_what_a_newer_page_adds_is_ignored_and_odd_texts_pass_to_whoever_judges_them():
    event = read_event(VOTE | {"pair_id": "\ud800", "response_ms": "soon", "mood": 7})
    assert isinstance(event, VoteEvent)
    assert (event.pair_id, event.response_ms) == ("\ud800", "soon")


def test_a_blind_test_is_named_by_a_text_or_not_at_all():
    asked = {"annotator": "ada"}
    assert read(StatusRequest, asked | {"trial": "t0001"}).blind_test == "t0001"
    assert read(StatusRequest, asked | {"trial": 7}).blind_test == ""
    assert read(StatusRequest, asked).blind_test == ""
