"""What a system is asked, by the files and the program that answer."""

from __future__ import annotations

import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest
from fake_nvidia_smi import write_nvidia_smi

from align.client.devices import nvidia_smi
from align.client.devices.chosen_devices import Card
from align.client.devices.nvidia_smi import NvidiaCard, nvidia_cards, read_cards
from align.client.devices.system import (
    SystemFacts,
    amd_cards,
    intel_cards,
    is_wsl,
    named_cards,
    system_facts,
)
from align.client.devices.torch_build import TorchBuild, read_build, torch_build
from align.contracts.devices import GIB

QUERY = "--query-gpu={} --format=csv,noheader,nounits"
FIELDS = "index,uuid,name,driver_version,memory.total,memory.free"
LINE = "{}, GPU-{}, NVIDIA GeForce RTX 4070, 580.65.06, 12282, 11000"
CARD = NvidiaCard(
    0, "GPU-5", "NVIDIA GeForce RTX 4070", "580.65.06", 12282 * 2**20, 11000 * 2**20, (8, 9)
)


def test_cards_are_read_from_lines_and_errors_are_none():
    text = f"{LINE.format(0, 5)}, 8.9\n{LINE.format(1, 6)}, [N/A]\n"
    first, second = read_cards(text)
    assert first == CARD
    assert (second.index, second.uuid, second.capability) == (1, "GPU-6", None)
    assert read_cards('Field "compute_cap" is not a valid field to query.\n') == []
    assert read_cards("No devices were found") == []
    assert read_cards("², GPU-5, NVIDIA ², ², ², ², ².²") == []
    (shared,) = read_cards("0, GPU-5, NVIDIA GB10, 580.1, [N/A], [N/A], 12.1")
    assert (shared.memory_total, shared.capability) == (0, (12, 1))


@pytest.mark.slow
def test_nvidia_smi_is_asked_and_an_old_one_asked_again(tmp_path, monkeypatch):
    new = QUERY.format(f"{FIELDS},compute_cap")
    write_nvidia_smi(tmp_path, monkeypatch, {new: f"{LINE.format(0, 5)}, 8.9"})
    assert nvidia_cards() == [CARD]
    write_nvidia_smi(tmp_path, monkeypatch, {QUERY.format(FIELDS): LINE.format(0, 5)})
    assert [card.capability for card in nvidia_cards()] == [None]
    facts = system_facts()
    assert facts.has_nvidia_smi and len(facts.nvidia) == 1
    assert facts.torch is not None and facts.torch == torch_build()


@pytest.mark.slow
def test_one_that_hangs_or_fails_lists_no_card_and_holds_nobody_up(tmp_path, monkeypatch):
    monkeypatch.setattr(nvidia_smi, "TIMEOUT_S", 0.3)
    write_nvidia_smi(tmp_path, monkeypatch, {QUERY.format(f"{FIELDS},compute_cap"): "hang"})
    assert nvidia_cards() == []
    write_nvidia_smi(tmp_path, monkeypatch, {})
    facts = system_facts()
    assert (facts.has_nvidia_smi, facts.nvidia) == (True, ())


@pytest.mark.slow
def test_one_that_cannot_even_be_ended_holds_nobody_up(tmp_path, monkeypatch):
    """As in a kernel that waits for its driver."""
    started = []
    monkeypatch.setattr(subprocess.Popen, "kill", lambda process: started.append(process))
    monkeypatch.setattr(nvidia_smi, "TIMEOUT_S", 0.3)
    write_nvidia_smi(tmp_path, monkeypatch, {QUERY.format(f"{FIELDS},compute_cap"): "hang"})
    assert nvidia_cards() == []
    (process,) = started
    assert process.poll() is None
    process.terminate()


def add_card(drm: Path, number: int, **files: str) -> None:
    folder = drm / f"card{number}" / "device"
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(f"{text}\n", "utf-8")


def test_amd_cards_are_told_from_graphics_units_by_their_memory(tmp_path):
    add_card(tmp_path, 0, vendor="0x1002", mem_info_vram_total=str(GIB // 2))
    add_card(tmp_path, 1, vendor="0x1002", mem_info_vram_total=str(16 * GIB))
    add_card(tmp_path, 2, vendor="0x10de")
    (tmp_path / "card1-HDMI-A-1").mkdir()
    assert amd_cards(tmp_path) == [16 * GIB]
    assert amd_cards(tmp_path / "none") == []


def test_intel_cards_are_told_from_graphics_units_by_their_number(tmp_path):
    add_card(tmp_path, 0, vendor="0x8086", device="0xa7a0")
    add_card(tmp_path, 1, vendor="0x8086", device="0x56a0")
    add_card(tmp_path, 2, vendor="0x8086", device="0xe20b")
    add_card(tmp_path, 3, vendor="0x8086")
    assert intel_cards(tmp_path) == 2


def test_wsl_is_known_by_its_kernel(tmp_path):
    kernel = tmp_path / "version"
    assert not is_wsl(kernel)
    kernel.write_text("Linux version 6.6.87.2-microsoft-standard-WSL2", "utf-8")
    assert is_wsl(kernel)


@pytest.mark.parametrize(
    ("facts", "cards"),
    [
        (SystemFacts("linux", "x86_64", None), []),
        (SystemFacts("darwin", "arm64", None), []),
        (SystemFacts("linux", "x86_64", None, nvidia=(CARD,)), [Card(0, "GPU-5")]),
        (SystemFacts("linux", "x86_64", None, amd=(16 * GIB,)), None),
        (SystemFacts("win32", "AMD64", None), None),
    ],
)
def test_cards_can_be_named_where_somebody_lists_them(facts, cards):
    assert named_cards(facts) == cards


VERSION_FILE = """from typing import Optional
__all__ = ['__version__', 'debug', 'cuda', 'git_version', 'hip', 'rocm', 'xpu']
__version__ = '{version}'
debug = False
cuda: Optional[str] = {cuda}
git_version = 'cf30153'
hip: Optional[str] = {hip}
xpu: Optional[str] = {xpu}
"""


@pytest.mark.parametrize(
    ("named", "cuda", "hip", "xpu", "build", "numbers"),
    [
        ("2.13.0+cpu", None, None, None, "cpu", None),
        ("2.13.0", None, None, None, "cpu", None),
        ("2.13.0+cu130", "13.0", None, None, "cu130", (13, 0)),
        ("2.13.0", "12.6", None, None, "cu126", (12, 6)),
        ("2.13.0+rocm7.2", None, "7.2.26015", None, "rocm7.2", None),
        ("2.13.0", None, "7.2.26015", None, "rocm7.2", None),
        ("2.13.0+xpu", None, None, "20250301", "xpu", None),
    ],
)
def test_the_build_of_torch_is_read_without_importing_it(named, cuda, hip, xpu, build, numbers):
    told = {"cuda": repr(cuda), "hip": repr(hip), "xpu": repr(xpu)}
    found = read_build(VERSION_FILE.format(version=named, **told))
    assert found == TorchBuild("2.13.0", build)
    assert found.cuda == numbers


@pytest.mark.parametrize("text", ["", "def (", "__version__ = version()", "\0"])
def test_a_broken_file_tells_no_build(text):
    assert read_build(text) is None


def test_the_installed_torch_is_found():
    found = torch_build()
    assert found is not None and found.version == version("torch").partition("+")[0]
