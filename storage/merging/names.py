"""Names that two studios use for the same thing: models, people and versions."""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from storage.database import Cursor
from storage.errors import OtherModel
from storage.lookalikes import folded
from storage.snapshot.snapshot_folder import pseudonym

VERSION = re.compile(r"v([1-9][0-9]{0,8})(@[0-9.]+)?")
"""A version within the name of a mix, such as v1@0.5+v2."""
PEOPLE = " UNION ".join(
    f"SELECT {column} AS name FROM {{catalog}}.{table}"
    for table, column in (
        ("votes", "annotator"), ("rankings", "annotator"), ("flags", "annotator"),
        ("acts", "annotator"), ("withdrawals", "annotator"), ("exclusions", "annotator"),
        ("voter_weights", "annotator"), ("control_pairs", "annotator"),
        ("kept_pairs", "annotator"), ("labeling_sessions", "annotator"), ("people", "name"),
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Names:
    """What the names of the other studio are here."""

    models: Mapping[str, str]
    people: Mapping[str, str]
    same_people: tuple[str, ...]
    """People of both studios."""


def same_names(stage: Cursor) -> Names:
    """Compare the names of two studios; raises OtherModel where they have no model in common."""
    models = same_models(stage)
    people, both = same_people(stage)
    return Names(models, people, both)


def same_models(stage: Cursor) -> dict[str, str]:
    """Return the name here of each model of the other studio; raises OtherModel.

    A model that only the other one knows keeps its name.
    """
    here, there = models_of(stage, "palate"), models_of(stage, "other")
    aliases = {base: aliases_of(stage, "palate", base) for base in here}
    found: dict[str, str] = {}
    for base in there:
        own = aliases_of(stage, "other", base)
        same = [known for known in here if known == base or shares(aliases[known], own)]
        if same:
            found[base] = same[0]
    if here and there and not found:
        raise OtherModel(
            f"The studios are of different models: this one of {', '.join(here)}, the other one of "
            f"{', '.join(there)}. Votes on images of one model say little about another, so "
            "nothing was merged. Export the votes and bring them in as a source instead."
        )
    return {base: found.get(base, base) for base in there}


def models_of(stage: Cursor, catalog: str) -> list[str]:
    """Return the names under which a studio stores models, those with the most votes first."""
    rows = stage.execute(
        f"SELECT base FROM {catalog}.versions LEFT JOIN (SELECT base, count(*) AS given "
        f"FROM {catalog}.votes GROUP BY base) AS counted USING (base) WHERE number = 0 "
        "ORDER BY coalesce(given, 0) DESC, base"
    )
    return [base for (base,) in rows.fetchall()]


def aliases_of(stage: Cursor, catalog: str, base: str) -> dict[str, bool]:
    """Return the names of a model, with whether it was opened by each."""
    rows = stage.execute(f"SELECT alias, own FROM {catalog}.model_aliases WHERE base = ?", [base])
    return {alias: bool(own) for alias, own in rows.fetchall()} | {base: True}


def shares(one: Mapping[str, bool], other: Mapping[str, bool]) -> bool:
    """Return True if two models have a name in common that one of them was opened by.

    A name that begins with a hyphen stands for every name that ends so.
    """
    if any(one[name] or other[name] for name in one.keys() & other.keys()):
        return True
    return any(
        opened and name.endswith(ending)
        for names, others in ((one, other), (other, one))
        for name, opened in names.items()
        for ending in others
        if ending.startswith("-")
    )


def same_people(stage: Cursor) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the name here of each person of the other studio, and who is in both.

    A person of the same name is the same person, however an account here capitalizes it. So is one
    who has a name in one studio and in the other its pseudonym, as exports restore it.
    """
    here, there = names_in(stage, "palate"), names_in(stage, "other")
    accounts = {
        folded(name): name for (name,) in stage.execute("SELECT name FROM palate.people").fetchall()
    }
    pseudonyms = {pseudonym(name): name for name in here}
    found = {
        name: name if name in here else (
            accounts.get(folded(name)) or pseudonyms.get(pseudonym(name), name)
        )
        for name in there
    }  # fmt: skip
    return found, tuple(sorted({name for name in found.values() if name in here}))


def names_in(stage: Cursor, catalog: str) -> set[str]:
    """Return everybody who is named in a studio."""
    rows = stage.execute(f"SELECT name FROM ({PEOPLE.format(catalog=catalog)}) WHERE name <> ''")
    return {name for (name,) in rows.fetchall()}


def renamed_mix(name: str, numbers: Mapping[int, int]) -> str:
    """Return the name of a version, or of a mix of them, with the versions' numbers here."""
    parts = name.split("+")
    matches = [VERSION.fullmatch(part) for part in parts]
    if not all(matches):
        return name
    new = defaultdict(str)
    for match in matches:
        assert match is not None
        number = numbers.get(int(match[1]), int(match[1]))
        new[f"v{number}"] = match[2] or ""
    # As mixes are written: sorted, so that equal mixes have equal names.
    return "+".join(f"{version}{strength}" for version, strength in sorted(new.items()))
