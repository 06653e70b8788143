"""The sentences about a look as plain values: no server needed."""

import pytest

from annotate.web.html.look_cards import look_line

LOOK = {
    "steps": 3,
    "guidance": 1.7,
    "sizes": ["64 x 64"],
    "clip_skip": 1,
    "negative_prompt": "",
    "prompt_prefix": "",
    "prompt_suffix": "",
    "loras": [],
}


@pytest.mark.parametrize(
    ("scheduler", "name"),
    [("UniPCMultistepScheduler", "UniPC"), ("EulerDiscreteScheduler", "Euler"), ("Euler a",) * 2],
)
def test_the_line_of_a_look_names_its_sampler_as_the_form_does(scheduler, name):
    line = look_line(LOOK | {"scheduler": scheduler})
    assert line == f"3 steps · guidance 1.7 · 64 x 64 · {name}"
