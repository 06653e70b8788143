"""What there is an image of, and which of it the model learns to draw."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

DRAWN_GROUPS = (
    "face-smiling face-affection face-tongue face-hand face-neutral-skeptical face-sleepy "
    "face-unwell face-hat face-glasses face-concerned face-negative face-costume cat-face "
    "monkey-face heart animal-mammal animal-bird animal-amphibian animal-reptile animal-marine "
    "animal-bug plant-flower plant-other food-fruit food-vegetable food-prepared food-asian "
    "food-marine food-sweet drink dishware place-geographic place-building place-other "
    "transport-ground transport-water transport-air sky-weather event award-medal sport game "
    "arts-crafts musical-instrument clothing light-video tool"
).split()
"""Things with a shape of their own. No people, hands, clocks, arrows, flags or lettering."""
SEEN_GROUPS = (
    "emotion hand-fingers-open hand-fingers-partial hand-single-finger hand-fingers-closed hands "
    "hand-prop body-parts person person-gesture person-role person-fantasy person-activity "
    "person-sport person-resting place-map place-religious hotel sound music phone computer "
    "book-paper money mail writing office lock science medical household other-object"
).split()
"""More images of the same kind, from which the autoencoder alone learns."""
LEFT_OUT = (
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
"""Words of labels that are near-twins of others, or hardly a shape at 128 pixels."""


@dataclass(frozen=True)
class Subject:
    """An emoji, whoever draws it."""

    code: str
    """Its code points, such as "1f431" or "2764-200d-1f525"."""
    label: str
    tags: tuple[str, ...]
    drawn: bool
    """Whether the model learns to draw it when asked."""


def plain_code(code: str) -> str:
    """Code points as all sources agree on them: lower case, without variation selectors."""
    return "-".join(part for part in code.lower().split("-") if part != "fe0f")


def read_subjects(entries: Iterable[dict[str, Any]], messages: dict[str, Any]) -> list[Subject]:
    """The subjects among emojibase's `data.json`, with the groups that its `messages.json` names.

    Its subgroups share a number in places, so that all keys of one number count.
    """
    names: dict[int, set[str]] = {}
    for item in messages["subgroups"]:
        names.setdefault(item["order"], set()).add(item["key"])
    subjects = []
    for entry in entries:
        groups = names.get(entry.get("subgroup", -1), set())
        drawn = bool(groups.intersection(DRAWN_GROUPS)) and not _left_out(entry["label"])
        if groups.intersection(DRAWN_GROUPS + SEEN_GROUPS):
            tags = tuple(tag.lower() for tag in entry.get("tags", ()))
            code = plain_code(entry["hexcode"])
            subjects.append(Subject(code, entry["label"].lower(), tags, drawn))
    return subjects


def _left_out(label: str) -> bool:
    words = f" {label.lower()} "
    return any(f" {word} " in words for word in LEFT_OUT)
