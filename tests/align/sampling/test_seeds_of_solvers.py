"""A seed decides the whole image, also with solvers that add noise in between."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from align.contracts.rendering import RenderItem
from align.contracts.solvers import SOLVERS
from align.sampling.image_sampler import render_settings
from align.sampling.render import render

pytestmark = pytest.mark.slow

NOISY = ("Euler a", "DPM2 a", "DPM++ 2M SDE", "LCM", "TCD")


@pytest.mark.filterwarnings("ignore:__array:DeprecationWarning")
@pytest.mark.parametrize("solver", NOISY)
def test_a_solver_that_adds_noise_takes_it_from_the_seed(solver, model, pipeline, compute):
    assert solver in {known.name for known in SOLVERS}
    settings = replace(render_settings(model), scheduler=solver, steps=3)
    images = []
    for chance in (1, 2):
        torch.manual_seed(chance)
        (image,) = render(pipeline, compute, [RenderItem("a cat", 7)], settings)
        images.append(image.tobytes())
    assert images[0] == images[1]
