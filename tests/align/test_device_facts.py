"""Facts of the device, asked of torch."""

from __future__ import annotations

from types import SimpleNamespace

import psutil
import pytest
import torch

from align.device import Compute, choose_compute
from align.device_facts import (
    attention_kernel,
    device_facts,
    instruction_set,
    torch_build,
    visible_index,
)

pytestmark = pytest.mark.slow


def test_this_machine_is_told(monkeypatch):
    compute = choose_compute()
    facts = device_facts(compute)
    assert (facts.kind, facts.index, facts.uuid) == ("cpu", None, "")
    assert facts.memory_total == psutil.virtual_memory().total >= facts.memory_free > 0
    assert facts.name and facts.weight_format == "fp32"
    assert facts.number_format == ("fp32" if compute.autocast is None else "bf16")
    assert facts.torch == torch.__version__.split("+")[0]
    assert facts.build == "cpu"
    assert (facts.instructions == "AVX512-BF16") == torch.cpu._is_avx512_bf16_supported()


def test_torch_says_which_kernel_its_attention_takes():
    cpu = torch.device("cpu")
    assert attention_kernel(Compute(cpu, torch.float32, None)) in ("flash", "plain")
    # Where torch cannot say, nothing is claimed.
    assert attention_kernel(Compute(torch.device("meta"), torch.float32, None)) in ("", "plain")


def test_a_cpu_is_known_by_its_widest_instructions(monkeypatch):
    monkeypatch.setattr("torch.cpu._is_avx512_bf16_supported", lambda: False)
    for told, instructions in {"AVX2": "AVX2", "AVX512": "AVX512", "DEFAULT": ""}.items():
        monkeypatch.setattr("torch.backends.cpu.get_cpu_capability", lambda told=told: told)
        assert instruction_set() == instructions


@pytest.mark.parametrize(
    ("version", "cuda", "hip", "xpu", "build"),
    [
        ("2.13.0+cpu", None, None, None, "cpu"),
        ("2.13.0", None, None, None, "cpu"),
        ("2.13.0", "13.0", None, None, "cu130"),
        ("2.13.0+rocm7.1", None, "7.1.25424", None, "rocm7.1"),
        ("2.13.0+xpu", None, None, "20250301", "xpu"),
    ],
)
def test_the_build_is_known_by_what_it_was_built_for(monkeypatch, version, cuda, hip, xpu, build):
    monkeypatch.setattr(torch, "__version__", version)
    monkeypatch.setattr("torch.version.cuda", cuda)
    monkeypatch.setattr("torch.version.hip", hip)
    monkeypatch.setattr("torch.version.xpu", xpu)
    assert torch_build() == ("2.13.0", build)


@pytest.mark.parametrize(
    ("environment", "index"),
    [
        ({}, 0),
        ({"CUDA_VISIBLE_DEVICES": "2,3"}, 2),
        ({"HIP_VISIBLE_DEVICES": "1"}, 1),
        ({"CUDA_VISIBLE_DEVICES": "GPU-5"}, 0),
    ],
)
def test_a_card_keeps_its_number_where_others_are_hidden(monkeypatch, environment, index):
    monkeypatch.setattr("torch.cuda.current_device", lambda: 0)
    assert visible_index(environment) == index


def test_a_card_is_named_as_nvidia_smi_names_it(monkeypatch):
    card = SimpleNamespace(name="NVIDIA L4", uuid="5-6", major=8, minor=9)
    monkeypatch.setattr("torch.cuda.current_device", lambda: 0)
    monkeypatch.setattr("torch.cuda.get_device_properties", lambda _: card)
    monkeypatch.setattr("torch.cuda.mem_get_info", lambda: (20, 24))
    monkeypatch.setattr("align.device_facts.attention_kernel", lambda _: "flash")
    facts = device_facts(Compute(torch.device("cuda"), torch.bfloat16, torch.bfloat16))
    assert (facts.name, facts.uuid, facts.capability) == ("NVIDIA L4", "GPU-5-6", "8.9")
    assert (facts.memory_total, facts.memory_free) == (24, 20)
    assert facts.summary().endswith("bf16, flash attention")
