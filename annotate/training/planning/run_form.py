"""Form of a run: the values that it shows, the settings after a change, and whether it is offered.

The settings hold only what differs from the defaults, so that form and JSON cannot disagree: the
form shows the settings, and a change in it makes new ones.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

from align.contracts.run_settings import RunSettingFields, SettingField
from annotate.training.planning.new_votes import ALSO, SOURCES, VOTER
from annotate.views.training import PlanView
from annotate.wording import pluralize, quantity

NORMAL = "normal"
BUDGET_PARTS = ("steps", "max_minutes")
"""Settings that `budget` decides on, so that it cannot be given beside them."""

FEWEST_PAIRS = 8
"""What one step of training looks at: with fewer, a run only learns these pairs by heart."""

Settings = dict[str, Any]


class FormValues(TypedDict):
    """Values that the form shows: each as it is set, or its default."""

    budget: str | None
    """gentle, normal or strong; None where steps or minutes are set by themselves."""
    steps: Any
    rank: Any
    learning_rate: Any
    objective: Any
    init_from: Any
    voter: list[str]
    """Annotators whose votes alone count; empty for everybody."""
    also_votes_of: list[str]
    """Other models whose votes are taken along."""
    sources: list[str]
    """Sources whose votes alone count, beside those of `voter`; empty for all in use."""


def form_values(settings: Mapping[str, Any], known: RunSettingFields) -> FormValues:
    """Return what the form shows for settings."""
    given, default = present_names(settings, known), defaults(known)
    # What somebody types as JSON may hold anything; the trainer says what is wrong with it.
    kinds = {"budget": NORMAL, **default}
    given = {name: usable(value, kinds.get(name)) for name, value in given.items()}
    budget = given.get("budget", NORMAL)
    own_steps = max(1, round(known["budgets"].get(budget, 1.0) * default["steps"]))
    by_hand = any(name in given for name in BUDGET_PARTS)
    return {
        "budget": None if by_hand or budget not in known["budgets"] else budget,
        "steps": given.get("steps", own_steps),
        "rank": given.get("rank", default["rank"]),
        "learning_rate": given.get("learning_rate", default["learning_rate"]),
        "objective": given.get("objective", default["objective"]),
        "init_from": given.get("init_from", default["init_from"]),
        "voter": as_list(given.get(VOTER)),
        "also_votes_of": as_list(given.get(ALSO)),
        "sources": as_list(given.get(SOURCES)),
    }


def usable(value: Any, default: Any) -> Any:
    """Return a value that a field can show: None in place of one of another kind."""
    if isinstance(default, str):
        return value if isinstance(value, str) else None
    if isinstance(default, int | float):
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return value if number and math.isfinite(value) else None
    return value


def changed(
    settings: Mapping[str, Any], name: str, value: Any, known: RunSettingFields
) -> Settings:
    """Return settings after one field of the form was changed; a default is left out."""
    given = present_names(settings, known)
    given.pop(name, None)
    if name == "budget":
        given = {key: value for key, value in given.items() if key not in BUDGET_PARTS}
    if name in BUDGET_PARTS:
        given.pop("budget", None)

    usual = NORMAL if name == "budget" else defaults(known).get(name)
    if value in (None, "", [], usual):
        return given
    return {**given, name: value}


def present_names(settings: Mapping[str, Any], known: RunSettingFields) -> Settings:
    """Return settings under their present names, unless one is given under both."""
    renamed: Settings = {}
    for name, value in settings.items():
        present = known["former"].get(name, name)
        renamed[name if present in settings else present] = value
    return renamed


def defaults(known: RunSettingFields) -> Settings:
    """Return the default of every setting, by its name."""
    return {field["name"]: field["default"] for field in known["fields"]}


def field_of(name: str, known: RunSettingFields) -> SettingField:
    """Return what is known of one setting."""
    return next(field for field in known["fields"] if field["name"] == name)


def as_list(value: Any) -> list[str]:
    """Return the names that a setting holds: none, one or several."""
    if isinstance(value, str):
        return [value] if value else []
    return [each for each in value or [] if isinstance(each, str)]


@dataclass(frozen=True)
class Readiness:
    """Whether a run is offered, and what is said beside its button."""

    possible: bool
    reason: str = ""
    """Why none is offered; empty where one is."""


def readiness(plan: PlanView, busy: bool = False) -> Readiness:
    """Return whether a run makes sense; `busy` means that one is under way."""
    if busy:
        return Readiness(False, "A run is under way. The next one can start when it has ended.")
    pairs = plan["pairs"]
    if (missing := FEWEST_PAIRS - pairs) > 0:
        are = "is" if pairs == 1 else "are"
        return Readiness(
            False,
            f"There {are} {quantity(pairs, 'choice')} to learn from, and a run needs at least "
            f"{FEWEST_PAIRS}. Choose in {missing} more {pluralize(missing, 'pair')} on Label.",
        )
    return Readiness(True)
