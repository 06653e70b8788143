"""Devices that a person names with --devices, and what each process is shown of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from align.contracts.devices import ON_CPU
from align.errors import InvalidDevices, InvalidSettings

CPU, APPLE = "cpu", "mps"
CARD = re.compile(r"(?:cuda:|xpu:|gpu:)?(\d{1,4})")
UUID = re.compile(r"(?:GPU|MIG)-[0-9a-zA-Z-]{1,64}")
EXAMPLES = "Name cards by their numbers, such as --devices 0,1; or cpu."
HIDE_ALL = "-1"
"""An empty list would do on Linux, but on Windows an empty variable is none."""


@dataclass(frozen=True, slots=True)
class Card:
    """A card that can be named."""

    index: int
    uuid: str = ""


@dataclass(frozen=True, slots=True)
class TrainingDevices:
    """Devices of runs."""

    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables that show a trainer these alone."""
    cards: int = 0
    """How many there are; 0 where none was named."""
    apart: bool = False
    """Whether the image model has another one, so that it goes on during a run."""
    name: str = ""
    """Of the card, where runs have one of their own and its driver tells it."""
    memory: int = 0
    """Of that card, in bytes."""

    def check(self, processes: int) -> None:
        """Raise InvalidSettings for more processes than there are cards for them."""
        if self.cards and processes > self.cards:
            cards = "one card" if self.cards == 1 else f"{self.cards} cards"
            raise InvalidSettings(
                f"--devices leaves {cards} to a run, which has num_processes {processes}: one "
                f"process a card. Set num_processes to {self.cards}, or name more cards."
            )


@dataclass(frozen=True, slots=True)
class ChosenDevices:
    """Devices of the image model and of runs; nothing chosen stands for whatever there is."""

    sampler: tuple[str, ...] = ()
    trainer: tuple[str, ...] = ()

    @property
    def apart(self) -> bool:
        """Return whether rendering and training have cards of their own."""
        return set(self.sampler).isdisjoint(self.trainer) and bool(self.trainer)

    def of_sampler(self, build: str) -> dict[str, str]:
        """Return the variables that show the image model its devices, as `device_environment`."""
        return device_environment(self.sampler, build)

    def of_trainer(self, build: str) -> TrainingDevices:
        """Return the devices of runs."""
        # On a CPU, and with a build for CPUs, everything shares that one, in any number.
        on_cpu = CPU in self.trainer or (build == CPU and APPLE not in self.trainer)
        cards = 0 if on_cpu else len(self.trainer)
        apart = self.apart and not on_cpu
        return TrainingDevices(device_environment(self.trainer, build), cards, apart)


def choose_devices(named: str | None, cards: Sequence[Card] | None, mac: bool) -> ChosenDevices:
    """Read --devices: the first card renders, the others train; a single one does both.

    Args:
        cards: Those that are there; None where nobody can tell.
        mac: Whether this is a Mac, whose one device is called mps.

    Raises:
        InvalidDevices: a name that stands for nothing, for what is not there, or comes twice.
    """
    if named is None:
        return ChosenDevices()
    names = [_known(word.strip(), cards, mac) for word in named.split(",")]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidDevices(f"--devices names {twice} twice. Name each device once. {EXAMPLES}")
    if len(names) > 1 and {CPU, APPLE} & set(names):
        raise InvalidDevices(
            f"--devices {named} mixes kinds of devices, which render and train alike only alone. "
            f"{EXAMPLES}"
        )
    return ChosenDevices(tuple(names[:1]), tuple(names[1:] or names))


def _known(word: str, cards: Sequence[Card] | None, mac: bool) -> str:
    """Return a device's name in one spelling: cpu, mps, or a card's number or UUID."""
    if word.lower() == CPU:
        return CPU
    if word.lower() == APPLE:
        if mac:
            return APPLE
        raise InvalidDevices(f"mps is Apple's device, and this is no Mac. {EXAMPLES}")
    if UUID.fullmatch(word):
        return _by_uuid(word, cards)
    found = CARD.fullmatch(word.lower())
    if not found:
        raise InvalidDevices(f"--devices knows no {word!r}. {EXAMPLES}")
    return _by_index(int(found[1]), cards)


def _by_index(index: int, cards: Sequence[Card] | None) -> str:
    if cards is None or any(card.index == index for card in cards):
        return str(index)
    raise InvalidDevices(f"There is no card {index} here: {listed(cards)}. {EXAMPLES}")


def _by_uuid(uuid: str, cards: Sequence[Card] | None) -> str:
    """Return the number of a card, since a number and a UUID may name the same one."""
    # Part of a graphics card, which no list of whole cards has.
    if cards is None or uuid.startswith("MIG-"):
        return uuid
    # As CUDA does, which takes a beginning that only one card has.
    meant = [card for card in cards if card.uuid.lower().startswith(uuid.lower())]
    if len(meant) == 1:
        return str(meant[0].index)
    raise InvalidDevices(f"There is no card {uuid} here: {listed(cards)}. {EXAMPLES}")


def listed(cards: Sequence[Card]) -> str:
    """Return the cards that are there as the middle of a sentence."""
    numbers = ", ".join(str(card.index) for card in cards)
    if not numbers:
        return "no card was found"
    return f"the only one is {numbers}" if len(cards) == 1 else f"there are {numbers}"


def device_environment(devices: Sequence[str], build: str) -> dict[str, str]:
    """Return the variables that show a process these devices alone; none where none is chosen.

    `build` is what torch was built for: cpu, cu130, rocm7.2, xpu.
    """
    if not devices or APPLE in devices:
        return {}
    if CPU in devices:
        return {ON_CPU: CPU, "CUDA_VISIBLE_DEVICES": HIDE_ALL, "HIP_VISIBLE_DEVICES": HIDE_ALL}
    shown = ",".join(devices)
    if build.startswith("xpu"):
        return {"ZE_AFFINITY_MASK": shown}
    if build.startswith("rocm"):
        return {"HIP_VISIBLE_DEVICES": shown}
    # CUDA counts from the fastest card on, nvidia-smi by slots.
    return {"CUDA_VISIBLE_DEVICES": shown, "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
