"""The devices of a run: what its process is shown, and whether the image model may go on."""

from __future__ import annotations

import json
import stat
import sys
from dataclasses import replace

import pytest
from running import wait_for

from align.client.config import configure
from align.client.converter import ConverterProcess
from align.client.devices.chosen_devices import Card, choose_devices
from align.client.devices.installation import installation_notices
from align.client.devices.nvidia_smi import NvidiaCard
from align.client.devices.setup import trainer_devices, used_by
from align.client.devices.sharing import takes_turns
from align.client.devices.system import SystemFacts
from align.client.devices.torch_build import TorchBuild
from align.client.models import describe_model
from align.client.run_config import RunConfig
from align.client.run_folder import RunFolder
from align.client.trainer import TrainerProcess
from align.contracts.devices import GIB
from align.contracts.rendering import SamplerState
from align.errors import ConversionFailed, InvalidSettings

CARDS = [Card(0, "GPU-aa"), Card(1, "GPU-bb"), Card(2, "GPU-cc")]
TELLS = """#!{python}
import json, os, sys
names = ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "PALATE_DEVICE")
print(json.dumps({{name: os.environ.get(name) for name in names}}), file=sys.{stream})
sys.exit(1)
"""
"""A program in place of Python that tells what it is shown."""


def ready(device: str, total: int, used: int) -> SamplerState:
    return SamplerState("ready", "", device, total * GIB, used * GIB)


@pytest.mark.parametrize(
    ("state", "full_size", "apart", "turns"),
    [
        (ready("cuda", 24, 8), True, False, False),
        (ready("cuda", 12, 8), True, False, True),
        # Each has a card of its own.
        (ready("cuda", 12, 8), True, True, False),
        (ready("cuda", 12, 8), False, False, False),
        # In main memory that is not the card's.
        (ready("cpu", 8, 7), False, False, False),
        (ready("cpu", 8, 7), True, False, True),
        (ready("cpu", 8, 7), True, True, False),
        # On a Mac never both, however much is free.
        (ready("mps", 128, 20), True, False, True),
        (ready("mps", 16, 4), False, False, False),
        (ready("mps", 8, 7), False, False, True),
        (SamplerState("ready", "", "cuda"), True, False, False),
    ],
)
def test_a_run_and_the_image_model_take_turns_where_both_do_not_fit(state, full_size, apart, turns):
    model = replace(describe_model(), preset="sdxl" if full_size else "embedded")
    needed = (12 if full_size else 2) * GIB
    assert takes_turns(state, model, needed, 4 * GIB, apart) == turns


def test_a_run_with_a_card_of_its_own_stops_nobody():
    model, state = replace(describe_model(), preset="sdxl"), ready("cuda", 12, 11)
    alone = choose_devices("0", CARDS, mac=False).of_trainer("cu130")
    apart = choose_devices("0,1", CARDS, mac=False).of_trainer("cu130")
    assert TrainerProcess(devices=alone).needs_sampler_stopped(model, state)
    assert not TrainerProcess(devices=apart).needs_sampler_stopped(model, state)


def test_a_run_is_planned_for_the_card_that_it_has_to_itself():
    names = {0: ("NVIDIA GeForce RTX 4090", 24), 1: ("NVIDIA GeForce RTX 3060", 12)}
    nvidia = tuple(
        NvidiaCard(index, "", name, "580.1", memory * GIB, 0)
        for index, (name, memory) in {**names, 2: ("NVIDIA L4", 24)}.items()
    )
    facts = SystemFacts("linux", "x86_64", None, nvidia, True)
    model = replace(describe_model(), preset="sdxl", width=1024, height=1024)
    big = ready("cuda", 24, 8)

    def planned(named: str) -> dict:
        chosen = choose_devices(named, CARDS, mac=False)
        trainer = TrainerProcess(devices=trainer_devices(chosen, "cu130", facts))
        return trainer.plan(model, 100, {}, sampler=big)

    # 12 GB are too few for the model's own size, and the fewest of the cards count.
    assert planned("0,1")["side"] == planned("0,2,1")["side"] == 768
    assert planned("0,2")["side"] == planned("0")["side"] == 1024
    one = trainer_devices(choose_devices("0", CARDS, mac=False), "cu130", facts)
    assert (one.name, one.memory) == ("", 0)


def test_what_is_not_used_is_not_told():
    facts = SystemFacts("linux", "x86_64", None, has_nvidia_smi=True, amd=(16 * GIB,), wsl=True)
    assert used_by(choose_devices(None, CARDS, mac=False), facts) == facts
    plain = SystemFacts("linux", "x86_64", None)
    assert used_by(choose_devices("cpu", CARDS, mac=False), facts) == plain


def test_a_part_of_a_card_is_not_told_to_be_no_card():
    card = NvidiaCard(0, "GPU-1", "NVIDIA H200", "580.65.06", 141 * GIB, 141 * GIB, (9, 0))
    torch = TorchBuild("2.13.0", "cu130")
    facts = SystemFacts("linux", "x86_64", torch, nvidia=(card,), has_nvidia_smi=True)
    assert installation_notices(used_by(choose_devices("MIG-5", CARDS, mac=False), facts)) == []


@pytest.mark.slow
def test_a_run_is_shown_its_cards_alone(tmp_path):
    python = tmp_path / "python"
    python.write_text(TELLS.format(python=sys.executable, stream="stdout"), "utf-8")
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    run.write_config(RunConfig(describe_model(), configure("embedded", {}), 1))

    devices = choose_devices("1,2,0", CARDS, mac=False).of_trainer("cu130")
    TrainerProcess(str(python), devices=devices).start(run.path)
    shown = json.loads(wait_for(lambda: run.log.read_text(), "the run's process to tell"))
    assert shown["CUDA_VISIBLE_DEVICES"] == "2,0"
    assert shown["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"
    assert shown["PALATE_DEVICE"] is None


@pytest.mark.slow
def test_exports_are_shown_the_same_devices(tmp_path):
    python = tmp_path / "python"
    python.write_text(TELLS.format(python=sys.executable, stream="stderr"), "utf-8")
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    environment = choose_devices("cpu", CARDS, mac=False).of_sampler("cu130")
    converter = ConverterProcess(str(python), environment)
    with pytest.raises(ConversionFailed, match='"PALATE_DEVICE": "cpu"'):
        converter.export(tmp_path / "a", tmp_path / "b", "comfyui", describe_model())


def test_more_processes_than_cards_are_refused_before_a_run_is_made(tmp_path):
    devices = choose_devices("0,1", CARDS, mac=False).of_trainer("cu130")
    with pytest.raises(InvalidSettings, match="num_processes 2"):
        TrainerProcess(devices=devices).plan(describe_model(), 100, {"num_processes": 2})
    with pytest.raises(InvalidSettings, match="num_processes 2"):
        TrainerProcess(devices=devices).prepare(
            tmp_path / "run", tmp_path, describe_model(), {"num_processes": 2}
        )
    assert not (tmp_path / "run").exists()
