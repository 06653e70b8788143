"""What app and sampler send each other comes out as it went in."""

from __future__ import annotations

import json

import pytest
from contract_checks import departures

from align.contracts.models import ModelInfo
from align.contracts.rendering import (
    HeartbeatMessage,
    Rendered,
    RenderItem,
    RenderRequest,
    RenderSettings,
    SamplerGreeting,
    SamplerMessage,
    SamplerState,
    ScoreRequest,
    read_greeting,
    read_message,
    read_request,
    to_line,
)

SETTINGS = RenderSettings(64, 64, 2, 4.0, "blurred", "EulerDiscreteScheduler")
RENDER: RenderRequest = {
    "id": 1,
    "items": [RenderItem("a cat\u2028with ümlauts", 7)],
    "adapters": [("run/adapter.safetensors", 0.5)],
    "settings": SETTINGS,
    "prefer_throughput": True,
    "preemptible": False,
}
SCORE: ScoreRequest = {
    "id": 2,
    "prompts": ["a cat"],
    "images": ["images/a.png"],
    "adapters": [],
    "settings": SETTINGS,
}
BEAT: HeartbeatMessage = {"heartbeat": {"phase": "idle", "work": 3}, "downloaded": 0}


def test_a_greeting_names_the_whole_model():
    model = ModelInfo("emoji", "emoji", "sdxl-0", "embedded", aliases=("sdxl-1", "-2"))
    greeting: SamplerGreeting = {
        "model": model,
        "images_dir": "images",
        "cpu_lock": None,
        "threads": 2,
        "heartbeat_interval_s": 5.0,
    }
    assert read_greeting(to_line(greeting)) == greeting


@pytest.mark.parametrize("request_", [RENDER, SCORE])
def test_a_request_comes_out_as_it_went_in(request_):
    line = to_line(request_)
    assert line.endswith("\n") and line.count("\n") == 1
    read = read_request(line)
    assert read | {"adapters": [tuple(adapter) for adapter in read["adapters"]]} == request_


@pytest.mark.parametrize(
    "message",
    [
        SamplerState("failed", "No such model.", "cuda", 8, 4, passing=True),
        BEAT,
        {"id": 1, "index": 0, "image": Rendered("ab" * 32, 64, 64)},
        {"id": 2, "index": 0, "score": 0.25},
        {"id": 1, "preempted": True},
        {"id": 1, "error": "The disk is full."},
    ],
)
def test_what_the_sampler_says_comes_out_as_it_went_in(message: SamplerMessage):
    assert read_message(to_line(message)) == message


def test_half_a_line_of_a_killed_sampler_is_no_message():
    with pytest.raises(ValueError, match="Unterminated"):
        read_message('{"id": 1, "err')


def test_a_value_that_departs_from_its_contract_is_told_where():
    beat = json.loads(to_line(BEAT))
    assert departures(beat, HeartbeatMessage) == []
    beat["heartbeat"]["work"] = "much"
    beat["more"] = 1
    assert departures(beat, HeartbeatMessage) == [
        " has more",
        ".heartbeat.work is 'much', no <class 'int'>",
    ]
