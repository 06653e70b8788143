"""Where torch, a driver and a card do not fit: one sentence, with the command that mends it."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from align.client.devices.cuda_builds import X86_KERNELS, build_for, has_kernels, min_driver
from align.client.devices.installation import TORCH_VERSION, installation_notices
from align.client.devices.nvidia_smi import NvidiaCard
from align.client.devices.system import SystemFacts
from align.client.devices.torch_build import TorchBuild
from align.contracts.devices import GIB

ROOT = Path(__file__).parents[4]


def card(name: str, driver: str, capability: tuple[int, int] | None) -> NvidiaCard:
    return NvidiaCard(0, "GPU-5", name, driver, 12 * GIB, 11 * GIB, capability)


def torch(build: str) -> TorchBuild:
    return TorchBuild("2.13.0", build)


NEW = card("NVIDIA GeForce RTX 4070", "580.65.06", (8, 9))
PASCAL = card("NVIDIA GeForce GTX 1080", "580.65.06", (6, 1))
KEPLER = card("Tesla K80", "470.2", (3, 7))
BLACKWELL = card("NVIDIA GeForce RTX 5090", "581.1", (12, 0))
LINUX = SystemFacts("linux", "x86_64", torch("cu130"))
WITH_NVIDIA = replace(LINUX, nvidia=(NEW,), has_nvidia_smi=True)
MAC = SystemFacts("darwin", "arm64", torch("cpu"))
COMMAND = "pip install torch==2.13.0+{0} --index-url https://download.pytorch.org/whl/{0}"


@pytest.mark.parametrize(
    "facts",
    [
        LINUX,
        WITH_NVIDIA,
        MAC,
        replace(LINUX, torch=torch("cpu")),
        replace(WITH_NVIDIA, system="win32", machine="AMD64"),
        replace(WITH_NVIDIA, wsl=True),
        replace(LINUX, wsl=True, torch=torch("cpu")),
        replace(WITH_NVIDIA, nvidia=(PASCAL,), torch=torch("cu126")),
        replace(WITH_NVIDIA, nvidia=(BLACKWELL,)),
        # An old driver does not tell the capability, and is new enough for the build.
        replace(WITH_NVIDIA, nvidia=(replace(NEW, capability=None),)),
        replace(WITH_NVIDIA, nvidia=(replace(NEW, driver="530.1"),), torch=torch("cu126")),
        replace(WITH_NVIDIA, nvidia=(replace(NEW, driver="[N/A]"),)),
        # Kernels of other processors' builds are others.
        replace(WITH_NVIDIA, machine="aarch64", nvidia=(card("NVIDIA Thor", "580.1", (11, 0)),)),
        replace(LINUX, amd=(16 * GIB,), torch=torch("rocm7.2")),
        replace(LINUX, intel=1, torch=torch("xpu")),
        # With several kinds, NVIDIA's is the one that is used.
        replace(WITH_NVIDIA, amd=(16 * GIB,), intel=1),
    ],
)
def test_nothing_is_said_where_all_fits(facts):
    assert installation_notices(facts) == []


@pytest.mark.parametrize(
    ("facts", "told", "command"),
    [
        (replace(LINUX, torch=None), "torch is not installed", "pip install torch==2.13.0"),
        (
            replace(WITH_NVIDIA, torch=torch("cpu")),
            "RTX 4070 is here, but this torch is the build for CPUs",
            COMMAND.format("cu130"),
        ),
        (
            replace(WITH_NVIDIA, torch=torch("cpu"), nvidia=(replace(NEW, driver="551.2"),)),
            "the build for CPUs",
            COMMAND.format("cu126"),
        ),
        (
            replace(WITH_NVIDIA, torch=torch("cpu"), nvidia=(PASCAL,)),
            "GTX 1080 is here",
            COMMAND.format("cu126"),
        ),
        (
            replace(WITH_NVIDIA, torch=torch("cpu"), nvidia=(replace(BLACKWELL, driver="570.1"),)),
            "Update its driver 570.1 to 580 or later",
            COMMAND.format("cu130"),
        ),
        (
            replace(WITH_NVIDIA, nvidia=(replace(NEW, driver="560.35"),)),
            "The NVIDIA driver 560.35 is too old for this torch (cu130), which needs 580 or later",
            COMMAND.format("cu126"),
        ),
        (
            replace(WITH_NVIDIA, nvidia=(replace(NEW, driver="470.2", capability=None),)),
            "470.2 is too old",
            "(https://www.nvidia.com/drivers).",
        ),
        (
            replace(WITH_NVIDIA, nvidia=(replace(NEW, driver="450.1"),), torch=torch("cu126")),
            "which needs 525 or later",
            "(https://www.nvidia.com/drivers).",
        ),
        (
            replace(WITH_NVIDIA, nvidia=(PASCAL,)),
            "This torch (cu130) has no kernels for NVIDIA GeForce GTX 1080, of compute capability "
            "6.1.",
            COMMAND.format("cu126"),
        ),
        (
            replace(WITH_NVIDIA, nvidia=(NEW, BLACKWELL), torch=torch("cu126")),
            "no kernels for NVIDIA GeForce RTX 5090",
            COMMAND.format("cu130"),
        ),
        (
            replace(
                WITH_NVIDIA, nvidia=(card("Tesla K80", "470.2", (3, 7)),), torch=torch("cu126")
            ),
            "no kernels for Tesla K80",
            "name another card or --devices cpu.",
        ),
        (
            replace(LINUX, has_nvidia_smi=True),
            "nvidia-smi is here and lists no card",
            "(https://www.nvidia.com/drivers).",
        ),
        (replace(LINUX, wsl=True), "No NVIDIA driver reaches WSL", "wsl --shutdown"),
        (
            replace(LINUX, amd=(16 * GIB,)),
            "An AMD card is here, but this torch is the build cu130",
            COMMAND.format("rocm7.2"),
        ),
        (
            replace(LINUX, intel=1, torch=torch("cpu")),
            "An Intel Arc card is here, but this torch is the build cpu",
            COMMAND.format("xpu"),
        ),
        (
            replace(MAC, machine="x86_64"),
            "This Python is one for Intel Macs",
            "brew install python@3.12",
        ),
    ],
)
def test_what_does_not_fit_is_told_with_the_command_that_mends_it(facts, told, command):
    sentences = installation_notices(facts)
    assert any(told in sentence for sentence in sentences)
    assert any(command in sentence for sentence in sentences)


def test_the_commands_install_the_version_that_is_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert f"torch=={TORCH_VERSION}" in project["dependencies"]


@pytest.mark.parametrize(
    ("cuda", "driver"), [((11, 8), 450), ((12, 6), 525), ((13, 0), 580), ((13, 2), 580)]
)
def test_a_major_version_of_cuda_needs_one_driver(cuda, driver):
    assert min_driver(cuda) == driver


@pytest.mark.parametrize(
    ("capability", "cu126", "cu130"),
    [
        ((3, 7), False, False),
        ((5, 2), True, False),
        ((6, 1), True, False),
        ((7, 0), True, False),
        ((7, 5), True, True),
        ((8, 6), True, True),
        ((8, 9), True, True),
        ((9, 0), True, True),
        ((10, 3), False, True),
        ((12, 0), False, True),
        ((12, 1), False, True),
    ],
)
def test_builds_have_kernels_for_these_cards(capability, cu126, cu130):
    assert has_kernels((12, 6), capability) == cu126
    assert has_kernels((13, 0), capability) == cu130
    # A build that nobody listed is given the benefit of the doubt.
    assert has_kernels((14, 0), capability)


def test_kernels_are_those_that_torch_itself_lists():
    spec = importlib.util.find_spec("torch")
    assert spec is not None and spec.origin is not None
    text = (Path(spec.origin).parent / "cuda" / "__init__.py").read_text("utf-8")
    for (major, minor), kernels in X86_KERNELS.items():
        told = ", ".join(map(str, kernels))
        assert re.search(rf'"{major}.{minor}": {{\s*"x86_64": {{{told}}}', text)


def test_the_newest_build_that_serves_both_card_and_driver_is_named():
    assert build_for("580.1", (8, 9)) == (13, 0)
    assert build_for("579.9", (8, 9)) == (12, 6)
    assert build_for("580.1", None) == (13, 0)
    assert build_for("520.1", (8, 9)) is None
    assert build_for("570.1", (12, 0)) is None
