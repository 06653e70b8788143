from __future__ import annotations

import torch
from diffusers import DDPMScheduler
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from align.batch import Draw, draws_of_step
from align.noise import corrupt, draw, shuffled

SHAPE = (4, 8, 8)


@given(st.integers(0, 2**31), st.text(max_size=20), st.integers(0, 10_000))
def test_equal_keys_give_equal_draws(seed, pair, index):
    noise, timestep = draw(seed, pair, index, SHAPE, 1000)
    again, timestep_again = draw(seed, pair, index, SHAPE, 1000)
    assert torch.equal(noise, again) and timestep == timestep_again
    assert 0 <= timestep < 1000


def test_every_part_of_the_key_matters():
    noise, _ = draw(0, "pair", 0, SHAPE, 1000)
    for key in ((1, "pair", 0), (0, "other", 0), (0, "pair", 1)):
        assert not torch.equal(noise, draw(*key, SHAPE, 1000)[0])


def test_timesteps_of_a_pair_cover_the_schedule_evenly():
    timesteps = torch.tensor([draw(0, "pair", k, (1,), 1000)[1] for k in range(100)])
    assert torch.histc(timesteps.float(), bins=10, min=0, max=1000).min() >= 9


def test_noise_is_standard_normal():
    values = torch.stack([draw(0, "pair", k, SHAPE, 1000)[0] for k in range(200)])
    assert abs(values.mean()) < 0.01 and abs(values.std() - 1) < 0.01


def test_epsilon_models_predict_the_noise_and_v_models_the_velocity():
    latents, noise = torch.randn(3, *SHAPE), torch.randn(3, *SHAPE)
    timesteps = torch.tensor([1, 500, 998])
    epsilon, v = DDPMScheduler(), DDPMScheduler(prediction_type="v_prediction")
    noisy, target = corrupt(epsilon, latents, noise, timesteps)
    assert torch.equal(target, noise)
    _, velocity = corrupt(v, latents, noise, timesteps)
    alpha = epsilon.alphas_cumprod[timesteps].sqrt().view(-1, 1, 1, 1)
    sigma = (1 - alpha**2).sqrt()
    assert_close(noisy, alpha * latents + sigma * noise)
    assert_close(velocity, alpha * noise - sigma * latents)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 5))
def test_every_epoch_visits_every_pair_once(count, batch, seed):
    steps = -(-3 * count // batch)
    draws = [d for step in range(steps) for d in draws_of_step(step, batch, count, seed)]
    for epoch in range(3):
        rows = sorted(d.row for d in draws if d.index == epoch)
        assert rows == list(range(count))
    assert len(set(draws)) == len(draws)


def test_the_order_changes_from_epoch_to_epoch():
    assert shuffled(0, 0, 50) != shuffled(0, 1, 50)
    assert draws_of_step(0, 2, 50, 0) == [Draw(row, 0) for row in shuffled(0, 0, 50)[:2]]
