"""--devices: which card renders, which train, and what a process is shown."""

from __future__ import annotations

import pytest

from align.client.devices.chosen_devices import (
    Card,
    ChosenDevices,
    choose_devices,
    device_environment,
)
from align.errors import InvalidDevices, InvalidSettings

CARDS = (Card(0, "GPU-aa11"), Card(1, "GPU-bb22"), Card(2, "GPU-ab33"))


@pytest.mark.parametrize(
    ("named", "sampler", "trainer", "cards"),
    [
        (None, (), (), 0),
        ("0", ("0",), ("0",), 1),
        ("0,1", ("0",), ("1",), 1),
        ("1, 0", ("1",), ("0",), 1),
        ("2,0,1", ("2",), ("0", "1"), 2),
        ("cuda:1", ("1",), ("1",), 1),
        ("GPU-bb22,GPU-aa", ("1",), ("0",), 1),
        ("MIG-5,MIG-6", ("MIG-5",), ("MIG-6",), 1),
        ("CPU", ("cpu",), ("cpu",), 0),
    ],
)
def test_the_first_card_renders_and_the_others_train(named, sampler, trainer, cards):
    chosen = choose_devices(named, CARDS, mac=False)
    assert (chosen.sampler, chosen.trainer) == (sampler, trainer)
    assert chosen.of_trainer("cu130").cards == cards
    assert chosen.of_trainer("cu130").apart == (named is not None and "," in named)


@pytest.mark.parametrize(
    ("named", "sentence"),
    [
        ("3", "There is no card 3 here: there are 0, 1, 2."),
        ("0,7", "There is no card 7 here"),
        ("GPU-cc", "There is no card GPU-cc here"),
        # Two cards begin like this.
        ("GPU-a", "There is no card GPU-a here"),
        ("0,0", "--devices names 0 twice."),
        ("1,GPU-bb22", "--devices names 1 twice."),
        ("cpu,cpu", "--devices names cpu twice."),
        ("0,cpu", "--devices 0,cpu mixes kinds of devices"),
        ("mps", "this is no Mac"),
        ("", "--devices knows no ''."),
        ("0,", "--devices knows no ''."),
        ("RTX 4070", "--devices knows no 'RTX 4070'."),
        ("-1", "--devices knows no '-1'."),
    ],
)
def test_what_cannot_be_used_is_refused_with_what_can(named, sentence):
    with pytest.raises(InvalidDevices) as refused:
        choose_devices(named, CARDS, mac=False)
    assert sentence in str(refused.value)
    assert "--devices 0,1" in str(refused.value)


def test_a_card_is_taken_at_its_word_where_nobody_can_tell():
    assert choose_devices("4,GPU-x", None, mac=False) == ChosenDevices(("4",), ("GPU-x",))
    with pytest.raises(InvalidDevices, match="no card was found"):
        choose_devices("0", [], mac=False)
    with pytest.raises(InvalidDevices, match="the only one is 0"):
        choose_devices("1", [Card(0)], mac=False)


def test_a_mac_has_one_device():
    assert choose_devices("mps", [], mac=True) == ChosenDevices(("mps",), ("mps",))
    assert not choose_devices("mps", [], mac=True).apart


@pytest.mark.parametrize(
    ("devices", "build", "environment"),
    [
        ((), "cu130", {}),
        (("mps",), "cpu", {}),
        (("1",), "cu130", {"CUDA_VISIBLE_DEVICES": "1", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}),
        (("1", "2"), "rocm7.2", {"HIP_VISIBLE_DEVICES": "1,2"}),
        (("0",), "xpu", {"ZE_AFFINITY_MASK": "0"}),
        (
            ("cpu",),
            "cu130",
            {
                "PALATE_DEVICE": "cpu",
                "CUDA_VISIBLE_DEVICES": "-1",
                "HIP_VISIBLE_DEVICES": "-1",
            },
        ),
    ],
)
def test_a_process_is_shown_its_devices_alone(devices, build, environment):
    assert device_environment(devices, build) == environment


def test_each_process_is_shown_its_own_cards():
    chosen = choose_devices("2,0,1", CARDS, mac=False)
    assert chosen.of_sampler("cu130")["CUDA_VISIBLE_DEVICES"] == "2"
    assert chosen.of_trainer("cu130").environment["CUDA_VISIBLE_DEVICES"] == "0,1"


def test_a_run_has_at_most_a_process_a_card():
    devices = choose_devices("2,0,1", CARDS, mac=False).of_trainer("cu130")
    devices.check(2)
    with pytest.raises(InvalidSettings, match="leaves 2 cards to a run, which has num_processes 3"):
        devices.check(3)
    with pytest.raises(InvalidSettings, match="leaves one card to a run"):
        choose_devices("0", CARDS, mac=False).of_trainer("cu130").check(2)
    # Where nobody named any, whoever launches processes knows the cards.
    choose_devices(None, CARDS, mac=False).of_trainer("cu130").check(8)
    choose_devices("cpu", CARDS, mac=False).of_trainer("cu130").check(2)


def test_a_build_for_cpus_shares_one_whatever_is_named():
    devices = choose_devices("0,1", CARDS, mac=False).of_trainer("cpu")
    assert not devices.apart
    devices.check(2)
