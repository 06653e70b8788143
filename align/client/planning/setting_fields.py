"""Fields of the form of a run's settings: defaults, limits and help, by the model's preset."""

from dataclasses import Field, fields
from typing import Any

from align.client.config import BUDGETS, LEGACY_SETTINGS, PRESETS, TrainConfig
from align.client.objectives import OBJECTIVES
from align.contracts.run_settings import (
    ObjectiveChoice,
    RunSettingFields,
    SettingField,
    field_docs,
)


def setting_fields(preset: str) -> RunSettingFields:
    """Return every setting of a run with its default in a preset, and the objectives."""
    docs, own = field_docs(TrainConfig), PRESETS[preset]
    return {
        "fields": [
            setting_field(each, getattr(own, each.name), docs[each.name])
            for each in fields(TrainConfig)
        ],
        "objectives": objective_choices(),
        "budgets": dict(BUDGETS),
        "former": dict(LEGACY_SETTINGS),
    }


def setting_field(known: Field[Any], default: Any, help_text: str) -> SettingField:
    """Return one setting: limits for a number, choices where it has some."""
    field: SettingField = {"name": known.name, "default": default, "help": help_text}
    if choices := known.metadata.get("choices"):
        field["choices"] = list(choices)
    elif "low" in known.metadata:
        field["low"], field["high"] = known.metadata["low"], known.metadata["high"]
    return field


def objective_choices() -> list[ObjectiveChoice]:
    """Return the objectives in the order in which they are offered."""
    return [
        {"name": name, "plain": each.plain, "title": each.title, "about": each.about}
        for name, each in OBJECTIVES.items()
    ]
