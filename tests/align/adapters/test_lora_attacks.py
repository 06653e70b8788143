"""Adapter files that were changed at random, or with intent, end in facts or in a sentence."""

from __future__ import annotations

import random
import time

import pytest
import torch
from lora_files import (
    CONV,
    QUERY,
    dora,
    full,
    full_lokr,
    glora,
    ia3,
    kohya,
    locon,
    loha,
    lokr,
    lora,
    oft,
    tucker_loha,
)
from safetensors.torch import save
from torch import Tensor

from align.errors import NotImportable
from align.weights.import_lora import import_file

pytestmark = pytest.mark.slow

MAKERS = (lora, loha, lokr, full_lokr, glora, ia3, oft, full, dora, locon, tucker_loha)
OF_CONVOLUTIONS = (locon, tucker_loha)
DTYPES = (torch.int8, torch.bool, torch.float64, torch.float8_e5m2, torch.int64, torch.bfloat16)
EMPTY = ((10**9, 0), (0, 10**9), (10**8, 0, 3), (0,))
"""Shapes that take no place in a file, and all memory once they are multiplied."""
CONFIGS = ("{}", "[]", '{"unet.r":"x"}', '{"unet.lora_alpha":[]}', '{"unet.alpha_pattern":[1]}',
           '{"unet.alpha_pattern":{"(a*)*":1}}', "null", "[" * 10_000)  # fmt: skip
SECONDS = 5.0
LONGEST = 600


def changed(weights: dict[str, Tensor], chance: random.Random) -> dict[str, Tensor]:
    """The same weights with one of them lost, renamed, or made another."""
    name = chance.choice(sorted(weights))
    weight = weights.pop(name)
    others = [
        {},
        {name + chance.choice([".default", ".weight", ".x", ".bias"]): weight},
        {chance.choice(["", ".", "unet.", "lora_te1_", "a.b."]) + name: weight},
        {name: torch.zeros(chance.choice(EMPTY))},
        {name: weight.to(chance.choice(DTYPES))},
        {name: weight.float() * float("nan")},
        {name: weight.reshape(*weight.shape, 1, 1)},
        {name: weight[: chance.randint(0, len(weight))] if weight.ndim else weight},
        {name: weight}
        | {f"{kohya(QUERY)}.{part}": w for part, w in chance.choice(MAKERS)().items()},
    ]
    return weights | chance.choice(others)


@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.__name__)
def test_a_changed_file_is_taken_or_refused_in_a_sentence(maker, model, tmp_path):
    file = tmp_path / "x.safetensors"
    layer = kohya(CONV if maker in OF_CONVOLUTIONS else QUERY)
    for seed in range(6):
        chance = random.Random(f"{maker.__name__} {seed}")
        weights = {f"{layer}.{part}": weight for part, weight in maker().items()}
        for _ in range(chance.randint(1, 3)):
            weights = changed(weights, chance) if weights else weights
        metadata = {"lora_adapter_metadata": chance.choice(CONFIGS)} if seed % 2 else None
        content = bytearray(save({n: w.contiguous() for n, w in weights.items()}, metadata))
        if seed == 5:
            content[chance.randrange(len(content) // 2)] ^= 1 << chance.randrange(8)
        file.write_bytes(content)
        started = time.monotonic()
        try:
            facts = import_file(file, model, tmp_path / "ours.safetensors")
            assert facts["kind"] in ("lora", "whole")
        except NotImportable as refused:
            assert str(refused).endswith(".") and len(str(refused)) < LONGEST
        # No more than a moment, and nothing that grows with the numbers in a shape.
        assert time.monotonic() - started < SECONDS


@pytest.mark.parametrize("words", [50_000, 1])
def test_a_header_of_countless_or_endless_names_is_refused_at_once(words, model, tmp_path):
    names = [f"lora_unet_{'unet.' * (100_000 // words)}{n}.lora_up.weight" for n in range(words)]
    file = tmp_path / "x.safetensors"
    file.write_bytes(save({name: torch.zeros(0) for name in names}))
    started = time.monotonic()
    with pytest.raises(NotImportable, match=r"another model|lacks|50,000 weights") as refused:
        import_file(file, model)
    assert time.monotonic() - started < SECONDS and len(str(refused.value)) < LONGEST
