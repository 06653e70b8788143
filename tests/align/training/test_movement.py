"""How far a version has moved from its base, where the answer is known."""

from __future__ import annotations

import pytest
import torch
from accelerate import Accelerator
from diffusers import DDPMScheduler, EDMEulerScheduler, FlowMatchEulerDiscreteScheduler
from toy_runs import prepare_run, write_shapes

from align.client.planning.costs import MOVEMENT_PAIRS
from align.client.progress import Reporter
from align.client.run_folder import RunFolder
from align.device import choose_compute
from align.diffusion.schedules import corrupt, velocities
from align.training.movement import movement_rows, relative_change
from align.training.results import movement_of
from align.training.state import prepare_training

pytestmark = pytest.mark.slow


def test_a_change_is_counted_as_a_share_of_the_whole():
    whole = [torch.full((2, 2), 2.0), torch.full((2, 2), 4.0)]
    assert relative_change([0.1 * each for each in whole], whole) == pytest.approx(0.1)
    # Mean squares: one half changed by all of itself, the other by nothing.
    assert relative_change([torch.ones(4), torch.zeros(4)], [torch.ones(4)] * 2) == 0.5**0.5
    assert relative_change([torch.zeros(4)], [torch.ones(4)]) == 0
    assert relative_change([], []) == 0


@pytest.mark.parametrize(
    "scheduler",
    [
        DDPMScheduler(prediction_type="epsilon"),
        DDPMScheduler(prediction_type="v_prediction"),
        DDPMScheduler(prediction_type="sample"),
        FlowMatchEulerDiscreteScheduler(shift=3.0),
        EDMEulerScheduler(),
    ],
    ids=["epsilon", "velocity", "sample", "flow", "edm"],
)
def test_what_would_render_another_image_by_as_much_counts_as_much(scheduler):
    generator = torch.Generator().manual_seed(0)
    latents, noise = (torch.randn(2, 4, 3, 3, generator=generator) for _ in range(2))
    timesteps, shift = torch.tensor([200, 600]), 1e-3
    true, scale = velocities(scheduler, latents, noise, timesteps)

    # The same noisy image, explained by another one: noise and image change against each other.
    noisy, target = corrupt(scheduler, latents, noise, timesteps)
    if isinstance(scheduler, EDMEulerScheduler):
        assert torch.equal(true, target) and scale.tolist() == [1, 1]
        return
    alpha, sigma = parts(scheduler, timesteps)
    other = noise - shift * alpha / sigma
    again, predicted = corrupt(scheduler, latents + shift, other, timesteps)
    assert torch.allclose(again, noisy, atol=1e-5)
    velocity, _ = velocities(scheduler, latents + shift, other, timesteps)
    change = (predicted - target) * scale.view(-1, 1, 1, 1)
    # By size alone: an image and its velocity change in opposite directions.
    assert torch.allclose(change.abs(), (velocity - true).abs(), atol=1e-5)


def parts(scheduler, timesteps):
    """α and σ of noisy = α image + σ noise, up to the scale that both share."""
    if isinstance(scheduler, FlowMatchEulerDiscreteScheduler):
        level = (timesteps + 1) / 1000
        time = (3 * level / (1 + 2 * level)).view(-1, 1, 1, 1)
        return 1 - time, time
    signal = scheduler.alphas_cumprod[timesteps].view(-1, 1, 1, 1)
    return signal.sqrt(), (1 - signal).sqrt()


def test_it_is_measured_on_the_same_pairs_whatever_their_order_and_number():
    keys = [f"pair {number}" for number in range(40)]
    chosen = {keys[row] for row in movement_rows(keys)}
    assert len(chosen) == MOVEMENT_PAIRS
    assert {keys[::-1][row] for row in movement_rows(keys[::-1])} == chosen
    assert len(movement_rows(keys[:3])) == 3


@pytest.fixture(scope="module")
def state(tmp_path_factory, model):
    folder = tmp_path_factory.mktemp("moved")
    snapshot = write_shapes(folder / "snapshot", [((64, 64),) * 2, ((48, 96),) * 2])
    run = RunFolder(prepare_run(folder / "run", snapshot, model, precision="fp32"))
    report, accelerator = Reporter(run, 3, writes=False), Accelerator(cpu=True)
    return prepare_training(run, report, accelerator, choose_compute("fp32"), folder / "cache")


def test_an_adapter_that_changes_nothing_has_not_moved(state):
    assert movement_of(state) == 0


def test_it_is_the_same_however_many_levels_go_at_once(state):
    before = state.trainable.state()
    state.trainable.restore({n: w + 1e-3 if "lora_B" in n else w for n, w in before.items()})
    found = []
    for at_once in (1, 2, 3, 9):
        state.progress.micro_batch_size = at_once
        found.append(movement_of(state))
    assert found[0] > 0 and found == pytest.approx([found[0]] * 4, rel=1e-4)
    state.trainable.restore(before)


def test_twice_the_strength_is_twice_as_far_for_small_adapters(state):
    before = state.trainable.state()

    def at(strength: float) -> float:
        generator = torch.Generator().manual_seed(1)
        noise = {n: torch.randn(w.shape, generator=generator) for n, w in before.items()}
        weights = {
            name: 1e-3 * strength * noise[name] if "lora_B" in name else weight
            for name, weight in before.items()
        }
        state.trainable.restore(weights)
        return movement_of(state)

    one, two, four = at(1.0), at(2.0), at(4.0)
    assert 0 < one < 0.05
    assert two / one == pytest.approx(2, rel=0.02) and four / one == pytest.approx(4, rel=0.05)
    # On the same inputs: the same number to the bit.
    assert at(1.0) == one
    state.trainable.restore(before)
