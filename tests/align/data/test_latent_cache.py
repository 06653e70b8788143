"""What is computed once is found again, and nothing else is."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from align.data.latent_cache import MAX_FILES, ErrorCache, TensorCache, content_key, fingerprint

KEYS = [content_key(number) for number in range(3)]


def test_tensors_come_back_to_the_bit(tmp_path):
    cache, latent = TensorCache(tmp_path), torch.randn(4, 16, 16)
    assert cache.get(KEYS[0]) is None
    cache.put(KEYS[0], {"latent": latent})
    assert torch.equal(TensorCache(tmp_path).get(KEYS[0])["latent"], latent)
    assert cache.get(KEYS[1]) is None


@pytest.mark.parametrize("damage", [lambda b: b[:-3], lambda b: b[:-1] + b"\x7f", lambda b: b""])
def test_a_damaged_file_is_as_good_as_none(tmp_path, damage):
    cache = TensorCache(tmp_path)
    cache.put(KEYS[0], {"latent": torch.ones(4)})
    file = next(tmp_path.rglob("*.safetensors"))
    file.write_bytes(damage(file.read_bytes()))
    assert cache.get(KEYS[0]) is None


@pytest.mark.slow
@given(st.lists(st.floats(0, 10, width=32), min_size=3, max_size=3))
def test_errors_come_back_to_the_bit_and_only_if_all_are_known(tmp_path_factory, values):
    folder = tmp_path_factory.mktemp("errors")
    errors_2B = torch.tensor([values, values[::-1]], dtype=torch.float32)
    cache = ErrorCache(folder)
    assert cache.get(KEYS) is None
    cache.put(KEYS[:2], errors_2B[:, :2])
    assert cache.get(KEYS) is None
    cache.put(KEYS[2:], errors_2B[:, 2:])
    cache.flush()
    assert torch.equal(ErrorCache(folder).get(KEYS), errors_2B)


def test_what_is_known_stays_as_it_was_first(tmp_path):
    cache = ErrorCache(tmp_path)
    cache.put(KEYS[:1], torch.tensor([[1.0], [2.0]]))
    cache.put(KEYS[:1], torch.tensor([[3.0], [4.0]]))
    assert cache.get(KEYS[:1]).flatten().tolist() == [1.0, 2.0]


def test_what_was_not_flushed_is_not_there_for_others(tmp_path):
    cache = ErrorCache(tmp_path)
    cache.put(KEYS[:1], torch.ones(2, 1))
    assert len(ErrorCache(tmp_path)) == 0
    cache.flush()
    cache.flush()
    assert len(list(tmp_path.iterdir())) == 1


def test_a_damaged_error_file_is_counted_and_left_out(tmp_path):
    for key in KEYS[:2]:
        cache = ErrorCache(tmp_path)
        cache.put([key], torch.ones(2, 1))
        cache.flush()
    file = next(tmp_path.iterdir())
    file.write_bytes(file.read_bytes()[:-1] + b"\x01")
    cache = ErrorCache(tmp_path)
    assert (cache.damaged, len(cache)) == (1, 1)


def test_many_files_become_one(tmp_path):
    for number in range(MAX_FILES + 1):
        cache = ErrorCache(tmp_path)
        cache.put([content_key(number)], torch.full((2, 1), float(number)))
        cache.flush()
    ErrorCache(tmp_path).merge()
    assert len(list(tmp_path.iterdir())) == 1
    assert ErrorCache(tmp_path).get([content_key(7)]).flatten().tolist() == [7.0, 7.0]


def test_a_fingerprint_sees_any_change_of_any_weight():
    network = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.Linear(64, 3))
    before = fingerprint(network)
    assert fingerprint(network) == before
    with torch.no_grad():
        network[0].weight[13, 37] += 1e-3
    changed = fingerprint(network)
    assert changed != before
    assert fingerprint(network.bfloat16()) != changed
