"""Subjects of the emoji images, and the selection that the model is trained on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

LEARNED_GROUPS = (
    "face-smiling face-affection face-tongue face-hand face-neutral-skeptical face-sleepy "
    "face-unwell face-hat face-glasses face-concerned face-negative face-costume cat-face "
    "monkey-face heart animal-mammal animal-bird animal-amphibian animal-reptile animal-marine "
    "animal-bug plant-flower plant-other food-fruit food-vegetable food-prepared food-asian "
    "food-marine food-sweet drink dishware place-geographic place-building place-other "
    "transport-ground transport-water transport-air sky-weather event award-medal sport game "
    "arts-crafts musical-instrument clothing light-video tool"
).split()
"""Groups with a distinct shape. No people, hands, clocks, arrows, flags or lettering."""
AUTOENCODER_GROUPS = (
    "emotion hand-fingers-open hand-fingers-partial hand-single-finger hand-fingers-closed hands "
    "hand-prop body-parts person person-gesture person-role person-fantasy person-activity "
    "person-sport person-resting place-map place-religious hotel sound music phone computer "
    "book-paper money mail writing office lock science medical household other-object"
).split()
"""Groups that only the autoencoder is trained on, for more images of the same kind."""
EXCLUDED_WORDS = (
    "quarter moon, crescent moon, gibbous moon, medal, departure, arrival, without mouth, fog, "
    "playing card, mahjong, joker, knot, cityscape, sunrise, sunset, night, oncoming, railway, "
    "rail, tram, trolleybus, metro, station, post office, store, hotel, school, hospital, bank, "
    "building, construction, factory, motorway, bus stop, elevator, japanese, decoration, "
    "tanabata, viewing, wind chime, envelope, streamer, national park, desert, houses, with "
    "garden, head shaking, dotted line, tilted, kimono, sari, lab coat, safety, military, "
    "martial, briefs, film, projector, videocassette, hammer and, clamp, nut and bolt, chains, "
    "link, white cane, suit, without snow, wheelchair, articulated, guide dog, service dog, "
    "rice cracker, oden, fish cake, dango, tamale, falafel, long drum, sake, hut, rosette, oil "
    "drum, mount fuji, behind large, behind small, with open mouth, ticket, video game, slot "
    "machine, house with"
).split(", ")
"""Words of labels that nearly equal another one, or hardly have a shape at 128 pixels."""


@dataclass(frozen=True)
class Subject:
    """An emoji in any style."""

    code: str
    """Its code points, such as "1f431" or "2764-200d-1f525"."""
    label: str
    tags: tuple[str, ...]
    learned: bool
    """True if the denoiser is trained on it."""


def plain_code(code: str) -> str:
    """Normalize code points as all sources have them: lower case, no variation selectors."""
    return "-".join(part for part in code.lower().split("-") if part != "fe0f")


def read_subjects(entries: Iterable[dict[str, Any]], messages: dict[str, Any]) -> list[Subject]:
    """Read the subjects of emojibase's `data.json`, with the groups of its `messages.json`."""
    # Some subgroups share a number, so all keys of a number count.
    names: dict[int, set[str]] = {}
    for item in messages["subgroups"]:
        names.setdefault(item["order"], set()).add(item["key"])

    subjects = []
    for entry in entries:
        groups = names.get(entry.get("subgroup", -1), set())
        learned = bool(groups.intersection(LEARNED_GROUPS)) and not _is_excluded(entry["label"])
        if groups.intersection(LEARNED_GROUPS + AUTOENCODER_GROUPS):
            tags = tuple(tag.lower() for tag in entry.get("tags", ()))
            code = plain_code(entry["hexcode"])
            subjects.append(Subject(code, entry["label"].lower(), tags, learned))
    return subjects


def _is_excluded(label: str) -> bool:
    words = f" {label.lower()} "
    return any(f" {word} " in words for word in EXCLUDED_WORDS)
